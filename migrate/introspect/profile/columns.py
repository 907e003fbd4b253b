"""The profile of a column: its value patterns combined, and its closed set of values if it has one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from migrate.introspect.profile import declared_type, names
from migrate.introspect.profile.clock import means_now
from migrate.introspect.profile.database import InspectedDatabase
from migrate.introspect.profile.infer_type import Signs, read
from migrate.introspect.profile.inspection import Classes, ColumnReport, Count, DecimalFacts, JsonFacts
from migrate.introspect.profile.known_columns import Known
from migrate.introspect.profile.value_patterns import FORMS, UNIX, WHOLE, ShapeCount, count_shapes
from migrate.source.sql import quote

_REALS: Final = frozenset({"real", "real_whole", "real_s", "real_ms", "infinite"})
_JULIAN_EPOCH: Final = 2440587.5

#: Numbers beyond half of what an Int holds get a BigInt, before a counter runs over.
HALF_OF_INT: Final = 2**30
_INT_DIGITS: Final = 10
#: Digits after the point beyond those declared that need no second look.
WIDER: Final = 2

#: The limits of a closed set: how many values, how long a value, and in how many rows each.
SET_SIZE: Final = 20
SET_LENGTH: Final = 32
SET_REPEATS: Final = 3


@dataclass(frozen=True)
class ColumnShape:
    """A column as the schema declares it: `key` is its position in the primary key, 0 for none."""

    name: str
    declared: str
    not_null: bool
    default: str | None
    key: int
    generated: bool
    collation: str = "BINARY"


def observe(
    database: InspectedDatabase,
    table: str,
    rows: int,
    column: ColumnShape,
    *,
    pure_key: bool,
    known: Known | None = None,
    touched: bool = False,
) -> ColumnReport:
    """Return what a column holds.

    `pure_key` is true if it alone is the table's primary key, `known` what a library reads there, `touched`
    is true if a trigger sets it to the time of each update.
    """
    about_time = not pure_key and names.suggests_time(column.name, column.declared)
    shapes = count_shapes(database, table, column.name, timed=about_time)
    classes = _classes(shapes)
    values = () if pure_key else closed_set(database, table, column.name, shapes)
    filled = {shape: found.rows for shape, found in shapes.items() if shape not in ("null", "empty")}
    clock = means_now(column.default)
    limit = 2 * HALF_OF_INT - 1 if known and known.type == "integer" else HALF_OF_INT
    digits = max((found.digits for found in shapes.values()), default=0)
    signs = Signs(
        column.name,
        column.declared,
        known=known.type if known else None,
        clock=clock or touched,
        pure_key=pure_key,
        closed=bool(values),
        fractional=any(found.scale for found in shapes.values()),
    )
    reading, certain = read(signs, filled)
    private = names.is_private(column.name)
    timed = reading == "timestamp" or signs.times or names.suggests_time(column.name, column.declared)
    decimal = _decimal(shapes) if reading in ("decimal", "real", "mixed") else None
    if decimal is not None:
        decimal = _beyond_declared(database, table, column, decimal)
    lows = [found.lowest for found in shapes.values() if found.lowest is not None]
    highs = [found.highest for found in shapes.values() if found.highest is not None]
    firsts = [found.first for found in _instants(shapes, timed) if found.first is not None]
    lasts = [found.last for found in _instants(shapes, timed) if found.last is not None]
    numeric = not private and reading in ("integer_id", "integer", "decimal", "real", "boolean")
    dated = not private and timed
    return ColumnReport(
        name=column.name,
        declared=column.declared,
        not_null=column.not_null,
        default=column.default,
        key=column.key,
        generated=column.generated,
        reading=reading,
        certain=certain,
        money=reading in ("decimal", "integer", "mixed")
        and names.suggests_money(column.name, column.declared),
        classes=classes,
        null_share=_share(classes.nulls, rows),
        empty_share=_share(classes.empty, rows),
        shapes=tuple(Count(shape, found.rows) for shape, found in shapes.items()),
        lowest=min(lows) if lows and numeric else None,
        highest=max(highs) if highs and numeric else None,
        earliest=_iso(min(firsts)) if firsts and dated else None,
        latest=_iso(max(lasts)) if lasts and dated else None,
        longest=max((found.longest for found in shapes.values()), default=0),
        longest_bytes=max((found.longest_bytes for found in shapes.values()), default=0),
        broken_text=sum(found.broken_text for found in shapes.values()),
        with_nul=sum(found.with_nul for found in shapes.values()),
        timestamps=_timestamps(shapes, timed),
        json=_json(shapes),
        decimal=decimal,
        values=values,
        digits=digits,
        fits_int=digits <= _INT_DIGITS and (not lows or max(-min(lows), max(highs)) <= limit),
        library=known.library if known else "",
        clock=clock,
        touched=touched,
        collation=column.collation,
    )


def closed_set(
    database: InspectedDatabase, table: str, column: str, shapes: Mapping[str, ShapeCount]
) -> tuple[Count, ...]:
    """Return the values of a column that holds one of a few words; none if they may be about people.

    A word is letters, digits, `_`, `-`. If there is more than one word, only the first letter may be a
    capital, because names of people have more.
    """
    texts = [shapes[shape] for shape in ("text", "bool_letter") if shape in shapes]
    others = set(shapes) - {"text", "null", "empty", "bool_word", "bool_letter"}
    if not texts or others or names.is_private(column) or names.is_id(column):
        return ()
    if any(text.longest > SET_LENGTH or text.with_nul or text.broken_text for text in texts):
        return ()
    name, source = quote(column), quote(table)
    where = f"FROM {source} WHERE {name} <> ''"
    few = database.rows(f"SELECT DISTINCT {name} {where} LIMIT {SET_SIZE + 1}")
    if len(few) > SET_SIZE:
        return ()
    found = database.rows(f"SELECT {name}, count(*) {where} GROUP BY {name} ORDER BY {name}")
    words = [value for value, _ in found]
    if not all(is_word(value, known=names.suggests_set(column)) for value in words):
        return ()
    if sum(rows for _, rows in found) < len(found) * SET_REPEATS and not names.suggests_set(column):
        return ()
    return tuple(Count(value, rows) for value, rows in found)


def is_word(value: str, *, known: bool) -> bool:
    """Return whether a value is one of a few words an application knows, and no name of a person."""
    if len(value) > SET_LENGTH or not value.isascii() or not value[:1].isalpha():
        return False
    if not all(char.isalnum() or char in "_-" or (known and char in " /+.") for char in value):
        return False
    # Anna, or Anna Smith, is a name; in a column called status it is not.
    first, *more = value.split()
    if any(word[:1].isupper() for word in more):
        return known and value.isupper()
    return known or first.islower() or first.isupper()


def _classes(shapes: Mapping[str, ShapeCount]) -> Classes:
    def rows(wanted: frozenset[str]) -> int:
        return sum(found.rows for shape, found in shapes.items() if shape in wanted)

    apart = WHOLE | _REALS | {"null", "blob", "blob_json"}
    return Classes(
        nulls=rows(frozenset({"null"})),
        integers=rows(WHOLE),
        reals=rows(_REALS),
        texts=rows(frozenset(shapes) - apart),
        blobs=rows(frozenset({"blob", "blob_json"})),
        empty=rows(frozenset({"empty"})),
    )


def _instants(shapes: Mapping[str, ShapeCount], timed: bool) -> list[ShapeCount]:
    return [found for shape, found in shapes.items() if shape in FORMS and (timed or shape not in UNIX)]


def _timestamps(shapes: Mapping[str, ShapeCount], timed: bool) -> tuple[Count, ...]:
    forms: dict[str, int] = {}
    for found in _instants(shapes, timed):
        forms[FORMS[found.shape]] = forms.get(FORMS[found.shape], 0) + found.rows
    return tuple(Count(form, rows) for form, rows in sorted(forms.items()))


def _json(shapes: Mapping[str, ShapeCount]) -> JsonFacts | None:
    found = {name: shapes.get(f"json_{name}") for name in ("object", "array", "broken")}
    found["blob"] = shapes.get("blob_json")
    if not any(found.values()):
        return None
    rows = {name: shape.rows if shape else 0 for name, shape in found.items()}
    refused = sum(shape.refused for shape in found.values() if shape)
    return JsonFacts(rows["object"] + rows["blob"], rows["array"], rows["broken"], refused)


def _decimal(shapes: Mapping[str, ShapeCount]) -> DecimalFacts | None:
    if not {"real", "real_whole", "real_s", "real_ms", "decimal"} & set(shapes):
        return None
    return DecimalFacts(
        digits=max(found.digits for found in shapes.values()),
        scale=max(found.scale for found in shapes.values()),
        inexact=sum(found.inexact for found in shapes.values()),
    )


def _beyond_declared(
    database: InspectedDatabase, table: str, column: ColumnShape, found: DecimalFacts
) -> DecimalFacts:
    """Return the facts with the numbers that have many more digits after the point than declared."""
    size = declared_type.size(column.declared)
    if size is None or found.scale <= size[1] + WIDER or declared_type.family(column.declared) != "decimal":
        return found
    cell = quote(column.name)
    digits = f"rtrim(substr(CAST({cell} AS TEXT), instr(CAST({cell} AS TEXT), '.') + 1), '0')"
    scale = f"CASE WHEN {cell} LIKE '%e%' THEN 16 WHEN instr({cell}, '.') THEN length({digits}) ELSE 0 END"
    beyond, most = database.row(
        f"SELECT coalesce(sum(s > ?1), 0), coalesce(max(CASE WHEN s <= ?1 THEN s END), 0)"  # noqa: S608
        f" FROM (SELECT {scale} AS s FROM {quote(table)} WHERE typeof({cell}) = 'real'"
        f" OR (typeof({cell}) = 'text' AND {cell} NOT GLOB '*[^-0-9.]*') LIMIT -1)",
        (size[1] + WIDER,),
    )
    return replace(found, beyond=int(beyond), most=int(most))


def _iso(day: float) -> str | None:
    try:
        timestamp = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day - _JULIAN_EPOCH)
    except OverflowError:
        return None
    return (timestamp + timedelta(milliseconds=0.5)).replace(microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")


def _share(part: int, whole: int) -> float:
    return round(part / whole, 6) if whole else 0.0
