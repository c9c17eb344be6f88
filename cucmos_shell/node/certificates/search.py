"""Find: conditions over what the index says about certificates and requests.

    where FIELD RELATION [TEXT] [and FIELD RELATION [TEXT]] …

The fields and relations are those of the product's Find page. Nothing is read but index rows: no
certificate is parsed, so ten thousand are filtered in the time a listing takes.
"""

from __future__ import annotations

from cucmos_shell.errors import BadValue, IncompleteCommand
from cucmos_shell.results import Value
from cucmos_shell.text import iso_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from cucmos_shell.store import CertificateRow, RequestRow

    Test = Callable[[str], bool]
    Getter = Callable[[CertificateRow], str]

FIELDS = (
    "file-name", "certificate-name", "type", "common-name", "issuer", "serial", "expiration",
    "description", "key-type",
)  # fmt: skip
FIELD = "field of a certificate list"
EXPIRATION = "expiration"
WITH_TEXT = ("begins-with", "contains", "ends-with", "is-exactly")
WITHOUT_TEXT = ("is-empty", "is-not-empty")
WITHIN, BEFORE, DAYS, AND = "within", "before", "days", "and"
OF_TIME = (WITHIN, BEFORE)
CERTIFICATE, TRUST, REQUEST = "own", "trust", "csr"
# What the product calls these types.
PRODUCT_NAMES = {CERTIFICATE: "cert", TRUST: "trust-certs", REQUEST: "csr"}
DAY = 86_400
_MAX_DAYS = 100_000
_FREE = {WITHIN: "NUMBER", BEFORE: "YYYY-MM-DD"}


class Condition(Value):
    """One condition; `text` is case-folded, `limit` is days (within) or epoch seconds (before)."""

    field: str
    relation: str
    text: str = ""
    limit: float = 0.0


# --- from words, and what may stand next -----------------------------------------------------


def relations(field: str) -> tuple[str, ...]:
    """The relations that `field` knows."""
    return (*WITH_TEXT, *WITHOUT_TEXT, *(OF_TIME if field == EXPIRATION else ()))


def _full(word: str, known: Sequence[str]) -> str:
    """The one of `known` that `word` is or begins, in any case; empty if there is none."""
    text = word.casefold()
    if text in known:
        return text
    found = [name for name in known if text and name.startswith(text)]
    return found[0] if len(found) == 1 else ""


def _one_of(word: str, known: Sequence[str], what: str) -> str:
    full = _full(word, known)
    if not full:
        raise BadValue(
            "{word} is not a {what}", word=word, what=what, details=[f"\t{name}" for name in known]
        )
    return full


class _Words:
    """The words of a search, taken from left to right."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._words)

    def take(self, *could_follow: str) -> str:
        if not self:
            raise IncompleteCommand(
                "Incomplete command entered", details=[f"\t{word}" for word in could_follow]
            )
        self._at += 1
        return self._words[self._at - 1]


def parse(words: Sequence[str]) -> tuple[Condition, ...]:
    """The conditions that `words` say. Raises BadValue or IncompleteCommand."""
    rest, conditions = _Words(words), []
    while True:
        field = _one_of(rest.take(*FIELDS), FIELDS, FIELD)
        known = relations(field)
        relation = _one_of(rest.take(*known), known, f"relation of {field}")
        conditions.append(_condition(field, relation, rest))
        if not rest:
            return tuple(conditions)
        word = rest.take()
        if not _full(word, (AND,)):
            raise BadValue(
                "{word}: after a condition comes {word_and}, or nothing",
                word=word,
                word_and=AND,
                details=('A text with blanks stands in quotation marks: contains "Root CA"',),
            )


def _condition(field: str, relation: str, rest: _Words) -> Condition:
    if relation in WITHOUT_TEXT:
        return Condition(field, relation)
    if relation == WITHIN:
        days = rest.take("NUMBER days")
        if not (days.isascii() and days.isdigit() and int(days[:9]) <= _MAX_DAYS):
            raise BadValue("{text} is not a number of days", text=days)
        _one_of(rest.take(DAYS), (DAYS,), "unit of time here")
        return Condition(field, relation, limit=float(int(days)))
    text = rest.take("DATE (YYYY-MM-DD)" if relation == BEFORE else "TEXT")
    if relation == BEFORE:
        return Condition(field, relation, limit=_date(text))
    if field == "serial":
        text = text.replace(":", "").lower().removeprefix("0x")
        text = text.lstrip("0") or text[:1] if relation == "is-exactly" else text
    return Condition(field, relation, text.casefold())


def _date(text: str) -> float:
    import datetime

    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise BadValue("{text} is not a date (YYYY-MM-DD)", text=text) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return moment.timestamp()


class Following(Value):
    """What may stand after words: `names`, or free text of the form `free`.

    `relation` is that of `field` whose text it is; both are empty before.
    """

    names: tuple[str, ...]
    free: str = ""
    field: str = ""
    relation: str = ""


def follow(words: Sequence[str]) -> Following:
    """What may stand after `words`. Raises BadValue if they are wrong."""
    rest = list(words)
    while rest:
        field = _one_of(rest.pop(0), FIELDS, FIELD)
        known = relations(field)
        if not rest:
            return Following(known, field=field)
        relation = _one_of(rest.pop(0), known, f"relation of {field}")
        if relation not in WITHOUT_TEXT:
            if not rest:
                return Following((), _FREE.get(relation, "TEXT"), field, relation)
            rest.pop(0)
        if relation == WITHIN:
            if not rest:
                return Following((DAYS,))
            _one_of(rest.pop(0), (DAYS,), "unit of time here")
        if not rest:
            return Following((AND,), "<cr>")
        _one_of(rest.pop(0), (AND,), "word behind a condition")
    return Following(FIELDS)


# --- over rows -------------------------------------------------------------------------------


_GETTERS: dict[str, Getter] = {
    "file-name": lambda row: f"{row.name}.pem",
    "common-name": lambda row: row.common_name,
    "issuer": lambda row: row.issuer,
    "serial": lambda row: row.serial,
    "expiration": lambda row: iso_time(row.not_after),
    "description": lambda row: row.description,
    "key-type": lambda row: row.key_type,
}


def values(
    field: str, groups: Iterable[tuple[str, Iterable[CertificateRow]]], type_name: str
) -> list[str]:
    """What `field` says of the certificates of `groups` (unit or store, rows), each text once."""
    if field == "type":
        return [type_name]
    if field == "certificate-name":
        return [name for name, rows in groups if any(True for _ in rows)]
    get = _GETTERS[field]
    return sorted({get(row) for _, rows in groups for row in rows} - {""}, key=str.casefold)


def request_values(field: str, requests: Iterable[tuple[str, RequestRow]]) -> list[str]:
    """What `field` says of the pending requests, each with its unit, each text once."""
    found = {_of_request(request, unit).get(field, "") for unit, request in requests}
    return sorted(found - {""}, key=str.casefold)


def _test(condition: Condition) -> Test:
    text = condition.text
    tests: dict[str, Test] = {
        "begins-with": lambda value: value.startswith(text),
        "contains": lambda value: text in value,
        "ends-with": lambda value: value.endswith(text),
        "is-exactly": lambda value: value == text,
        "is-empty": lambda value: not value,
        "is-not-empty": bool,
    }
    return tests[condition.relation]


def select(
    rows: Iterable[CertificateRow],
    conditions: Iterable[Condition],
    *,
    certificate_name: str,
    type_name: str,
    now: float,
) -> list[CertificateRow]:
    """The rows that meet all conditions, in their order.

    `certificate_name` is the unit or trust store the rows are of, `type_name` CERTIFICATE or TRUST;
    `now` is in seconds since the epoch.
    """
    found = list(rows)
    same = {
        "certificate-name": (certificate_name.casefold(),),
        "type": (type_name, PRODUCT_NAMES[type_name]),
    }
    for condition in sorted(conditions, key=lambda c: c.field not in same):
        if not found:
            break
        if condition.relation in OF_TIME:
            limit = condition.limit
            if condition.relation == WITHIN:
                limit = now + limit * DAY
            found = [row for row in found if row.not_after < limit]
            continue
        test = _test(condition)
        if condition.field in same:
            found = found if any(map(test, same[condition.field])) else []
        else:
            get, folder = _GETTERS[condition.field], _folder(condition, certificate_name)
            found = [row for row in found if test(f"{folder}{get(row)}".casefold())]
    return found


def _folder(condition: Condition, certificate_name: str) -> str:
    """What stands before a file name that is sought as the lists print it."""
    listed = condition.field == "file-name" and "/" in condition.text
    return f"{certificate_name}/" if listed else ""


def _of_request(request: RequestRow, unit: str) -> dict[str, str]:
    return {
        "file-name": f"{request.name}.csr",
        "certificate-name": unit,
        "type": REQUEST,
        "common-name": request.common_name,
        "key-type": request.key_type,
    }


def meets(request: RequestRow, conditions: Iterable[Condition], *, certificate_name: str) -> bool:
    """Whether a pending request meets all conditions; it has no issuer, serial or expiration."""
    values = _of_request(request, certificate_name)
    return all(
        condition.relation not in OF_TIME
        and _test(condition)(
            f"{_folder(condition, certificate_name)}{values.get(condition.field, '')}".casefold()
        )
        for condition in conditions
    )
