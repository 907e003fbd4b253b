"""The three tables of user accounts: `shows_users`, `users`, `community_users`."""

from __future__ import annotations

from typing import Final

import polars as pl
import polars_hash  # noqa: F401  registers the expression namespace `chash`

from migrate.source.sample import dates
from migrate.source.sample.people import People
from migrate.source.sample.random_columns import Chance, rows

EMPTY_PASSWORDS: Final = 0.03
ODD_DATES: Final = 0.018
_STUBS: Final = 0.02
_ROLES: Final = ["2"] * 84 + ["7"] * 13 + ["4"] * 2 + ["1"]


#: The password of the first few people who have one, with its bcrypt hash. All others have the shape of a
#: hash but are the hash of nothing.
KNOWN_PASSWORD: Final = "synthetic-known-password"  # noqa: S105  (of no real account)
KNOWN_HASH: Final = "$2y$10$abcdefghijklmnopqrstuuj6aa8HeDcSZDL3MPYV5qcoQx1nQ2e7S"
_WHO_KNOW: Final = 5


def shows_users(people: People, seed: int) -> pl.DataFrame:
    """Return the rows of `shows_users`."""
    chance = Chance(seed, "shows_users")
    paid = pl.col("role_id") == "7"
    return (
        people.main.head(people.users)
        .with_columns(
            chance.pick("role", _ROLES).alias("role_id"),
            chance.deal("joined form", dates.odd_shares(ODD_DATES)).alias("joined form"),
        )
        .select(
            "id",
            pl.col("username").str.head(40),
            "email",
            _passwords(chance).alias("password"),
            pl.col("display").alias("display_name"),
            dates.legacy_date(pl.col("joined form"), pl.col("created")).alias("joined"),
            pl.col("active").cast(pl.Int64).alias("status"),
            "role_id",
            chance.pick("reminder", [None, None, ""]).alias("reminder"),
            chance.pick("remember", ["0", "0", "1", None]).alias("remember"),
            pl.when(paid).then(pl.lit("1")).otherwise(chance.pick("upgrade", [None, ""])).alias("upgrade"),
            pl.when(paid | chance.chosen("lapsed", 0.05))
            .then(_expiry(chance))
            .otherwise(chance.pick("no expiry", [None, "", "0000-00-00 00:00:00"]))
            .alias("expiry_date"),
            pl.when(chance.chosen("avatar", 0.08))
            .then(pl.concat_str(pl.lit("https://img.example.com/people/"), "slug", pl.lit(".png")))
            .otherwise(chance.pick("no avatar", [None, ""]))
            .alias("avatar_url"),
        )
    )


def users(people: People, seed: int) -> pl.DataFrame:
    """Return the rows of `users`: copies of shows_users (see `people.COPIES`), newcomers, stubs."""
    chance = Chance(seed, "users")
    known = people.main["email"].head(people.users)
    whom = pl.lit(known).gather(chance.below("whom", people.users))
    copy = pl.col("copy")
    everyone = people.main.filter(copy != "none").select(
        "id",
        pl.when(copy == "sparse").then(pl.lit("")).otherwise(_trimmed("username")).alias("username"),
        pl.when(copy == "sparse")
        .then(chance.pick("no name", [None, ""]))
        .otherwise(pl.concat_str("first", pl.lit(" "), "last"))
        .alias("displayname"),
        pl.when(copy == "chain").then(whom)
        .when(copy == "conflict").then(pl.col("slug") + ".new@example.org")
        .when(copy == "sparse").then(chance.pick("no mail", [None, ""]))
        .otherwise(pl.col("email").str.to_lowercase())
        .alias("email"),
        chance.pick("password", [None, None, None, ""]).alias("password"),
        pl.when(copy == "stub").then(pl.lit("stub"))
        .when("active").then(pl.lit("active"))
        .otherwise(chance.pick("inactive", ["", None]))
        .alias("status"),
        pl.when(copy == "sparse").then(None).otherwise(dates.zulu(pl.col("created"))).alias("created_at"),
    )  # fmt: skip
    return pl.concat([everyone, _stubs(people)])


def community_users(people: People, seed: int) -> pl.DataFrame:
    """Return the rows of `community_users`."""
    chance = Chance(seed, "community_users")
    return people.forum.select(
        "id",
        "username",
        "email",
        pl.when(chance.chosen("no password", 0.2)).then(None).otherwise(_passwords(chance)).alias("password"),
        pl.col("display").alias("display_name"),
        dates.plain(pl.col("created")).alias("joined"),
        pl.col("active").cast(pl.Int64).alias("status"),
        pl.lit(2).alias("role_id"),
        pl.lit(None, dtype=pl.String).alias("reminder"),
        pl.lit("0").alias("remember"),
    )


def _trimmed(column: str) -> pl.Expr:
    return pl.col(column).str.strip_chars()


def _stubs(people: People) -> pl.DataFrame:
    """Return placeholders whose ids belong to no person."""
    number = (pl.col("n") + people.beyond - 500).cast(pl.Int64)
    name = pl.concat_str(pl.lit("stub"), number.cast(pl.String))
    return rows(0, max(1, min(400, round(people.users * _STUBS)))).select(
        number.alias("id"),
        name.alias("username"),
        name.alias("displayname"),
        (name + "@example.com").alias("email"),
        pl.lit(None, dtype=pl.String).alias("password"),
        pl.lit("stub").alias("status"),
        pl.lit(None, dtype=pl.String).alias("created_at"),
    )


def _passwords(chance: Chance) -> pl.Expr:
    # Shaped like a bcrypt hash, but the hash of no password: digits of a digest of the row number.
    digest = pl.concat_str(pl.lit("sample"), pl.col("id").cast(pl.String), chance.below("salt", 1 << 40))
    digits = digest.chash.sha2_256()  # type: ignore[attr-defined]
    form = chance.deal("password", {"empty": EMPTY_PASSWORDS, "newer": 0.02, "md5": 0.01, "plain": 0.01})
    usual = form == "usual"
    return (
        pl.when(usual & (usual.cum_sum() <= _WHO_KNOW)).then(pl.lit(KNOWN_HASH))
        .when(form == "empty").then(pl.lit(""))
        .when(form == "newer").then("$2b$10$" + digits.str.head(53))
        .when(form == "md5").then(digits.str.head(32))
        .when(form == "plain").then("synthetic-password-" + pl.col("id").cast(pl.String))
        .otherwise("$2y$10$" + digits.str.head(53))
    )  # fmt: skip


def _expiry(chance: Chance) -> pl.Expr:
    later = pl.col("created") + chance.below("lapse", 4 * 365 * 86_400)
    return (
        pl.when(chance.unit("lifelong") < 0.1)
        .then(pl.lit("2099-12-31"))
        .otherwise(pl.from_epoch(later, "s").dt.strftime("%Y-%m-%d"))
    )
