"""Makes docs/testing-api.md of the docstrings: `python tests/support/api_page.py`."""

import inspect
import textwrap

from places import DOCS

from cucmos_shell import testing
from cucmos_shell.testing import plugin

PAGE = DOCS / "testing-api.md"
HEAD = """# The kit for test suites: everything there is

Made from the docstrings of `cucmos_shell.testing`, which is public; nothing else in the package is.
[testing.md](testing.md) is where to begin.
"""
# What a tuple or an exception brings by itself.
FOREIGN = {"count", "index", "add_note", "with_traceback", "keys", "items", "values", "get"}


def public_members(kind):
    """`(name, member)` of what a class offers, in the order of its source."""
    found = {}
    for name, member in vars(kind).items():
        if not name.startswith("_") and name not in FOREIGN and described(member):
            found[name] = member
    return list(found.items())


def described(member):
    """The docstring of a method or property of ours; fields of tuples have none."""
    if isinstance(member, property):
        return member.fget.__doc__
    return inspect.isfunction(member) and member.__doc__


def written(annotation):
    """A type as it is written in the source."""
    return getattr(annotation, "__forward_arg__", annotation)


def signature(name, function):
    """How it is called; types as they are written."""
    found, words, named = inspect.signature(function), [], False
    for one in found.parameters.values():
        if one.name == "self":
            continue
        stars = {one.VAR_POSITIONAL: "*", one.VAR_KEYWORD: "**"}.get(one.kind, "")
        if one.kind is one.KEYWORD_ONLY and not named:
            words.append("*")
        named = named or one.kind in (one.KEYWORD_ONLY, one.VAR_POSITIONAL)
        default = "" if one.default is one.empty else f" = {one.default!r}"
        words.append(f"{stars}{one.name}: {written(one.annotation)}{default}")
    ends = written(found.return_annotation)
    call = f"{name}({', '.join(words)})"
    return call if ends in ("None", None, found.empty) else f"{call} -> {ends}"


def paragraph(doc):
    """A docstring as Markdown."""
    return inspect.cleandoc(doc)


def entry(name, member, level):
    """A heading and what it means."""
    head = "#" * level
    if isinstance(member, property):
        kind = inspect.signature(member.fget).return_annotation
        return (
            f"{head} `{name}`\n\n    {name}: {written(kind)}\n\n{paragraph(member.fget.__doc__)}\n"
        )
    body = textwrap.indent(signature(name, member), "    ")
    return f"{head} `{name}`\n\n{body}\n\n{paragraph(member.__doc__)}\n"


def class_page(name, kind):
    """A class, its fields, and what it can do."""
    lines = [f"### `{name}`\n"]
    fields = getattr(kind, "_fields", ())
    if fields:
        types = inspect.get_annotations(kind)
        lines.append("    " + ", ".join(f"{f}: {written(types[f])}" for f in fields) + "\n")
    elif not issubclass(kind, Exception) and inspect.isfunction(kind.__init__):
        lines.append(f"    {signature(name, kind.__init__)}\n")
    lines.append(paragraph(kind.__doc__) + "\n")
    lines += [entry(one, member, 4) for one, member in public_members(kind)]
    return "\n".join(lines)


def fixtures():
    """`(name, function)` of the plugin's fixtures that have a name for others."""
    for name, value in vars(plugin).items():
        if name.startswith("cucmos_"):
            yield name, inspect.unwrap(getattr(value, "_fixture_function", value))


def text():
    """The whole page."""
    parts = [HEAD, "## Fixtures\n"]
    parts += [f"### `{name}`\n\n{paragraph(made.__doc__)}\n" for name, made in fixtures()]
    values = {name: getattr(testing, name) for name in testing.__all__}
    parts.append("## Functions\n")
    parts += [entry(n, v, 3) for n, v in values.items() if inspect.isfunction(v)]
    classes = {n: v for n, v in values.items() if inspect.isclass(v)}
    parts.append("## Classes\n")
    parts += [class_page(n, v) for n, v in classes.items() if not issubclass(v, Exception)]
    parts.append("## Exceptions\n")
    parts += [class_page(n, v) for n, v in classes.items() if issubclass(v, Exception)]
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(text())
