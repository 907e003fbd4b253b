"""The cleaned values of each row of the user tables, read in one pass."""

from __future__ import annotations

from typing import Final

import polars as pl

from mappers import cleaning
from mappers.base import Query, Workspace
from mappers.sqlite_sql import literal, quoted, sql, typed
from mappers.studio.legacy_tables import PEOPLE, Legacy

#: Columns of x.user_rows by the names that the sources give them.
_TEXTS: Final[dict[str, tuple[str, ...]]] = {
    "username": ("username",),
    "display_name": ("display_name", "displayname"),
    "status": ("status",),
    "role_id": ("role_id",),
    "avatar_url": ("avatar_url",),
}
_DATES: Final[dict[str, tuple[str, ...]]] = {
    "created_at": ("joined", "created_at"),
    "expires_at": ("expiry_date",),
}
#: For these a warning names a row whose bytes were not UTF-8.
_NAMES: Final = ("username", "display_name")
_ACTIVE: Final = ("1", "active")
#: A value that is present but means nothing, so that no later row is used.
NOTHING: Final = ""
#: `label`: the first row of the same id. `digest`: of the e-mail. `own`: the user name made from the row's
#: own. Timestamps: milliseconds since 1970, UTC.
_COLUMNS_READ: Final = """
CREATE TABLE x.user_rows (
  seq INTEGER PRIMARY KEY, label INTEGER, digest INTEGER, email TEXT, own TEXT, display_name TEXT,
  active INTEGER, role_id TEXT, avatar_url TEXT, password INTEGER, created_at INTEGER, expires_at INTEGER,
  broken TEXT
)"""


def read_user_rows(workspace: Workspace, legacy: Legacy) -> None:
    """Create x.user_rows: a row for each row of x.entry that is not a stub."""
    workspace.execute(_COLUMNS_READ)
    for source in legacy.present(PEOPLE):
        for rows in workspace.read(_query(legacy, source)):
            workspace.write("user_rows", _cleaned(rows))


def _query(legacy: Legacy, source: str) -> Query:
    named = {name: legacy.column(source, *names, of="t") for name, names in {**_TEXTS, **_DATES}.items()}
    named["email"] = legacy.column(source, "email", of="t")
    there = {name: column for name, column in named.items() if column != "NULL"}
    return Query(
        sql=sql(
            "SELECT e.seq AS seq, f.seq AS label, $password AS password, $columns"
            " FROM x.entry AS e CROSS JOIN x.$first AS f ON f.legacy_id = e.legacy_id"
            " CROSS JOIN $table AS t ON t.id = e.legacy_id"
            " WHERE e.source = $source AND NOT e.stub AND e.seq > ?1 ORDER BY e.seq LIMIT ?2",
            columns=", ".join(f"{column} AS {name}" for name, column in there.items()),
            password=sql("CAST($column AS TEXT) <> ''", column=legacy.column(source, "password", of="t")),
            first=quoted(f"first_{PEOPLE[source]}"),
            table=quoted(source),
            source=literal(source),
        ),
        key="seq",
        columns=typed(("seq", "label", "password"), there),
        count=sql("SELECT count(*) FROM x.entry WHERE source = $source", source=literal(source)),
    )


def _cleaned(rows: pl.DataFrame) -> pl.DataFrame:
    email = cleaning.email(pl.col("email")) if "email" in rows.columns else pl.lit(None, pl.String)
    rows = rows.with_columns(
        email.alias("email"),
        *(
            cleaning.text(pl.col(name)).alias(name)
            if name in rows.columns
            else pl.lit(None, pl.String).alias(name)
            for name in _TEXTS
        ),
        *(
            cleaning.timestamp(pl.col(name)).to_physical().alias(name)
            if name in rows.columns
            else pl.lit(None, pl.Int64).alias(name)
            for name in _DATES
        ),
    )
    role, address = pl.col("role_id").cast(pl.Int64, strict=False), cleaning.url(pl.col("avatar_url"))
    return rows.select(
        "seq",
        "label",
        pl.when(pl.col("email").is_not_null())
        .then(pl.col("email").hash().reinterpret(signed=True))
        .alias("digest"),
        "email",
        cleaning.username_of_name(pl.col("username")).alias("own"),
        "display_name",
        pl.col("status").str.to_lowercase().is_in(_ACTIVE).cast(pl.Int64).alias("active"),
        _or_nothing("role_id", role.cast(pl.String)),
        _or_nothing("avatar_url", address),
        pl.when(pl.col("password") == 1).then(1).alias("password"),
        "created_at",
        "expires_at",
        _broken(rows),
    )


def _or_nothing(column: str, value: pl.Expr) -> pl.Expr:
    return pl.when(pl.col(column).is_not_null()).then(value.fill_null(NOTHING)).alias(column)


def _broken(rows: pl.DataFrame) -> pl.Expr:
    """Return which of the names were not UTF-8, joined by a comma."""
    if "invalid_utf8" not in rows.columns:
        return pl.lit(None, pl.String).alias("broken")
    named = pl.col("invalid_utf8").str.split(",")
    joined = pl.concat_str(
        [pl.when(named.list.contains(name)).then(pl.lit(name)) for name in _NAMES],
        separator=",",
        ignore_nulls=True,
    )
    return pl.when(joined != "").then(joined).alias("broken")
