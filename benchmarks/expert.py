"""What an expert would write in an afternoon: the migration as one DuckDB script.

    python -m benchmarks.expert LEGACY_FILE TARGET_URL

Users, messages, profiles, studios, images and connections with derived ids, decoded entities and real dates,
by the sqlite and postgres extensions, through COPY. Keys and indexes are dropped before and created again
afterwards. Nothing is checked, and it cannot be resumed.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
import tempfile
from importlib import resources
from pathlib import Path
from typing import Final

import duckdb
import psycopg
from psycopg import sql

FILLED: Final = (
    "users", "user_profiles", "user_metadata", "studios", "studio_services", "studio_images", "messages",
    "user_connections", "reviews", "review_responses",
)  # fmt: skip

#: foreign keys first, from and to the filled tables; then the other keys, and indexes without a key
_CONSTRAINTS: Final = """
SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint
WHERE contype IN ('f', 'p', 'u') AND connamespace = 'public'::regnamespace
  AND (conrelid::regclass::text = ANY (%(tables)s) OR confrelid::regclass::text = ANY (%(tables)s))
ORDER BY contype = 'f' DESC, conname
"""
_INDEXES: Final = """
SELECT indexname, indexdef FROM pg_indexes
WHERE schemaname = 'public' AND tablename = ANY (%(tables)s)
ORDER BY indexname
"""
#: the wheel of each extension, and the name under which DuckDB loads its file
_EXTENSIONS: Final = {
    "duckdb_extension_sqlite": "sqlite_scanner",
    "duckdb_extension_postgres": "postgres_scanner",
}


def _load_extensions(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    for package, name in _EXTENSIONS.items():
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise ImportError(f"the package {package} is not installed")
        (shipped,) = Path(spec.origin).parent.rglob("*.duckdb_extension")
        file = folder / f"{name}.duckdb_extension"
        shutil.copy(shipped, file)
        connection.execute(f"LOAD '{file}'")


def _drop_keys(target: psycopg.Connection) -> list[str]:
    """Drop keys and indexes of the filled tables; return the statements that create them again."""
    tables = {"tables": list(FILLED)}
    constraints = target.execute(_CONSTRAINTS, tables).fetchall()
    for table, name, _ in constraints:
        target.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}".encode())
    indexes = target.execute(_INDEXES, tables).fetchall()
    for name, _ in indexes:
        target.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    add = [f"ALTER TABLE {table} ADD CONSTRAINT {name} {rule}" for table, name, rule in constraints]
    return [*(rule for _, rule in indexes), *reversed(add)]  # foreign keys last


def main(legacy: Path, url: str) -> None:
    """Migrate the file into the database."""
    script = resources.files("benchmarks").joinpath("duckdb.sql").read_text(encoding="utf-8")
    with (
        tempfile.TemporaryDirectory() as folder,
        psycopg.connect(url, autocommit=True) as target,
        duckdb.connect(config={"allow_unsigned_extensions": True}) as connection,
    ):
        _load_extensions(connection, Path(folder))
        connection.execute(f"ATTACH '{legacy}' AS old (TYPE sqlite, READ_ONLY)")
        connection.execute(f"ATTACH '{url}' AS new (TYPE postgres)")
        # The rows of one table need no order.
        connection.execute("SET preserve_insertion_order = false")
        names = sql.SQL(", ").join(sql.Identifier(table) for table in FILLED)
        target.execute(sql.SQL("TRUNCATE {} CASCADE").format(names))
        again = _drop_keys(target)
        connection.execute(script)
        for statement in again:
            target.execute(statement.encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
