"""Over the whole suite: every line of JSON that anybody got is as the contract says, and so is what a
session in the tests' own process would have said in JSON where it said it in text.

The schemas are those that `cucmos-shell reference --json` prints, closed: a key that no form declares
is a mistake here, though clients must bear it.
"""

import functools
import json
import re

from cucmos_shell.cli.pattern import Choice, Options, Slot, Word
from cucmos_shell.cli.render import to_data, to_json
from cucmos_shell.errors import ShellError
from cucmos_shell.frontends import contract
from cucmos_shell.frontends.reference import every_command
from cucmos_shell.session import words

LINE = re.compile(rb'(?m)^\{"schema": \d+, "command": .*\}(?=\r?$)')
FILTER = re.compile(r" \| (begin|count|exclude|include|last|page|redirect|section)\b")
# What tests add to the commands of the program.
NO_COMMANDS = ("hostile ",)
# A name as the canonical line has it.
_NAME = r'(?:"(?:[^"\\]|\\.)*"|[^ ]+)'


def closed(schema):
    """The schema that allows no key beside those it names."""
    if isinstance(schema, dict):
        schema = {key: closed(value) for key, value in schema.items()}
        if schema.get("type") in ("object", ["object", "null"]) and "properties" in schema:
            schema["additionalProperties"] = False
    return schema


def _pattern(tokens):
    """A regular expression for the canonical lines of a command, each word with a blank before."""
    parts = []
    for token in tokens:
        if isinstance(token, Word):
            parts.append(f" {re.escape(token.text)}")
        elif isinstance(token, Choice):
            parts.append(f" (?:{'|'.join(map(re.escape, token.words))})")
        elif isinstance(token, Slot):
            parts.append(" .+" if token.rest else f" {_NAME}")
        elif isinstance(token, Options):
            groups = "|".join(_pattern(group) for group in token.groups)
            parts.append(f"(?:{groups})*")
    return "".join(parts)


@functools.cache
def _contract():
    document = contract.document(every_command())
    patterns = [(re.compile(_pattern(c.tokens)), c.usage) for c in every_command()]
    return document, patterns


@functools.cache
def _validator(*path):
    from jsonschema import Draft202012Validator

    schema = _contract()[0]
    for key in path:
        schema = schema[key]
    return Draft202012Validator(closed(schema))


def commands_of(line):
    """The commands, by their syntax, whose canonical line this may be."""
    return [usage for pattern, usage in _contract()[1] if pattern.fullmatch(f" {line}")]


def _mistakes(validator, data, what):
    for error in validator.iter_errors(data):
        yield f"{what}: {'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"


def mistakes(line):
    """What is wrong with a line of JSON by the contract; nothing if it keeps it."""
    answer = json.loads(line)
    found = [*_mistakes(_validator("line"), answer, "line")]
    for warning in [] if found else answer["warnings"]:
        about = {key for key, value in warning.items() if value is not None}
        wanted = _contract()[0]["warnings"][warning["kind"]]["keys"]
        if about != {"kind", "message", *wanted}:
            found.append(f"{warning['kind']} is about {sorted(about)}")
    if found:
        return found
    typed = answer["command"] or ""
    cut = FILTER.search(typed)
    if typed.startswith(NO_COMMANDS):
        return []
    usages = commands_of(typed[: cut.start()] if cut else typed)
    if not answer["ok"]:
        found = [*_mistakes(_validator("error"), answer["error"], typed)]
        details = answer["error"].get("details")
        if found or details is None:
            return found
        return _of_any(usages, "details", details, typed)
    for kind in contract.FILTERS:
        if re.search(rf" \| {kind}\b", typed):
            found = [*_mistakes(_validator("filters", kind), answer["data"], typed)]
            # What `redirect` has put into a file has the line that put it there.
            if kind != "redirect" or not found:
                return found
    return _of_any(usages, "data", answer["data"], typed)


def _of_any(usages, key, data, typed):
    """A name may read as the word of another command: one of them has to fit."""
    found = [f"{typed}: no command"]
    for usage in usages:
        found = [*_mistakes(_validator("commands", usage, key), data, f"{typed}: {key}")]
        if not found:
            break
    return found


# More than these of a list are as the first ones are.
LOOKED_AT = 50
_SAID: list[str] = []


def attach():
    """Let the watch see what sessions of this process show, whatever the form."""
    inner = words.shown

    @functools.wraps(inner)
    def outer(match, value, *arguments, **options):
        if match.command.usage in _contract()[0]["commands"]:
            try:
                data = to_data(value)
            except ShellError:
                return inner(match, value, *arguments, **options)  # JSON would have said why
            data = json.loads(to_json(data[:LOOKED_AT] if isinstance(data, list) else data))
            key = "details" if getattr(value, "failure", None) else "data"
            _SAID.extend(_of_any([match.command.usage], key, data, match.canonical))
        return inner(match, value, *arguments, **options)

    words.shown = outer


def all_mistakes(streams):
    """What is wrong with all lines of JSON in `streams`, octets each, and with what was shown."""
    said = _SAID[:]
    _SAID.clear()
    return said + [
        mistake
        for data in streams
        for line in LINE.findall(bytes(data))
        for mistake in mistakes(line)
    ]
