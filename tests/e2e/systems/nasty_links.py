"""The nasty database's second half: references of every kind, computed things, and what is left over."""

from __future__ import annotations

from tests.e2e.systems.recipe import Trap

REFERENCES = (
    Trap(
        "two tables that refer to each other",
        "SELECT count(*) FROM teams t JOIN players p ON t.captain = p.id AND p.team = t.id",
        [
            "CREATE TABLE teams (id INTEGER PRIMARY KEY, captain INTEGER REFERENCES players (id))",
            "CREATE TABLE players (id INTEGER PRIMARY KEY, team INTEGER NOT NULL REFERENCES teams)",
            "INSERT INTO teams VALUES (1, 10), (2, NULL), (3, 99)",
            "INSERT INTO players VALUES (10, 1), (11, 2), (12, 404)",
        ],
    ),
    Trap(
        "rows that refer to themselves, in a circle, and to nothing",
        "SELECT count(*) FROM folders WHERE parent = id OR parent NOT IN (SELECT id FROM folders)",
        [
            "CREATE TABLE folders (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES folders ON DELETE"
            " CASCADE)",
            "INSERT INTO folders VALUES (1, 1), (2, 3), (3, 4), (4, 2), (5, 500), (6, NULL), (7, 8),"
            " (8, NULL)",
        ],
    ),
    Trap(
        "a foreign key to a unique column, one to no table, and one whose text looks like the number",
        "SELECT count(*) FROM tickets WHERE typeof(animal) = 'text' OR ghost IS NOT NULL",
        [
            "CREATE TABLE tickets (id INTEGER PRIMARY KEY, member TEXT REFERENCES members (username),"
            " ghost INTEGER REFERENCES nowhere (id), animal TEXT REFERENCES animals (id))",
            "INSERT INTO tickets VALUES (1, 'a', 7, '3'), (2, 'A', NULL, '03'), (3, 'nobody', NULL, NULL)",
        ],
    ),
    Trap(
        "ids in a JSON list, a JSON object, a comma list and a URL; some of no row",
        "SELECT count(*) FROM playlists WHERE commas LIKE '%,%' AND json_valid(list)",
        [
            "CREATE TABLE playlists (id INTEGER PRIMARY KEY, list TEXT, object TEXT, commas TEXT, url TEXT)",
            "INSERT INTO playlists VALUES (1, '[3,5,9]', '{\"animal\":{\"id\":3}}', '3,5,9',"
            " '/animals/3/photo'),"
            " (2, '[\"3\",777]', '{\"animal\":null}', '3, 5,,9,', 'https://example.org/animals/5?x=1'),"
            " (3, '[]', 'plain', '', NULL), (4, '[[3],[5]]', NULL, '777', '/animals/777')",
        ],
    ),
    Trap(
        "type and id, with a type that no table has and an id that no row has",
        "SELECT count(*) FROM likes WHERE target_type NOT IN ('animal', 'folder') OR target_id > 100",
        [
            "CREATE TABLE likes (id INTEGER PRIMARY KEY, target_type TEXT, target_id INTEGER)",
            "INSERT INTO likes VALUES (1, 'animal', 3), (2, 'folder', 1), (3, 'animal', 777),"
            " (4, 'planet', 1),"
            " (5, NULL, 3), (6, 'animal', NULL)",
        ],
    ),
    Trap(
        "an implicit many-to-many table, with a pair twice and a pair that dangles",
        'SELECT count(*) FROM "_AnimalToFolder" WHERE "A" NOT IN (SELECT id FROM animals)',
        [
            'CREATE TABLE "_AnimalToFolder" ("A" INTEGER NOT NULL REFERENCES animals (id),'
            ' "B" INTEGER NOT NULL REFERENCES folders (id))',
            'INSERT INTO "_AnimalToFolder" VALUES (3, 1), (5, 2), (5, 2), (777, 1)',
        ],
    ),
    Trap(
        "UUID keys in capitals and small letters, referred to in the other case",
        "SELECT count(*) FROM badges b JOIN holders h ON lower(h.id) = lower(b.holder) WHERE h.id <>"
        " b.holder",
        [
            "CREATE TABLE holders (id TEXT PRIMARY KEY, v)",
            "CREATE TABLE badges (id TEXT PRIMARY KEY, holder TEXT)",
            "INSERT INTO holders VALUES ('6F9619FF-8B86-4011-A42D-00C04FC964FF', 1),"
            " ('6f9619ff-8b86-4011-a42d-00c04fc964fe', 2)",
            "INSERT INTO badges VALUES ('b1', '6f9619ff-8b86-4011-a42d-00c04fc964ff'),"
            " ('b2', '6f9619ff-8b86-4011-a42d-00c04fc964fe')",
        ],
    ),
)

COMPUTED = (
    Trap(
        "generated columns, stored and virtual",
        "SELECT count(*) FROM pragma_table_xinfo('invoices') WHERE hidden IN (2, 3)",
        [
            "CREATE TABLE invoices (id INTEGER PRIMARY KEY, net REAL, tax REAL,"
            " gross REAL GENERATED ALWAYS AS (net + tax) STORED, label TEXT AS ('#' || id) VIRTUAL,"
            " note TEXT)",
            "INSERT INTO invoices (id, net, tax, note) VALUES (1, 10, 2.5, 'a'), (2, NULL, 1, 'b'),"
            " (3, 0.1, 0.2, NULL)",
        ],
    ),
    Trap(
        "views: of a table, of a view, and of a table that is gone",
        "SELECT count(*) FROM sqlite_master WHERE type = 'view'",
        [
            "CREATE VIEW v_gross AS SELECT id, gross FROM invoices",
            'CREATE VIEW "v of view" AS SELECT max(gross) AS top FROM v_gross',
            "CREATE VIEW v_broken AS SELECT * FROM long_gone",
        ],
    ),
    Trap(
        "triggers: after, before with a condition, instead of",
        "SELECT count(*) FROM sqlite_master WHERE type = 'trigger'",
        [
            "CREATE TRIGGER t_after AFTER INSERT ON animals BEGIN UPDATE animals SET name = trim(name)"
            " WHERE id = new.id; SELECT 1; END",
            "CREATE TRIGGER t_before BEFORE DELETE ON folders WHEN old.id = 1 BEGIN"
            " SELECT raise(ABORT, 'kept; always'); END",
            "CREATE TRIGGER t_instead INSTEAD OF INSERT ON v_gross BEGIN"
            " INSERT INTO invoices (id) VALUES (new.id); END",
        ],
    ),
    Trap(
        "indexes: partial, on an expression, without case, downwards, the same twice",
        "SELECT count(*) FROM sqlite_master WHERE type = 'index' AND name LIKE 'x\\_%' ESCAPE '\\'",
        [
            "CREATE INDEX x_partial ON members (email) WHERE email IS NOT NULL",
            "CREATE INDEX x_expression ON members (lower(email))",
            "CREATE UNIQUE INDEX x_nocase ON animals (name COLLATE NOCASE)",
            "CREATE INDEX x_down ON folders (parent DESC, id)",
            "CREATE INDEX x_down_again ON folders (parent DESC, id)",
        ],
    ),
    Trap(
        "full text: with content of its own, without content, and stale",
        "SELECT count(*) FROM animals_fts f JOIN animals a ON a.id = f.rowid"
        " WHERE animals_fts MATCH 'formerly' AND a.name NOT LIKE '%formerly%'",
        [
            "CREATE VIRTUAL TABLE animals_fts USING fts5(name, content=animals, content_rowid=id)",
            "INSERT INTO animals_fts (rowid, name) VALUES (3, 'formerly Eve'), (88, 'gone')",
            "CREATE VIRTUAL TABLE notes_fts USING fts5(body)",
            "INSERT INTO notes_fts VALUES ('a note of which there is no other copy')",
            "CREATE VIRTUAL TABLE bare_fts USING fts5(body, content='')",
        ],
    ),
)

LEFT_OVERS = (
    Trap(
        "left-over tables of every kind, one a copy with rows that are gone",
        "SELECT count(*) FROM animals_backup WHERE id NOT IN (SELECT id FROM animals)",
        [
            "CREATE TABLE animals_backup AS SELECT * FROM animals",
            "INSERT INTO animals_backup VALUES (777, 'lost')",
            "CREATE TABLE animals_old AS SELECT * FROM animals",
            "CREATE TABLE __new_animals (id INTEGER PRIMARY KEY, name TEXT, kind TEXT)",
            "CREATE TABLE Animals_Backup_2024 (id INT)",
            "CREATE TABLE __drizzle_migrations (id INTEGER PRIMARY KEY, hash TEXT NOT NULL, created_at"
            " NUMERIC)",
            "INSERT INTO __drizzle_migrations VALUES (1, 'ab12', 1709287200123)",
            "CREATE TABLE _prisma_migrations (id TEXT PRIMARY KEY, checksum TEXT NOT NULL)",
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)",
            "INSERT INTO alembic_version VALUES ('9f3b2c1d0e4a')",
        ],
    ),
    Trap(
        "a counter far beyond its rows",
        "SELECT count(*) FROM sqlite_sequence WHERE name = 'counted' AND seq = 9007199254740993",
        [
            "CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, v)",
            "INSERT INTO counted VALUES (1, 'a'), (9007199254740993, 'b')",
            "DELETE FROM counted WHERE v = 'b'",
        ],
    ),
)
