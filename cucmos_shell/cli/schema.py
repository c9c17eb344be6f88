"""The forms of JSON data (`results`) as JSON Schemas (2020-12)."""

from __future__ import annotations

from cucmos_shell.results import (
    INTEGER,
    MOMENT,
    NUMBER,
    PEM,
    SERIAL,
    SHA256,
    TEXT,
    TRUTH,
    WHOLE,
    maybe,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.results import Form

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TIME = r"^-?\d{4,}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$"
_PLAIN: dict[str, dict[str, Any]] = {
    TEXT: {"type": "string"},
    NUMBER: {"type": "number"},
    INTEGER: {"type": "integer"},
    WHOLE: {"type": "integer", "minimum": 0},
    TRUTH: {"type": "boolean"},
    MOMENT: {"type": "string", "format": "date-time", "pattern": _TIME},
    SHA256: {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    SERIAL: {"type": "string", "pattern": "^-?[0-9a-f]+$"},
    PEM: {"type": "string", "pattern": "^-----BEGIN "},
}


def schema(form: Form | None) -> dict[str, Any]:
    """The JSON Schema of data of that form; None is always null.

    A key has one type, or one type and null. Keys that are not named are allowed: a later minor
    version may have some.
    """
    if form is None:
        return {"type": "null"}
    if isinstance(form, maybe):
        return or_null(schema(form.form))
    if isinstance(form, str):
        return dict(_PLAIN[form])
    if isinstance(form, tuple):
        return {"type": "string", "enum": list(form)}
    if isinstance(form, list):
        (item,) = form
        return {"type": "array", "items": schema(item)}
    return {
        "type": "object",
        "properties": {key: schema(value) for key, value in form.items()},
        "required": list(form),
    }


def or_null(found: dict[str, Any]) -> dict[str, Any]:
    """The schema of what is as `found` says, or null."""
    if "enum" in found:
        found["enum"] = [*found["enum"], None]
    return {**found, "type": [found["type"], "null"]}
