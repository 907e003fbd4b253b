"""The privileges that the migration is missing on the target, each with the statement that grants it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from psycopg import sql

from migrate.postgres.connection import Connection

_ROLE: Final = """
SELECT r.rolname, r.rolsuper, r.rolsuper OR r.rolbypassrls, current_database(),
       has_database_privilege(current_database(), 'CREATE')
FROM pg_roles r WHERE r.rolname = current_user
"""
_SCHEMA: Final = """
SELECT has_schema_privilege(n.oid, 'USAGE'), has_schema_privilege(n.oid, 'CREATE')
FROM pg_namespace n WHERE n.nspname = %s
"""
_TABLES: Final = """
SELECT c.relname, pg_get_userbyid(c.relowner), pg_has_role(c.relowner, 'USAGE'),
       has_table_privilege(c.oid, 'SELECT'),
       c.relrowsecurity AND (c.relforcerowsecurity OR NOT pg_has_role(c.relowner, 'USAGE'))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = ANY (%s) AND c.relkind IN ('r', 'p')
ORDER BY c.relname
"""


def missing_rights(
    conn: Connection, schema: str, managed: Sequence[str], backed_up: Sequence[str], own: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Yield (missing privilege, what to do) for the session's role.

    The role must own the `managed` tables of `schema`, because their constraints are dropped and added again.
    It must be able to read the `backed_up` tables, and to create the schemas `own` or, if they exist, tables
    in them.
    """
    row = conn.execute(_ROLE).fetchone()
    assert row is not None
    role, superuser, unbound, database, may_create = row
    if superuser:
        return
    quoted = sql.Identifier(role).as_string(conn)
    yield from _live_schema(conn, schema, role)
    for name in own:
        yield from _own_schema(conn, name, (role, database), may_create=may_create)
    owners: dict[str, list[str]] = {}
    unread: dict[str, list[str]] = {}
    hidden = []
    wanted = list(dict.fromkeys([*managed, *backed_up]))
    for table, owner, owned, readable, bound in conn.execute(_TABLES, (schema, wanted)).fetchall():
        if table in managed and not owned:
            owners.setdefault(owner, []).append(table)
        if not readable:
            unread.setdefault(owner, []).append(table)
        if bound and not unbound:
            hidden.append(table)
    for owner, tables in owners.items():
        grant = f"GRANT {sql.Identifier(owner).as_string(conn)} TO {quoted};"
        yield (
            f"the role {role} does not own {', '.join(tables)}; the owner is {owner}",
            f"connect as {owner}, or a superuser must run: {grant}",
        )
    for owner, tables in unread.items():
        names = ", ".join(sql.Identifier(schema, table).as_string(conn) for table in tables)
        yield (
            f"the role {role} cannot read {', '.join(tables)}, so it cannot make a backup",
            f"the owner of the tables, {owner}, must run: GRANT SELECT ON {names} TO {quoted};",
        )
    if hidden:
        yield (
            f"row-level security hides rows of {', '.join(hidden)} from the role {role}",
            f"a superuser must run: ALTER ROLE {quoted} BYPASSRLS;",
        )


def _live_schema(conn: Connection, schema: str, role: str) -> Iterator[tuple[str, str]]:
    row = conn.execute(_SCHEMA, (schema,)).fetchone()
    if row is None:
        yield (
            f"there is no schema {schema}",
            "give the schema that Prisma uses: add ?schema=NAME to the target URL",
        )
        return
    missing = [name for name, held in zip(("USAGE", "CREATE"), row, strict=True) if not held]
    if missing:
        yield (
            f"the role {role} lacks {' and '.join(missing)} on the schema {schema}, to rebuild its indexes",
            _grant(conn, missing, schema, role),
        )


def _own_schema(
    conn: Connection, name: str, who: tuple[str, str], *, may_create: bool
) -> Iterator[tuple[str, str]]:
    role, database = who
    row = conn.execute(_SCHEMA, (name,)).fetchone()
    if row is None:
        if not may_create:
            statement = sql.SQL("CREATE SCHEMA {} AUTHORIZATION {};").format(
                sql.Identifier(name), sql.Identifier(role)
            )
            yield (
                f"the role {role} may not create the schema {name} in the database {database}",
                f"an owner of the database must run: {statement.as_string(conn)}",
            )
        return
    missing = [right for right, held in zip(("USAGE", "CREATE"), row, strict=True) if not held]
    if missing:
        yield (
            f"the role {role} lacks {' and '.join(missing)} on the schema {name}",
            _grant(conn, missing, name, role),
        )


def _grant(conn: Connection, missing: Sequence[str], schema: str, role: str) -> str:
    statement = sql.SQL("ON SCHEMA {} TO {};").format(sql.Identifier(schema), sql.Identifier(role))
    return f"the owner of the schema must run: GRANT {', '.join(missing)} {statement.as_string(conn)}"
