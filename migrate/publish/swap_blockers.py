"""Why the staged tables cannot replace the live ones: objects that depend on the table, not on its name.

A swap puts another table under the old name. Everything that PostgreSQL stores by the table's oid (a view, a
function's argument, a publication's subscribers) would stay with the old table; then the rows are copied
instead. If in doubt the list says copy. It is not the only protection: the old tables are dropped without
CASCADE, and the schema is compared before the commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from migrate.postgres.connection import Connection, translate_errors
from migrate.postgres.schema_fingerprint import qualified_names


@dataclass(frozen=True)
class TableName:
    """A live table, and the staged one of the same name that is going to replace it."""

    schema: str
    staging: str
    table: str


#: Each query returns sentences about the tables whose oids are `tables`.
_QUERIES: Final = (
    # the kind of the table
    """SELECT CASE WHEN c.relkind <> 'r' OR c.relispartition OR EXISTS (
               SELECT 1 FROM pg_inherits i WHERE c.oid IN (i.inhrelid, i.inhparent))
           THEN c.oid::regclass || ' is partitioned or inherits'
           WHEN c.reloftype <> 0 THEN c.oid::regclass || ' is made of a type'
           WHEN c.relpersistence <> 'p' THEN c.oid::regclass || ' is unlogged or temporary'
           WHEN c.reltablespace <> 0 THEN c.oid::regclass || ' lies in a tablespace of its own'
           WHEN m.amname <> 'heap' THEN c.oid::regclass || ' is stored by ' || m.amname
           WHEN y.typacl IS NOT NULL OR obj_description(y.oid, 'pg_type') IS NOT NULL
           THEN 'the row type of ' || c.oid::regclass || ' has grants or a comment' END
    FROM pg_class c JOIN pg_am m ON m.oid = c.relam JOIN pg_type y ON y.oid = c.reltype
    WHERE c.oid = ANY (%(tables)s)""",
    """SELECT 'the rule ' || quote_ident(w.rulename) || ' is on ' || w.ev_class::regclass
    FROM pg_rewrite w WHERE w.ev_class = ANY (%(tables)s)""",
    """SELECT a.attrelid::regclass || '.' || quote_ident(a.attname) || ' is an identity column'
    FROM pg_attribute a WHERE a.attrelid = ANY (%(tables)s) AND a.attidentity <> '' AND NOT a.attisdropped""",
    """SELECT 'the index ' || i.indexrelid::regclass || ' is invalid'
    FROM pg_index i WHERE i.indrelid = ANY (%(tables)s) AND NOT (i.indisvalid AND i.indisready)""",
    """SELECT l.objoid::regclass || ' has a security label'
    FROM pg_seclabel l WHERE l.classoid = 'pg_class'::regclass AND l.objoid = ANY (%(tables)s)""",
    """SELECT d.objid::regclass || ' belongs to an extension' FROM pg_depend d
    WHERE d.classid = 'pg_class'::regclass AND d.objid = ANY (%(tables)s) AND d.deptype = 'e'""",
    # privileges that only their grantor can grant again
    """SELECT DISTINCT 'rights on ' || c.oid::regclass || ' were granted by ' || pg_get_userbyid(x.grantor)
    FROM pg_class c
    JOIN (SELECT oid AS rel, relacl AS acl FROM pg_class
          UNION ALL SELECT attrelid, attacl FROM pg_attribute) g ON g.rel = c.oid
    CROSS JOIN LATERAL aclexplode(g.acl) x
    WHERE c.oid = ANY (%(tables)s) AND x.grantor <> c.relowner""",
    """SELECT 'the owner of ' || c.oid::regclass || ', ' || pg_get_userbyid(c.relowner)
           || ', may make no table in its schema'
    FROM pg_class c JOIN pg_roles r ON r.rolname = current_user
    WHERE c.oid = ANY (%(tables)s) AND NOT r.rolsuper AND c.relowner <> r.oid
      AND NOT has_schema_privilege(c.relowner, c.relnamespace, 'CREATE')""",
    # foreign keys from or to tables that are not swapped
    """SELECT c.oid::regclass || ' references ' || r.oid::regclass || ', which is not replaced'
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class r ON r.oid = k.confrelid
    WHERE k.contype = 'f' AND c.oid = ANY (%(tables)s) AND r.oid <> ALL (%(tables)s)""",
    """SELECT c.oid::regclass || ', which is not replaced, references ' || r.oid::regclass
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class r ON r.oid = k.confrelid
    WHERE k.contype = 'f' AND r.oid = ANY (%(tables)s) AND c.oid <> ALL (%(tables)s)""",
    # views and the rules of other tables
    """SELECT DISTINCT CASE m.relkind WHEN 'v' THEN 'the view ' WHEN 'm' THEN 'the materialized view '
               ELSE 'a rule of ' END || m.oid::regclass || ' reads ' || c.oid::regclass
    FROM pg_depend d JOIN pg_class c ON c.oid = ANY (%(tables)s)
        AND ((d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid)
          OR (d.refclassid = 'pg_type'::regclass AND d.refobjid IN (
                  SELECT unnest(ARRAY[y.oid, y.typarray]) FROM pg_type y WHERE y.oid = c.reltype)))
    JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
    JOIN pg_class m ON m.oid = w.ev_class AND m.oid <> c.oid""",
    # everything else that depends on the table, its columns or its row type
    """SELECT DISTINCT pg_describe_object(d.classid, d.objid, 0) || ' depends on ' || c.oid::regclass
    FROM pg_depend d JOIN pg_class c ON c.oid = ANY (%(tables)s)
    JOIN pg_type y ON y.oid = c.reltype
    LEFT JOIN pg_class r ON d.classid = 'pg_class'::regclass AND r.oid = d.objid
    LEFT JOIN pg_attrdef f ON d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid
    LEFT JOIN pg_constraint k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
    LEFT JOIN pg_trigger t ON d.classid = 'pg_trigger'::regclass AND t.oid = d.objid
    LEFT JOIN pg_policy p ON d.classid = 'pg_policy'::regclass AND p.oid = d.objid
    LEFT JOIN pg_statistic_ext s ON d.classid = 'pg_statistic_ext'::regclass AND s.oid = d.objid
    WHERE ((d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid)
        OR (d.refclassid = 'pg_type'::regclass AND d.refobjid IN (y.oid, y.typarray)))
      AND NOT (d.classid = 'pg_type'::regclass AND d.objid IN (y.oid, y.typarray))
      AND r.oid IS DISTINCT FROM c.oid AND coalesce(r.relkind NOT IN ('i', 'S', 't'), true)
      AND f.adrelid IS DISTINCT FROM c.oid AND p.polrelid IS DISTINCT FROM c.oid
      AND s.stxrelid IS DISTINCT FROM c.oid
      AND coalesce(k.contype <> 'f' AND k.conrelid <> c.oid, true)
      AND coalesce(NOT t.tgisinternal AND t.tgrelid <> c.oid, true)
      AND d.classid NOT IN ('pg_rewrite'::regclass, 'pg_publication_rel'::regclass)""",
    # publications, which send every row to subscribers
    """SELECT c.oid::regclass || ' is published by ' || quote_ident(p.pubname)
    FROM pg_publication_tables p JOIN pg_namespace n ON n.nspname = p.schemaname
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = p.tablename
    WHERE c.oid = ANY (%(tables)s)""",
    """SELECT s.srrelid::regclass || ' is filled by a subscription'
    FROM pg_subscription_rel s WHERE s.srrelid = ANY (%(tables)s)""",
    """SELECT 'the replication slot ' || quote_ident(s.slot_name) || ' reads this database'
    FROM pg_replication_slots s WHERE s.slot_type = 'logical' AND s.database = current_database()""",
    """SELECT 'the event trigger ' || quote_ident(e.evtname) || ' watches definitions'
    FROM pg_event_trigger e WHERE e.evtenabled <> 'D'""",
)
_QUERY: Final = " UNION ALL ".join(f"({query})" for query in _QUERIES)
_OIDS: Final = """
SELECT c.oid::bigint FROM unnest(%s::text[], %s::text[]) w (space, name)
JOIN pg_namespace n ON n.nspname = w.space JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
"""


def find_swap_blockers(conn: Connection, table_names: Sequence[TableName]) -> list[str]:
    """Return why these live tables cannot be swapped, a sentence each; empty if they can.

    Reads only the live side; a live table that is missing is skipped.
    """
    with translate_errors("looking at what depends on the live tables"), qualified_names(conn):
        found = conn.execute(
            _OIDS,
            (
                [table_name.schema for table_name in table_names],
                [table_name.table for table_name in table_names],
            ),
        ).fetchall()
        tables = {"tables": [oid for (oid,) in found]}
        reasons = [row[0] for row in conn.execute(_QUERY, tables).fetchall() if row[0]]
    return sorted(set(reasons))
