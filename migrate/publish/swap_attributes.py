"""What a swapped table gets during the swap: owner, comment, grants, triggers, policies, sequences.

None of it takes longer on a large table, and some of it must not be there earlier: a staged table is
recognized by its comment, and a policy or an owner could hide its rows from us. Read from the catalog before
the lock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from migrate.postgres.connection import Connection
from migrate.postgres.ddl import Quoting, read_options
from migrate.publish.missing_objects import TablePair

_TABLES: Final = """
SELECT w.live::bigint, quote_ident(pg_get_userbyid(c.relowner)), c.relowner <> s.relowner,
       obj_description(c.oid, 'pg_class'), c.relacl IS NOT NULL OR s.relacl IS NOT NULL,
       c.relreplident::text, c.relrowsecurity, c.relforcerowsecurity
FROM unnest(%(live)s::oid[], %(staged)s::oid[]) w (live, staged)
JOIN pg_class c ON c.oid = w.live JOIN pg_class s ON s.oid = w.staged
"""
#: In the order of the list, which PostgreSQL keeps; each privilege is with or without the grant option.
_GRANTS: Final = """
SELECT g.rel::bigint, quote_ident(a.attname),
       CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END,
       string_agg(x.privilege_type, ',' ORDER BY x.place), x.is_grantable
FROM (SELECT oid AS rel, 0 AS num, relacl AS acl FROM pg_class WHERE oid = ANY (%(tables)s::oid[])
      UNION ALL SELECT attrelid, attnum, attacl FROM pg_attribute
      WHERE attrelid = ANY (%(tables)s::oid[]) AND attnum > 0) g
LEFT JOIN pg_attribute a ON a.attrelid = g.rel AND a.attnum = g.num
CROSS JOIN LATERAL aclexplode(g.acl) WITH ORDINALITY x (grantor, grantee, privilege_type, is_grantable, place)
GROUP BY g.rel, g.num, a.attname, x.grantee, x.is_grantable ORDER BY g.rel, g.num, min(x.place)
"""
_DEFAULTS: Final = """
SELECT w.live::bigint, quote_ident(a.attname), pg_get_expr(d.adbin, d.adrelid)
FROM unnest(%(live)s::oid[], %(staged)s::oid[]) w (live, staged)
JOIN pg_attribute a ON a.attrelid = w.live AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
JOIN pg_attribute b ON b.attrelid = w.staged AND b.attname = a.attname
JOIN pg_attrdef d ON d.adrelid = w.live AND d.adnum = a.attnum
LEFT JOIN pg_attrdef e ON e.adrelid = w.staged AND e.adnum = b.attnum
WHERE pg_get_expr(d.adbin, d.adrelid) IS DISTINCT FROM pg_get_expr(e.adbin, e.adrelid)
ORDER BY 1, a.attnum
"""
_SEQUENCES: Final = """
SELECT d.refobjid::bigint, d.objid::regclass::text, quote_ident(a.attname)
FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'a'
  AND d.refobjid = ANY (%(live)s::oid[])
ORDER BY 1, 2
"""
_TRIGGERS: Final = """
SELECT t.tgrelid::bigint, t.tgname, pg_get_triggerdef(t.oid), t.tgenabled::text,
       obj_description(t.oid, 'pg_trigger')
FROM pg_trigger t WHERE t.tgrelid = ANY (%(live)s::oid[]) AND NOT t.tgisinternal ORDER BY 1, 2
"""
_POLICIES: Final = """
SELECT p.polrelid::bigint, p.polname, p.polpermissive, p.polcmd::text,
       (SELECT string_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r)) END, ', ')
        FROM unnest(p.polroles) r),
       pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid),
       obj_description(p.oid, 'pg_policy')
FROM pg_policy p WHERE p.polrelid = ANY (%(live)s::oid[]) ORDER BY 1, 2
"""
_STATISTICS: Final = """
SELECT s.stxrelid::bigint, s.stxname, quote_ident(n.nspname), quote_ident(pg_get_userbyid(s.stxowner))
FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace
WHERE s.stxrelid = ANY (%(live)s::oid[]) ORDER BY 1, 2
"""
_STATES: Final = {
    "D": "DISABLE TRIGGER",
    "R": "ENABLE REPLICA TRIGGER",
    "A": "ENABLE ALWAYS TRIGGER",
}
_IDENTITIES: Final = {"f": "FULL", "n": "NOTHING"}
#: Column (None: the table), grantee, privileges, with grant option.
_Grant = tuple[Any, ...]
_COMMANDS: Final = {"r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE", "*": "ALL"}


@dataclass
class SwapAttributes:
    """The statements of a swap `before` and `after` the drop of the old tables."""

    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)


def plan_attributes(conn: Connection, pairs: Sequence[TablePair]) -> SwapAttributes:
    """Return what the pairs' new tables get; call it inside `qualified_names`.

    The statements name each new table as the live one: they run after the rename.
    """
    quote, plan = Quoting(conn), SwapAttributes()
    of = {pair.live: pair for pair in pairs}
    ends: dict[str, Any] = {"live": list(of), "staged": [pair.staged for pair in pairs]}
    both = [*ends["live"], *ends["staged"]]
    options, grants = read_options(conn, [str(oid) for oid in both]), _read_grants(conn, both)
    sequences = conn.execute(_SEQUENCES, ends).fetchall()
    plan.before += [f"ALTER SEQUENCE {name} OWNED BY NONE" for _, name, _ in sequences]
    for live, owner, strange, comment, granted, identity, secured, forced in conn.execute(
        _TABLES, ends
    ).fetchall():
        name = of[live].old
        if strange:
            plan.after.append(f"ALTER TABLE {name} OWNER TO {owner}")
        plan.after.append(f"COMMENT ON TABLE {name} IS {'NULL' if comment is None else quote.text(comment)}")
        plan.after += _options(quote, of[live], options)
        plan.after += _grants(of[live], owner, grants, granted=granted)
        if identity in _IDENTITIES:
            plan.after.append(f"ALTER TABLE {name} REPLICA IDENTITY {_IDENTITIES[identity]}")
        if secured:
            plan.after.append(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
        if forced:
            plan.after.append(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
    for live, column, default in conn.execute(_DEFAULTS, ends).fetchall():
        plan.after.append(f"ALTER TABLE {of[live].old} ALTER COLUMN {column} SET DEFAULT {default}")
    for live, name, column in sequences:
        plan.after.append(f"ALTER SEQUENCE {name} OWNED BY {of[live].old}.{column}")
    plan.after += _statistics(conn, quote, of, ends)
    for row in conn.execute(_TRIGGERS, ends).fetchall():
        plan.after += _trigger(quote, of[row[0]].old, row)
    for row in conn.execute(_POLICIES, ends).fetchall():
        plan.after += _policy(quote, of[row[0]].old, row)
    return plan


def _options(quote: Quoting, pair: TablePair, options: Mapping[int, list[tuple[str, str]]]) -> list[str]:
    """Return the statement that gives the table the live one's storage options, in their order, and no
    others.
    """
    wanted, there = options.get(pair.live, []), options.get(pair.staged, [])
    if wanted == there:
        return []
    out = [f"ALTER TABLE {pair.old} RESET ({', '.join(name for name, _ in there)})"] if there else []
    if wanted:
        pairs = (f"{name} = {quote.text(value)}" for name, value in wanted)
        out.append(f"ALTER TABLE {pair.old} SET ({', '.join(pairs)})")
    return out


def _read_grants(conn: Connection, tables: Sequence[int]) -> dict[int, list[_Grant]]:
    """Return the grants on tables and their columns, in their order, by the table's oid."""
    found: dict[int, list[_Grant]] = {}
    for table, *grant in conn.execute(_GRANTS, {"tables": list(tables)}).fetchall():
        found.setdefault(table, []).append(tuple(grant))
    return found


def _grants(pair: TablePair, owner: str, grants: Mapping[int, list[_Grant]], *, granted: bool) -> list[str]:
    """Return the grants on table and columns, in their order, after a revoke of all default privileges."""
    rows = grants.get(pair.live, [])
    out = []
    if granted:
        here = grants.get(pair.staged, [])
        grantees = {grantee for column, grantee, *_ in [*rows, *here] if column is None}
        out.append(f"REVOKE ALL ON TABLE {pair.old} FROM {', '.join(sorted({*grantees, owner, 'PUBLIC'}))}")
    for column, grantee, privileges, grantable in rows:
        names = privileges if column is None else ", ".join(f"{p} ({column})" for p in privileges.split(","))
        option = " WITH GRANT OPTION" if grantable else ""
        out.append(f"GRANT {names} ON TABLE {pair.old} TO {grantee}{option}")
    return out


def _statistics(
    conn: Connection, quote: Quoting, of: dict[int, TablePair], ends: dict[str, Any]
) -> list[str]:
    out = []
    for live, name, schema, owner in conn.execute(_STATISTICS, ends).fetchall():
        moved = f"{schema}.{quote.name(name)}"
        out.append(f"ALTER STATISTICS {of[live].new_schema}.{quote.name(name)} SET SCHEMA {schema}")
        out.append(f"ALTER STATISTICS {moved} OWNER TO {owner}")
    return out


def _trigger(quote: Quoting, table: str, row: tuple[Any, ...]) -> list[str]:
    _, name, definition, enabled, comment = row
    out = [definition]
    if enabled in _STATES:
        out.append(f"ALTER TABLE {table} {_STATES[enabled]} {quote.name(name)}")
    return out + quote.comment(f"TRIGGER {quote.name(name)} ON {table}", comment)


def _policy(quote: Quoting, table: str, row: tuple[Any, ...]) -> list[str]:
    _, name, permissive, command, roles, using, check, comment = row
    make = (
        f"CREATE POLICY {quote.name(name)} ON {table} AS {'PERMISSIVE' if permissive else 'RESTRICTIVE'}"
        f" FOR {_COMMANDS[command]} TO {roles}"
    )
    if using is not None:
        make += f" USING ({using})"
    if check is not None:
        make += f" WITH CHECK ({check})"
    return [make, *quote.comment(f"POLICY {quote.name(name)} ON {table}", comment)]
