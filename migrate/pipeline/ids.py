"""New ids, derived from the old ones.

An id is `c` followed by 24 characters of `[0-9a-z]`: the shape of Prisma's `cuid()`, accepted by
`cuid2.is_cuid` and by Zod's `.cuid()` and `.cuid2()`. It is HMAC-SHA-256 of (entity, legacy id) with the id
secret: the first 24 hexadecimal digits, so that one line of SQL, JavaScript or Python computes it again
(docs/database-switch-guide.md). Version 0.1 wrote 120 bits of the digest in base 36; a ledger that has a
run of it keeps that rule. Without the secret no one can guess an id, and a table of a million ids is never
held in memory.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection
from typing import Final, Literal

import polars as pl
import polars_hash  # noqa: F401  registers the expression namespace `chash`

from mappers.packed_ids import LETTERS, triples
from verification.context import IdRule

_WIDTH: Final = 4
_LETTERS: Final = len(LETTERS)
_BASE: Final = _LETTERS**_WIDTH
# Each half of the id is 12 characters, made of 60 bits of the digest.
_HEX_DIGITS: Final = 15
_SEPARATOR: Final = "\x1f"
_DIGITS: Final = 24
#: How the digest is written; the ledger keeps the name of the rule with the secret.
Rule = Literal["hex", "base36"]
HEX: Final = "hex"
BASE36: Final = "base36"
#: Between the tenant of a fleet and the entity; no name of a tenant holds a control character.
_AFTER_TENANT: Final = "\x1e"


def _places(half: pl.Expr) -> list[pl.Expr]:
    """Return the places in `triples` of half an id's characters: three quads, the lowest first."""
    one, two = _LETTERS, _LETTERS**2
    # Divided further in 32 bits, the type of list positions: this takes half the time of 64 bits.
    quads = (half % _BASE, half // _BASE % _BASE, half // _BASE**2)
    a, b, c = (quad.cast(pl.UInt32) for quad in quads)
    return [a // one, a % one * two + b // two, b % two * one + c // one**3, c % one**3]


class Ids:
    """Derives new ids under one secret.

    With `tenant`, an id is derived from the tenant too, but for the entities in `shared`, whose rows are the
    same for all tenants of a fleet. Without one, the ids are those of a single source. `rule` is how the
    digest is written.

    >>> Ids("secret").derive("users", 42) == Ids("secret").derive("users", "42")
    True
    """

    def __init__(
        self, secret: str, *, tenant: str = "", shared: Collection[str] = (), rule: Rule = HEX
    ) -> None:
        if not secret:
            raise ValueError("the id secret is empty")
        self._secret = secret
        self._tenant = tenant
        self._shared = frozenset(shared)
        self._written = rule

    def __repr__(self) -> str:
        return "Ids(secret=***)"

    @property
    def rule(self) -> IdRule:
        """Return what the ids are derived from, for the check that derives some of them by other code."""
        return IdRule(self._secret, self._tenant, self._shared, self._written)

    def derive(self, entity: str, legacy_id: int | str) -> str:
        """Return the new id (25 characters) of one legacy id."""
        message = f"{self._scope(entity)}{legacy_id}".encode()
        digest = hmac.new(self._secret.encode(), message, hashlib.sha256).hexdigest()
        if self._written == HEX:
            return f"c{digest[:_DIGITS]}"
        out = ["c"]
        for half in range(2):
            number = int(digest[half * 16 : half * 16 + _HEX_DIGITS], 16)
            for _ in range(12 // _WIDTH):
                number, rest = divmod(number, _BASE)
                quad = ""
                for _ in range(_WIDTH):
                    rest, digit = divmod(rest, _LETTERS)
                    quad = LETTERS[digit] + quad
                out.append(quad)
        return "".join(out)

    def expr(self, entity: str, *keys: pl.Expr) -> pl.Expr:
        """Return an expression of new ids for the legacy ids in `keys`.

        The expression is named `id`. Several keys are joined with `:`; the id is null if any of them is null.
        Row for row the same as `derive`.
        """
        legacy = pl.concat_str([key.cast(pl.String) for key in keys], separator=":")
        message = pl.lit(self._scope(entity)) + legacy
        return message.map_batches(self._encode, return_dtype=pl.String).alias("id")

    def _scope(self, entity: str) -> str:
        """Return what comes before the legacy id in the text that is hashed."""
        of = f"{self._tenant}{_AFTER_TENANT}" if self._tenant and entity not in self._shared else ""
        return f"{of}{entity}{_SEPARATOR}"

    def _encode(self, messages: pl.Series) -> pl.Series:
        digest = pl.col("message").chash.hmac_sha256(key=self._secret)  # type: ignore[attr-defined]
        if self._written == HEX:
            hex_id = pl.concat_str(pl.lit("c"), digest.str.slice(0, _DIGITS)).alias("id")
            return messages.alias("message").to_frame().select(hex_id)["id"]
        halves = (
            messages.alias("message")
            .to_frame()
            .select(digest.alias("digest"))
            .select(
                pl.col("digest")
                .str.slice(half * 16, _HEX_DIGITS)
                .str.to_integer(base=16, dtype=pl.Int64)
                .alias(f"{half}")
                for half in range(2)
            )
        )
        texts = pl.lit(triples())
        parts = [texts.gather(place) for half in range(2) for place in _places(pl.col(f"{half}"))]
        return halves.select(pl.concat_str([pl.lit("c"), *parts]).alias("id"))["id"]


def make_secret() -> str:
    """Return a new random id secret of 256 bits, as text."""
    return secrets.token_urlsafe(32)


def is_id(value: str) -> bool:
    """Return whether `value` has the shape of a derived id: `c` and 24 of `[0-9a-z]`."""
    return len(value) == 25 and value[0] == "c" and all(c in LETTERS for c in value)
