"""A section of the configuration as a dataclass: each key's type, default and what it needs.

The JSON Schema that checks a file, and the defaults of keys that it leaves out, follow from the
dataclass, so that a key is described once.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Union, get_args, get_origin, get_type_hints

JSON_TYPES = {float: "number", int: "integer", str: "string", bool: "boolean"}


def needs(what: str, **rules: Any) -> dict[str, Any]:
    """The metadata of a dataclass's field.

    what: what a value has to be, as a message ends ("… is needed"). rules: JSON Schema's keywords
    beside those that follow from the field's type.
    """
    return {"needs": what, "rules": rules}


def one_of(options: Iterable[Any]) -> dict[str, Any]:
    """The metadata of a field that is one of several values."""
    *first, last = options
    words = f"{', '.join(map(str, first))} or {last}" if first else str(last)
    return needs(words, enum=[*first, last])


def schema_of(section: type, required: bool = True) -> dict[str, Any]:
    """The JSON Schema of a mapping with the section's keys and no others.

    required: whether keys without a default have to be there.
    """
    hints = get_type_hints(section)
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [f.name for f in fields(section) if required and _default(f) is MISSING],
        "properties": {f.name: key_schema(hints[f.name], f.metadata) for f in fields(section)},
    }


def key_schema(kind: Any, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema of one key, by its type and by the metadata that `needs` made."""
    schema = {"description": metadata["needs"], **_type_schema(kind), **metadata["rules"]}
    # An enumeration says it all; a value of another type is told the same.
    return {key: value for key, value in schema.items() if key != "type" or "enum" not in schema}


def with_defaults(section: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values, and behind them the default of each key that is not among them."""
    defaults = {f.name: _default(f) for f in fields(section)}
    missing = {k: v for k, v in defaults.items() if k not in values and v is not MISSING}
    return {**values, **missing}


def _default(field: Any) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _type_schema(kind: Any) -> dict[str, Any]:
    if is_dataclass(kind):
        return schema_of(kind)  # type: ignore[arg-type]
    origin, arguments = get_origin(kind) or kind, get_args(kind)
    if origin is list:
        return {"type": "array"}
    if origin is dict:
        return {"type": "object"}
    if origin in (Union, types.UnionType):  # X | None
        (inner,) = (argument for argument in arguments if argument is not type(None))
        return {"type": [JSON_TYPES[inner], "null"]}
    return {"type": JSON_TYPES[kind]} if kind in JSON_TYPES else {}
