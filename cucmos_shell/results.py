"""What a handler returns, what it may ask on the way, and what a front end sees of both."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping
    from typing import Any, ClassVar, Protocol, TypeAlias, TypeVar, dataclass_transform

    T = TypeVar("T")
    Conversation = Generator["Step", Any, T]

    class Result(Protocol):
        """What a handler returns: a value that knows its two forms.

        Neither depends on the width of a terminal, since programs read both. A screen of our own
        (`own` of its command) may have a third for a terminal of known width: `blocks(width)`, for
        each of its lines those that it becomes, or `fitted(width)` where lines run into each other.

        `findings`, where there are any, are warnings that it shows itself, and that stand beside
        it in JSON. `failure`, where it is not None, is the error that is raised once it was shown.
        """

        def lines(self) -> Iterable[str]:
            """The text, without line ends."""

        def data(self) -> Any:
            """The JSON form: plain data, and values that `cli.render.to_data` makes such of."""

    Handler = Callable[..., Result | Conversation[Result]]
    from functools import cached_property

    lazy = cached_property
    # A word for a plain value, words of which it is one, a list with the form of its items, a
    # mapping of keys to their forms, or `maybe` of one of these.
    Form: TypeAlias = "str | tuple[str, ...] | list[Any] | dict[str, Any] | maybe"
else:

    def dataclass_transform(**_: object) -> Callable[[Any], Any]:
        return lambda cls: cls

    class lazy:  # noqa: N801
        """`functools.cached_property` without what that module costs to import."""

        def __init__(self, make: Callable[[Any], Any]) -> None:
            self._make = make
            self.__doc__ = make.__doc__

        def __set_name__(self, owner: type, name: str) -> None:
            self._name = name

        def __get__(self, owner: Any, kind: type | None = None) -> Any:
            if owner is None:
                return self
            made = owner.__dict__[self._name] = self._make(owner)
            return made


def row_type(name: str, fields: str, **defaults: object) -> Any:
    """What `collections.namedtuple` makes, without what that module costs to import.

    A tuple with `_make`, `_replace`, `_asdict`, and `defaults`; TypeError for a wrong number.
    """
    from _operator import itemgetter

    names = tuple(fields.split())

    def make(cls: Any, values: Iterable[Any]) -> Any:
        made = tuple.__new__(cls, values)
        if len(made) != len(names):
            if not defaults.keys() >= {*names[len(made) :]} > set():
                raise TypeError(f"{name} has {len(names)} values, not {len(made)}")
            made = tuple.__new__(cls, (*made, *map(defaults.get, names[len(made) :])))
        return made

    def new(cls: Any, *values: Any, **named: Any) -> Any:
        for field in names[len(values) :] if named else ():
            if field not in named and field not in defaults:
                break
            values += (named.pop(field, defaults.get(field)),)
        if named:
            raise TypeError(f"{name}: unexpected {next(iter(named))!r}")
        return make(cls, values)

    def shown(self: Any) -> str:
        return f"{name}({', '.join(f'{f}={v!r}' for f, v in self._asdict().items())})"

    parts: dict[str, Any] = {
        "__slots__": (),
        "__new__": new,
        "__repr__": shown,
        "_fields": names,
        "_make": classmethod(make),
        "_asdict": lambda self: dict(zip(names, self, strict=True)),
        "_replace": lambda self, **named: new(type(self), **{**self._asdict(), **named}),
        **{field: property(itemgetter(i)) for i, field in enumerate(names)},
    }
    return type(name, (tuple,), parts)


@dataclass_transform(frozen_default=True)
class Value:
    """An immutable record; its fields are the annotations of the class.

    Cheaper to define than a frozen dataclass by a factor of fifty, which a one-shot command feels.
    """

    _fields: ClassVar[tuple[str, ...]] = ()
    _defaults: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls) -> None:
        own = tuple(name for name in vars(cls).get("__annotations__", ()) if name[0] != "_")
        cls._fields = tuple(f for f in cls._fields if f not in own) + own
        cls._defaults = {
            **cls._defaults,
            **{f: cls.__dict__[f] for f in own if f in cls.__dict__},
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        state = self.__dict__
        if len(args) > len(self._fields):
            raise TypeError(f"{type(self).__name__} takes {len(self._fields)} values")
        state.update(zip(self._fields, args, strict=False))
        for name in kwargs:
            if name not in self._fields or name in state:
                raise TypeError(f"{type(self).__name__}: unexpected {name!r}")
        state.update(kwargs)
        for name in self._fields:
            if name not in state:
                if name not in self._defaults:
                    raise TypeError(f"{type(self).__name__}: missing {name!r}")
                state[name] = self._defaults[name]

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *(self.__dict__[f] for f in self._fields)))

    def __repr__(self) -> str:
        inner = ", ".join(f"{f}={self.__dict__[f]!r}" for f in self._fields)
        return f"{type(self).__name__}({inner})"

    def replace(self, **changes: Any) -> Any:
        """A copy with some fields changed."""
        return type(self)(**{**self.__dict__, **changes})


# --- the forms of JSON -------------------------------------------------------------------------
#
# What a value's `data()` looks like is declared beside it, as `form`. `cli.schema` makes JSON
# Schemas of forms; nothing else looks at them, so a command pays for the making of a mapping only.

TEXT, NUMBER, INTEGER, WHOLE, TRUTH = "text", "number", "integer", "whole", "truth"
# WHOLE is not negative. A time in UTC, a fingerprint, a serial number (hexadecimal both), PEM.
MOMENT, SHA256, SERIAL, PEM = "moment", "sha256", "serial", "pem"


class maybe:  # noqa: N801 - it reads as the others do
    """What is of that form, or null."""

    __slots__ = ("form",)

    def __init__(self, form: Form) -> None:
        self.form = form


def record(**keys: Form) -> dict[str, Form]:
    """An object that has each of these keys, and no other."""
    return keys


def each(form: Form) -> list[Form]:
    """A list of what is of that form."""
    return [form]


def one_of(*words: str) -> tuple[str, ...]:
    """A text that is one of these."""
    return words


# --- values any command may return -------------------------------------------------------------


class Notice(Value):
    """Lines as they are to be read; `facts` is what JSON shows: null where nothing was done."""

    text: tuple[str, ...]
    facts: Any = None
    findings: tuple[Finding, ...] = ()

    def lines(self) -> tuple[str, ...]:
        """The text as it is."""
        return self.text

    def data(self) -> Any:
        """The JSON form: `facts`."""
        return self.facts


class Document(Notice):
    """A text to be read page by page, forward and back, as a terminal lets one."""


class Record(Value):
    """Named fields: `(label, value)`, foreign text allowed; `facts` is what JSON shows."""

    fields: tuple[tuple[str, str], ...]
    facts: Any

    def lines(self) -> list[str]:
        """The text: `label : value`, the labels padded to one column."""
        width = max((len(label) for label, _ in self.fields), default=0)
        return [f"{label.ljust(width)} : {value}" for label, value in self.fields]

    def data(self) -> Any:
        """The JSON form: `facts`."""
        return self.facts


# The kinds of warnings: what each says, and which keys of `Finding.form` it has.
FINDINGS: dict[str, tuple[str, tuple[str, ...]]] = {
    "ca-signed-lost": ("a certificate that a CA has signed would be lost", ("unit", "ca")),
    "csr-lost": ("a pending CSR would be lost", ("unit", "name")),
    "chain-breaks": (
        "own certificates lose their CA, and `name` is its certificate",
        ("name", "names"),
    ),
    "phones-without-signer": (
        "phones would know no signer of their lists",
        ("units", "service"),
    ),
    "not-activated": ("services that cannot be restarted", ("services",)),
    "no-client-auth": (
        "a certificate, or a CA, that is for servers only, so others will refuse the units",
        ("common_name", "units"),
    ),
    "odd-characters": (
        "a value that public CAs refuse",
        ("attribute", "value", "characters"),
    ),
    "remark": ("anything else: `message` says it", ()),
}


class Finding(Value):
    """What a change would break, or what is odd about it.

    `kind` is one of FINDINGS, `text` says it, `facts` are the JSON keys of that kind.
    """

    form = record(
        kind=tuple(FINDINGS),
        message=TEXT,
        unit=maybe(TEXT),
        units=maybe(each(TEXT)),
        name=maybe(TEXT),
        names=maybe(each(TEXT)),
        common_name=maybe(TEXT),
        service=maybe(TEXT),
        services=maybe(each(TEXT)),
        ca=maybe(TEXT),
        attribute=maybe(TEXT),
        value=maybe(TEXT),
        characters=maybe(TEXT),
    )

    kind: str
    text: tuple[str, ...]
    facts: Mapping[str, Any] = {}
    mark: str = "WARNING"

    def lines(self) -> list[str]:
        """The text, marked as a warning."""
        first, *rest = self.text
        return [f"{self.mark}: {first}", *rest]

    def data(self) -> dict[str, Any]:
        """The JSON form; what its kind does not have is null."""
        message = " ".join(line.strip() for line in self.text)
        return {**dict.fromkeys(self.form), "kind": self.kind, "message": message, **self.facts}


def remark(text: str) -> Finding:
    """A warning that a sentence says, and that is about nothing a program could act on."""
    return Finding("remark", (text,), mark="Warning")


# --- steps a conversation may yield ------------------------------------------------------------


class Step(Value):
    """One thing a handler wants from its front end; the answer is what `yield` returns."""


class Ask(Step):
    """A question whose answer is one of `choices`; a unique beginning of a choice will do."""

    prompt: str
    choices: tuple[str, ...] = ("yes", "no")


class AskText(Step):
    """A question answered by free text (echoed); `default` is what an empty answer means."""

    prompt: str
    default: str = ""


class Secret(Step):
    """A question whose answer is echoed as `*`."""

    prompt: str


class Paste(Step):
    """Certificates pasted by the person; the answer is the text of all blocks."""

    prompt: str


class Progress(Step):
    """A whole line to show now; `aside` as in `Say`."""

    line: str
    aside: bool = False


class Warn(Step):
    """Warnings to show before what they warn of; in JSON they stand beside the result."""

    findings: tuple[Finding, ...]


class Pause(Step):
    """Wait `seconds` without holding a thread."""

    seconds: float


class Commit(Step):
    """The last step: `function(transaction)` under the store's lock; its result is the answer."""

    function: Callable[[Any], Any]


# --- events a front end gets from the session --------------------------------------------------


class Say(Value):
    """Whole lines for the screen, each ended by LF; `paged` asks for the pager.

    `viewer` asks for the one that goes back, too (`pager.Viewer`). `aside`: not part of the
    command's output; a batch keeps it out of what a program reads.
    """

    text: str
    paged: bool = False
    viewer: bool = False
    aside: bool = False


class DropAnswers(Value):
    """Lines typed ahead as answers to questions that nobody asks now are dropped, unheard.

    At most `lines` of them, and none from one on that the grammar understands as a command.
    """

    lines: int


class Done(Value):
    """The command is over. `status` is the exit status it would give a batch."""

    status: int
    ended: bool = False


if TYPE_CHECKING:
    Event = Say | Ask | AskText | Secret | Paste | Pause | DropAnswers | Done
    Events = Generator[Event, str | None, T]
