"""Everything about the live schema that must be the same before and after a run (invariant I8)."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Final

from migrate.postgres.connection import Connection, session_settings, translate_errors
from migrate.postgres.table_checksum import measure

_PRISMA: Final = "_prisma_migrations"

#: Each query gives (name, definition) of every object of one kind. Attributes that only newer servers have
#: are read through `to_jsonb`, which gives NULL if they are missing.
_QUERIES: Final = (
    # schema
    """SELECT 'schema ' || n.nspname, concat_ws(' | ', 'owner ' || pg_get_userbyid(n.nspowner),
           'acl ' || n.nspacl::text, 'comment ' || obj_description(n.oid, 'pg_namespace'),
           (SELECT 'default acl ' || string_agg(concat_ws(' ', d.defaclobjtype, pg_get_userbyid(d.defaclrole),
                   d.defaclacl), ', ' ORDER BY d.defaclobjtype, d.defaclrole)
            FROM pg_default_acl d WHERE d.defaclnamespace = n.oid))
    FROM pg_namespace n WHERE n.nspname = %(schema)s""",
    # tables, views, sequences, composite types
    """SELECT 'relation ' || c.relname, concat_ws(' | ', 'kind ' || c.relkind::text, 'owner '
           || pg_get_userbyid(c.relowner), 'acl ' || c.relacl::text, 'options ' || c.reloptions::text,
           'toast options ' || (SELECT t.reloptions::text FROM pg_class t WHERE t.oid = c.reltoastrelid),
           'persistence ' || c.relpersistence::text, 'replica identity ' || c.relreplident::text,
           'row security ' || c.relrowsecurity::text || c.relforcerowsecurity::text,
           'tablespace ' || (SELECT spcname FROM pg_tablespace WHERE oid = c.reltablespace),
           'method ' || (SELECT amname FROM pg_am WHERE oid = c.relam),
           'comment ' || obj_description(c.oid, 'pg_class'),
           (SELECT 'label ' || string_agg(l.provider || ' ' || l.objsubid || ' ' || l.label, ', '
                   ORDER BY l.provider, l.objsubid)
            FROM pg_seclabel l WHERE l.classoid = 'pg_class'::regclass AND l.objoid = c.oid),
           (SELECT 'inherits ' || string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno)
            FROM pg_inherits i WHERE i.inhrelid = c.oid),
           'partitioned ' || pg_get_partkeydef(c.oid), 'bound ' || pg_get_expr(c.relpartbound, c.oid),
           CASE WHEN c.relkind IN ('v', 'm') THEN 'query ' || pg_get_viewdef(c.oid) END)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c')""",
    # columns
    """SELECT 'column ' || c.relname || '.' || a.attname, concat_ws(' | ',
           'place ' || row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum),
           format_type(a.atttypid, a.atttypmod), 'not null ' || a.attnotnull::text,
           'default ' || pg_get_expr(d.adbin, d.adrelid), 'generated ' || nullif(a.attgenerated::text, ''),
           'identity ' || nullif(a.attidentity::text, ''), 'storage ' || a.attstorage::text,
           'collation ' || (SELECT o.collname FROM pg_collation o WHERE o.oid = a.attcollation),
           'compression ' || nullif(to_jsonb(a) ->> 'attcompression', ''),
           'statistics ' || nullif(to_jsonb(a) ->> 'attstattarget', '-1'),
           'options ' || a.attoptions::text, 'acl ' || a.attacl::text,
           'comment ' || col_description(c.oid, a.attnum))
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')""",
    # constraints of the schema's tables, and foreign keys from other schemas to them
    """SELECT 'constraint ' || k.conrelid::regclass || '.' || k.conname, concat_ws(' | ',
           k.contype, pg_get_constraintdef(k.oid), 'valid ' || k.convalidated::text,
           'index ' || (SELECT x.relname FROM pg_class x WHERE x.oid = k.conindid),
           'inherited ' || k.coninhcount::text || k.conislocal::text,
           'comment ' || obj_description(k.oid, 'pg_constraint'),
           (SELECT 'triggers ' || string_agg(t.tgenabled::text, '' ORDER BY t.tgenabled)
            FROM pg_trigger t WHERE t.tgconstraint = k.oid))
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_class r ON r.oid = k.confrelid LEFT JOIN pg_namespace rn ON rn.oid = r.relnamespace
    WHERE %(schema)s IN (n.nspname, rn.nspname)""",
    # indexes
    """SELECT 'index ' || x.relname, concat_ws(' | ', pg_get_indexdef(x.oid),
           'flags ' || concat_ws(' ', i.indisunique, i.indisprimary, i.indisexclusion, i.indimmediate,
                                 i.indisclustered, i.indisvalid, i.indisready, i.indisreplident),
           'tablespace ' || (SELECT spcname FROM pg_tablespace WHERE oid = x.reltablespace),
           'owner ' || pg_get_userbyid(x.relowner), 'comment ' || obj_description(x.oid, 'pg_class'),
           (SELECT 'statistics ' || string_agg(a.attnum || ' ' || (to_jsonb(a) ->> 'attstattarget'), ', '
                   ORDER BY a.attnum)
            FROM pg_attribute a WHERE a.attrelid = x.oid AND to_jsonb(a) ->> 'attstattarget' <> '-1'))
    FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %(schema)s""",
    # triggers and rules
    """SELECT 'trigger ' || c.relname || '.' || t.tgname, concat_ws(' | ', pg_get_triggerdef(t.oid),
           'enabled ' || t.tgenabled::text, 'comment ' || obj_description(t.oid, 'pg_trigger'))
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND NOT t.tgisinternal""",
    """SELECT 'rule ' || c.relname || '.' || w.rulename, concat_ws(' | ', pg_get_ruledef(w.oid),
           'enabled ' || w.ev_enabled::text, 'comment ' || obj_description(w.oid, 'pg_rewrite'))
    FROM pg_rewrite w JOIN pg_class c ON c.oid = w.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND w.rulename <> '_RETURN'""",
    # policies
    """SELECT 'policy ' || c.relname || '.' || p.polname, concat_ws(' | ', p.polcmd, p.polpermissive::text,
           p.polroles::regrole[]::text, 'using ' || pg_get_expr(p.polqual, p.polrelid),
           'check ' || pg_get_expr(p.polwithcheck, p.polrelid),
           'comment ' || obj_description(p.oid, 'pg_policy'))
    FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s""",
    # types: enums with their labels in order, domains, ranges
    """SELECT 'type ' || t.typname, concat_ws(' | ', t.typtype, 'owner ' || pg_get_userbyid(t.typowner),
           'acl ' || t.typacl::text, 'comment ' || obj_description(t.oid, 'pg_type'),
           (SELECT 'labels ' || string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
            FROM pg_enum e WHERE e.enumtypid = t.oid),
           CASE t.typtype WHEN 'd' THEN 'domain ' || format_type(t.typbasetype, t.typtypmod)
               || t.typnotnull::text || coalesce(t.typdefault, '') END,
           (SELECT 'checks ' || string_agg(k.conname || ' ' || pg_get_constraintdef(k.oid), ', '
                   ORDER BY k.conname) FROM pg_constraint k WHERE k.contypid = t.oid))
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE n.nspname = %(schema)s AND t.typtype IN ('e', 'd', 'r')""",
    # functions
    """SELECT 'function ' || p.oid::regprocedure, concat_ws(' | ', 'owner ' || pg_get_userbyid(p.proowner),
           'acl ' || p.proacl::text, 'comment ' || obj_description(p.oid, 'pg_proc'),
           CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END)
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = %(schema)s""",
    # sequences, without their current value
    """SELECT 'sequence ' || c.relname, concat_ws(' | ', format_type(s.seqtypid, NULL), s.seqstart,
           s.seqincrement, s.seqmax, s.seqmin, s.seqcache, s.seqcycle,
           (SELECT 'owned by ' || d.refobjid::regclass || '.' || a.attname FROM pg_depend d
            JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
            WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')
              AND d.refclassid = 'pg_class'::regclass))
    FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s""",
    # extended statistics
    """SELECT 'statistics ' || s.stxname, concat_ws(' | ', pg_get_statisticsobjdef(s.oid),
           'target ' || nullif(to_jsonb(s) ->> 'stxstattarget', '-1'),
           'owner ' || pg_get_userbyid(s.stxowner), 'comment ' || obj_description(s.oid, 'pg_statistic_ext'))
    FROM pg_statistic_ext s JOIN pg_class c ON c.oid = s.stxrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %(schema)s""",
    # publications that carry the schema's tables
    """SELECT 'publication ' || b.pubname || '.' || c.relname, concat_ws(' | ',
           'columns ' || (to_jsonb(r) ->> 'prattrs'),
           'where ' || (to_jsonb(r) ->> 'prqual'))
    FROM pg_publication_rel r JOIN pg_publication b ON b.oid = r.prpubid
    JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s""",
)


def fingerprint(conn: Connection, schema: str) -> dict[str, str]:
    """Return every object of the schema by name (`index users_pkey`), each with its complete definition.

    Tables, columns, constraints, indexes, triggers, rules, policies, types, functions, sequences, statistics,
    owners, grants, comments and storage options; foreign keys from other schemas; and the content of
    `_prisma_migrations`. Names are qualified, so the session's search path does not matter.
    """
    house: dict[str, str] = {}
    with translate_errors(f"reading the definition of the schema {schema}"), qualified_names(conn):
        for query in _QUERIES:
            house.update(conn.execute(query, {"schema": schema}).fetchall())
        if f"relation {_PRISMA}" in house:
            content = measure(conn, schema, _PRISMA)
            house[f"rows {_PRISMA}"] = f"{content.rows} rows, checksum {content.checksum}"
    return dict(sorted(house.items()))


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Return the names of the objects that are not the same in both, in order."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def qualified_names(conn: Connection) -> contextlib.AbstractContextManager[None]:
    """Make PostgreSQL print every name with its schema inside the block."""
    return session_settings(conn, {"search_path": ""})
