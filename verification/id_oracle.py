"""Derives the ids of some rows again, by other code than the mappers', and looks for them in the target.

The mappers derive ids column by column (`migrate.pipeline.ids`); here each id is derived alone, from the
rule as it is documented, with the standard library. Of a table of more rows a seeded part is looked at.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from typing import Final

import polars as pl

from verification.accounted_rows import BETWEEN, account_rows, key_columns
from verification.context import CheckContext, IdRule, RowAccounting
from verification.queries import source_count, source_tables
from verification.result import Check, Outcome
from verification.row_outcomes import fates_of
from verification.row_proof import present

#: how many rows of each account are looked at, about
SAMPLE: Final = 5_000
_SEED: Final = 20_261_201
_HEX_DIGITS: Final = 24
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
#: two digits of base 36 at a time, six times
_TWO: Final = tuple(first + second for first in _DIGITS for second in _DIGITS)
_PAIRS: Final = 6


def derived_id(rule: IdRule, entity: str, legacy_id: str) -> str:
    """Return the new id of a legacy id, as docs/architecture.md says it; '' as entity keeps the id."""
    if not entity:
        return legacy_id
    scope = f"{rule.tenant}\x1e" if rule.tenant and entity not in rule.shared else ""
    digest = hmac.digest(rule.secret.encode(), f"{scope}{entity}\x1f{legacy_id}".encode(), hashlib.sha256)
    if rule.written == "hex":
        return "c" + digest.hex()[:_HEX_DIGITS]
    return "c" + _base36(digest[:8]) + _base36(digest[8:16])


def _base36(eight: bytes) -> str:
    """Return the upper 60 bits as twelve characters: three groups of four, the lowest group first."""
    number = int.from_bytes(eight, "big") >> 4
    text = ""
    for _ in range(_PAIRS):
        number, pair = divmod(number, len(_TWO))
        text = _TWO[pair] + text
    return text[8:] + text[4:8] + text[:4]


def _run(context: CheckContext) -> Outcome:
    rule = context.id_rule
    if rule is None:
        return Outcome.not_applicable("the id secret is not known here")
    outcome = Outcome()
    held = set(source_tables(context))
    for account in context.accounts:
        if account.source in held and account.column and account.target in context.tables:
            _hold(context, rule, account, outcome)
    return outcome


def _hold(context: CheckContext, rule: IdRule, account: RowAccounting, outcome: Outcome) -> None:
    fates = fates_of(context, account.source)
    for frame in _sampled(context, account):
        judged = frame.join(fates.of(frame["source_id"]), on="source_id", how="left")
        outcome.looked_at += judged.height
        rows = judged.rows(named=True)
        ids = [_id(rule, row, len(account.more)) for row in rows]
        wanted = pl.DataFrame({"id": ids}, schema={"id": pl.String})
        there = set(present(context, account.target, key_columns(account), wanted)["id"])
        for row, id_ in zip(rows, ids, strict=True):
            if row["fate"] is None and id_ not in there:
                what = f"the id derived from it by other code is not in {account.target}"
                outcome.found(account.source, row["source_id"], what, ", ".join(key_columns(account)))


def _id(rule: IdRule, row: dict[str, str], more: int) -> str:
    parts = ["", *(str(number + 2) for number in range(more))]
    return BETWEEN.join(derived_id(rule, row[f"entity{part}"], row[f"key{part}"]) for part in parts)


def _sampled(context: CheckContext, account: RowAccounting) -> Iterator[pl.DataFrame]:
    """Yield the rows of an account that have a key, or a part of them, chosen by number and last letters."""
    share = -(-source_count(context, account.source) // SAMPLE)
    mark = " + ".join(
        f"{31**place} * coalesce(unicode(substr(source_id, -{place}, 1)), 0)" for place in range(1, 4)
    )
    number = "CAST(source_id AS INTEGER)"
    mark = f"CASE WHEN CAST({number} AS TEXT) = source_id THEN {number} ELSE {number} + {mark} END"
    mixed = f"(({mark}) % 1000000007 * 2654435761 + {_SEED}) / 65536"
    where = f"WHERE {mixed} % {share} = 0" if share > 1 else ""
    query = f"SELECT * FROM ({account.sql}) {where}"  # noqa: S608  our own SQL and numbers
    for frame in account_rows(context, account, query):
        yield frame.drop_nulls("key")


IDS_DERIVED = Check("ids_derived", "Does other code derive the same ids from the source's keys?", _run)
