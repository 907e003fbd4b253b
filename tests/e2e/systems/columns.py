"""Ordinary values, a column at a time: what a column holds is read off its name and type."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from migrate.source.sample.faker_pools import Pools
from migrate.source.sample.random_columns import ROW, Chance
from tests.e2e.systems.recipe import Recipe
from tests.e2e.systems.schema import Column, Table

Keys = Mapping[str, pl.Series]

_FIRST_MOMENT: Final = 1_704_067_200_000_000  # 2024-01-01, in microseconds
_SPAN: Final = 600 * 86_400_000_000
_TIME: Final = re.compile(
    r"(_at|_date|_time|_started|deadline|expires|last_updated|last_generated|last_accessed|last_active"
    r"|member_since|timestamp|suspended_until|password_changed|last_calculated)$"
)
_URL: Final = re.compile(r"(_url|website|_logo)$")
_SECRET: Final = re.compile(r"(token|_hash|secret|session_key|contract_address|tax_id|mpesa\w*_id)$")
_MONEY: Final = re.compile(
    r"(amount|price|balance|cost|earn|spent|fee|total$|subtotal|tax$|profit|budget|available$|pending$|escrow$"
    r"|commission|hourly_rate|suggested_rate|_cpp)"
)
_SHARE: Final = re.compile(r"(rate|discount|percent|trust_score|multiplier)$")
_TEXT: Final = re.compile(r"TEXT|CHAR")
_FLAG: Final = re.compile(r"is_|voice_suitable")
_CODE: Final = re.compile(r"(_id|_number|slug|_code)$")
_LENGTH: Final = re.compile(r"\((\d+)\)")


@dataclass(frozen=True)
class Setting:
    """The table at hand and what its columns may draw from."""

    table: Table
    recipe: Recipe
    keys: Keys
    pools: Pools
    chance: Chance

    def values(self) -> list[pl.Expr]:
        """Return an expression for each column, over the column of row numbers."""
        return [self._value(column).alias(column.name) for column in self.table.columns]

    def _value(self, column: Column) -> pl.Expr:
        if len(self.table.key) == 1 and column.key:
            return pl.lit(self.keys[self.table.name]).gather(_index())
        value = self._reference(column)
        if value is None:
            value = self._plain(column)
        if column.not_null or any(column.name in one for one in self.table.uniques):
            return value
        return pl.when(self.chance.unit(f"{column.name} null") < 0.15).then(None).otherwise(value)

    def _reference(self, column: Column) -> pl.Expr | None:
        name = f"{self.table.name}.{column.name}"
        for foreign in self.table.foreign_keys:
            if foreign.columns == (column.name,):
                return self._pointing(column, foreign.table)
        if name in self.recipe.references:
            return self._pointing(column, self.recipe.references[name])
        if name in self.recipe.inside:
            inside = self.recipe.inside[name]
            places = [self._drawn(f"{column.name} {n}", one) for n, one in enumerate(inside.tables)]
            return _filled(inside.form, places)
        if self.table.name in self.recipe.either:
            kind, target, tables = self.recipe.either[self.table.name]
            if column.name == kind:
                return self._kind(kind, tables)
            if column.name == target:
                chosen = [
                    pl.when(self._kind(kind, tables) == word).then(self._drawn(f"{target} {word}", one))
                    for word, one in tables.items()
                ]
                return pl.coalesce(chosen)
        return None

    def _kind(self, name: str, tables: Mapping[str, str]) -> pl.Expr:
        return self.chance.pick(name, list(tables))

    def _drawn(self, name: str, table: str) -> pl.Expr:
        keys = self.keys[table]
        return pl.lit(keys).gather(self.chance.below(name, len(keys)))

    def _pointing(self, column: Column, table: str) -> pl.Expr:
        """Return keys of `table`: each once at most if they must be unique, earlier rows within itself."""
        keys = self.keys[table]
        for columns in self.table.uniques:
            if column.name in columns:
                step = _index() // len(keys) if columns.index(column.name) else pl.lit(0, dtype=pl.Int64)
                return pl.lit(keys).gather((_index() + step) % len(keys))
        if table == self.table.name:
            earlier = (self.chance.unit(column.name) * _index()).floor().cast(pl.Int64)
            return pl.when(_index() > 0).then(pl.lit(keys).gather(earlier))
        return self._drawn(column.name, table)

    def _plain(self, column: Column) -> pl.Expr:
        for name in (f"{self.table.name}.{column.name}", column.name):
            if name in self.recipe.words and column.name not in sum(self.table.uniques, ()):
                return self.chance.pick(column.name, list(self.recipe.words[name]))
        if column.boolean or column.declared == "BOOLEAN" or _FLAG.match(column.name):
            return (self.chance.unit(column.name) < 0.3).cast(pl.Int64)
        if _TIME.search(column.name) and column.declared in ("TEXT", "DATETIME"):
            return self._moment(column.name)
        if _TEXT.match(column.declared) or column.declared.startswith("VARCHAR"):
            return self._text(column)
        return self._number(column)

    def _moment(self, name: str) -> pl.Expr:
        moment = (self.chance.unit(name) * _SPAN).cast(pl.Int64) + _FIRST_MOMENT
        return moment.cast(pl.Datetime("us")).dt.strftime(self.recipe.clock)

    def _number(self, column: Column) -> pl.Expr:
        unit = self.chance.unit(column.name)
        if column.declared == "BLOB":
            return pl.lit(pl.Series([hashlib.sha256(bytes([n])).digest() * 4 for n in range(64)])).gather(
                self.chance.below(column.name, 64)
            )
        if column.declared in ("INTEGER", "INT"):
            return self.chance.below(column.name, 5 if "rating" in column.name else 40) + 1
        if "rating" in column.name:
            return (1 + unit * 4).round(1)
        if _SHARE.search(column.name) and not _MONEY.search(column.name):
            return unit.round(2)
        return (unit * 90_000).floor() / 100

    def _text(self, column: Column) -> pl.Expr:
        value = self._wording(column.name)
        if any(column.name in one for one in self.table.uniques):
            if _CODE.search(column.name):
                return pl.format("{}-{}", pl.lit(column.name[:3].upper()), pl.col(ROW) + 1000)
            has_row = "email" in column.name or "phone" in column.name
            return value if has_row else pl.format("{}-{}", value, pl.col(ROW))
        size = _LENGTH.search(column.declared)
        return value.str.slice(0, int(size.group(1))) if size else value

    def _wording(self, name: str) -> pl.Expr:
        chance, pools, row = self.chance, self.pools, pl.col(ROW)
        if "email" in name or name == "sent_to":
            who = pl.lit(pools.first_slug).gather(chance.below(name, len(pools.first_slug)))
            return pl.format("{}.{}@example.com", who, row)
        if "phone" in name:
            return pl.format("+1555{}", (row + 1_000_000).cast(pl.String))
        if name == "ip_address" or name.endswith("_ip"):
            return pl.format("192.0.2.{}", chance.below(name, 250))
        if _URL.search(name):
            return pl.format("https://files.example.org/{}/{}", pl.lit(self.table.name), row)
        if "password" in name:
            return pl.format("$2b$10${}", _hex(chance.unit(name), 4))
        if _SECRET.search(name):
            return _hex(chance.unit(name), 2)
        if name in ("first_name", "last_name", "city", "location"):
            pool = {"first_name": pools.first, "last_name": pools.last}.get(name, pools.city)
            return pl.lit(pool).gather(chance.below(name, len(pool)))
        if name in ("name", "author", "contact_person"):
            return pl.format("{} {}", chance.pick(name, pools.first), chance.pick(f"{name} last", pools.last))
        pool = pools.title if "title" in name or "subject" in name or "name" in name else pools.sentence
        return chance.pick(name, pool)


def _filled(form: str, values: Sequence[pl.Expr]) -> pl.Expr:
    """Put a value into each {} of `form`; other braces stay, which pl.format would take for names."""
    first, *rest = form.split("{}")
    parts = [pl.lit(first)]
    for value, text in zip(values, rest, strict=True):
        parts += [value.cast(pl.String), pl.lit(text)]
    return pl.concat_str(parts)


def _index() -> pl.Expr:
    return pl.col(ROW).cast(pl.Int64) - 1


def _hex(unit: pl.Expr, times: int) -> pl.Expr:
    digits = (unit * (1 << 53)).cast(pl.UInt64).cast(pl.String)
    return pl.concat_str([digits] * times)
