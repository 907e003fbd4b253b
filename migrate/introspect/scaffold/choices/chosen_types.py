"""The type of a column that is read as the mapping file says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from mappers.declarative.mapping_columns import ColumnMapping, Items, Kind
from migrate.introspect.profile.declared_type import vector_size
from migrate.introspect.profile.inspection import ColumnReport
from migrate.introspect.scaffold.model import Enum, ScalarType, Type
from migrate.introspect.scaffold.naming import Names, member_name
from migrate.introspect.scaffold.types.choose_type import HEADROOM, LEAST_DIGITS
from migrate.introspect.scaffold.types.type_choice import Choice

_SCALARS: Final[Mapping[Kind, ScalarType]] = {
    "text": "String", "reference": "String", "references": "String", "id": "String", "boolean": "Boolean",
    "real": "Float", "timestamp": "DateTime", "json": "Json", "bytes": "Bytes",
}  # fmt: skip
_ITEMS: Final[Mapping[Items, ScalarType]] = {
    "text": "String", "integer": "Int", "real": "Float", "boolean": "Boolean",
}  # fmt: skip
#: Digits behind the point if neither the line nor the values say how many.
_SCALE: Final = 2


def choose_by_line(report: ColumnReport, line: ColumnMapping, usual: Choice, enum: str) -> Choice:
    """Return how a column is read by its line; `usual` is how it is read if nothing is decided.

    `enum` is the name of its enum, if it gets one.
    """
    if line.kind == "enum":
        labels = tuple(dict.fromkeys(line.labels.values())) or tuple(one.name for one in report.values)
        members = Names()
        pairs = tuple((members.take(member_name(label)), label) for label in labels)
        return Choice(Type(enum=Enum(enum, pairs)), "enum")
    same_scale = line.kind != "decimal" or line.scale in (None, usual.type.scale)
    if line.kind == usual.kind and same_scale:
        return replace(usual, unset=usual.unset if line.now != "default" else 0)
    return Choice(_type(report, line), line.kind)


def _type(report: ColumnReport, line: ColumnMapping) -> Type:
    match line.kind:
        case "integer":
            return Type("Int" if report.fits_int else "BigInt")
        case "date":
            return Type("DateTime", day=True)
        case "list":
            return Type(_ITEMS[line.items], many=True)
        case "decimal":
            found = report.decimal.scale if report.decimal else _SCALE
            scale = line.scale if line.scale is not None else max(found, _SCALE)
            return Type("Decimal", digits=max(LEAST_DIGITS, report.digits + HEADROOM + scale), scale=scale)
        case "vector":
            return Type("Vector", digits=vector_size(report.declared))
        case kind:
            return Type(_SCALARS[kind])


def constant_type(value: object) -> Type:
    """Return the type of a column that a constant of the mapping file fills."""
    match value:
        case bool():
            return Type("Boolean")
        case int():
            return Type("Int" if abs(value) < 2**31 else "BigInt")
        case float():
            return Type("Float")
        case _:
            return Type()
