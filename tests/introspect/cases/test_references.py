"""References of databases that were not designed here: each leads to the row that it led to, or is marked."""

from __future__ import annotations

import pytest

from tests.e2e.prisma_engine.prisma import Engine, engine  # noqa: F401  (a fixture)
from tests.introspect.cases.conftest import MakeCase
from tests.introspect.cases.migrated import Migrated, require_green
from tests.introspect.cases.outcomes import foreseen, happened


@pytest.fixture(scope="module")
def keys(migrated: MakeCase) -> Migrated:
    return require_green(migrated("references/keys.sql"))


@pytest.fixture(scope="module")
def pairs(migrated: MakeCase) -> Migrated:
    return require_green(migrated("references/pairs.sql"))


@pytest.fixture(scope="module")
def scripts(migrated: MakeCase) -> Migrated:
    return require_green(migrated("references/scripts.sql"))


@pytest.fixture(scope="module")
def named(migrated: MakeCase) -> Migrated:
    return require_green(migrated("references/names.sql"))


def test_prismas_tables_between_two_models_hold_their_pairs(keys: Migrated) -> None:
    assert keys.types("_PostToTag") == {"A": "text", "B": "text"}
    assert keys.query(
        'SELECT p.title, t.name FROM "_PostToTag" x JOIN "Post" p ON p.id = x."A"'
        ' JOIN "Tag" t ON t.id = x."B" ORDER BY 1, 2'
    ) == [("p", "t"), ("q", "t"), ("q", "u")]
    assert keys.query(
        'SELECT a.name, b.name FROM "_Related" x JOIN "Tag" a ON a.id = x."A" JOIN "Tag" b ON b.id = x."B"'
    ) == [("t", "u")]
    assert keys.query(
        'SELECT c.name, p.title FROM "_CityToPost" x JOIN "City" c ON c.id = x."A"'
        ' JOIN "Post" p ON p.id = x."B" ORDER BY 1'
    ) == [("c", "p"), ("d", "q")]
    assert keys.field("Post", "tags") == 'tags Tag[] @relation("PostToTag")'
    assert keys.field("Tag", "tags") == 'tags Tag[] @relation("Related")'


def test_a_key_that_is_another_tables_says_nothing_of_other_tables(keys: Migrated) -> None:
    ids = {kind: set(keys.column(kind, "id")) for kind in ("party", "person", "doctor", "invoice", "line")}
    assert ids["doctor"] < ids["person"] < ids["party"]
    assert not ids["party"] & (ids["invoice"] | ids["line"])
    assert keys.mapping["invoice"]["columns"]["id"] == {"to": "id", "as": "id"}
    assert "@default(cuid())" in keys.field("Invoice", "id")
    assert keys.query(
        "SELECT l.what, i.total FROM line l JOIN invoice i ON i.id = l.invoice_id ORDER BY 1"
    ) == [("a", 500), ("b", 500), ("c", 700)]


def test_a_row_above_is_one_of_the_same_table(keys: Migrated) -> None:
    assert keys.query(
        "SELECT c.name, p.name FROM categories c JOIN categories p ON p.id = c.parent_id ORDER BY 1"
    ) == [("y", "x"), ("z", "y")]
    assert keys.mapping["folders"]["columns"]["root_id"]["of"] == "comments"


def test_id_may_stand_before_the_name_of_a_table(keys: Migrated) -> None:
    rows = keys.query("SELECT c.nome FROM pedido p JOIN cliente c ON c.id = p.id_cliente ORDER BY 1")
    assert rows == [("k",), ("l",)]
    assert keys.field("Pedido", "cliente").startswith("cliente Cliente?")
    assert keys.marked("pedido", "id_estado")
    assert keys.column("pedido", "id_estado") == [30, 31]


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ("narrow", "(a) to comp (a, b) is malformed, it has 1 of the 2 columns of that key"),
        ("wide", "(a, b) to invoice (id) is malformed, it has 2 of the 1 column of that key"),
        ("kid", "(a) to nokey is malformed, nokey has no primary key"),
        ("lost", "(a) to invoice (number) is malformed, invoice has no column number"),
    ],
)
def test_a_malformed_foreign_key_is_reported_and_not_carried(keys: Migrated, table: str, why: str) -> None:
    assert f"# (!) foreign key {why}: not carried" in keys.section(table)
    assert len(keys.rows(table)) == 1
    rules = keys.query(
        f"SELECT conname FROM pg_constraint WHERE contype = 'f' AND conrelid = '{table}'::regclass"
    )
    assert rules == ([("lost_invoice_id_fkey",)] if table == "lost" else [])


def test_what_a_malformed_foreign_key_holds_is_still_followed_by_its_name(keys: Migrated) -> None:
    assert keys.query("SELECT i.total FROM lost l JOIN invoice i ON i.id = l.invoice_id") == [(700,)]


PAIRS = [
    ("taggables", "taggable_type", "taggable_id", "App\\Models\\Post", "posts", "title", ["a"]),
    ("taggables", "taggable_type", "taggable_id", "App\\Models\\Video", "videos", "title", ["b"]),
    ("taggables", "taggable_type", "taggable_id", "Admin::User", "admin_users", "name", ["s"]),
    ("files_related_morphs", "related_type", "related_id", "api::article.article", "articles", "title",
     ["a", "b"]),
    ("files_related_morphs", "related_type", "related_id", "plugin::users-permissions.user", "users", "name",
     ["u"]),
    ("directus_activity", "collection", "item", "articles", "articles", "title", ["a"]),
    ("directus_activity", "collection", "item", "posts", "posts", "title", ["b"]),
    ("favorites", "target_type", "target_id", "client", "users", "name", ["u"]),
    ("favorites", "target_type", "target_id", "freelancer", "users", "name", ["v"]),
    ("queue", "item_type", "item_id", "posts", "posts", "title", ["b"]),
    ("queue", "item_type", "item_id", "item", "items", "name", ["i"]),
    ("audit", "table_name", "record_id", "posts", "posts", "title", ["a"]),
    ("audit", "table_name", "record_id", "users", "users", "name", ["w"]),
]  # fmt: skip


@pytest.mark.parametrize(("table", "kind", "ident", "word", "parent", "shown", "expected"), PAIRS)
def test_a_pair_leads_to_the_row_that_it_led_to(
    pairs: Migrated,
    table: str,
    kind: str,
    ident: str,
    word: str,
    parent: str,
    shown: str,
    expected: list[str],
) -> None:
    rows = pairs.query(
        f"SELECT p.{shown} FROM {table} t JOIN {parent} p ON p.id = t.{ident} WHERE t.{kind} = '{word}'"
        " ORDER BY 1"
    )
    assert [row[0] for row in rows] == expected


def test_djangos_content_types_name_tables(pairs: Migrated) -> None:
    rows = pairs.query("SELECT e.body FROM blog_like l JOIN blog_entry e ON e.id = l.object_id ORDER BY 1")
    assert rows == [("x",), ("y",)]
    assert pairs.query("SELECT u.name FROM blog_like l JOIN users u ON u.id = l.object_id") == [("w",)]


def test_a_pair_names_the_words_that_mean_no_table_and_calls_none_of_them_dangling(pairs: Migrated) -> None:
    assert "(!) INTEGER, not null: integer_id; 'moon': no table was found, kept as they are: 1" in pairs.line(
        "favorites", "target_id"
    )
    assert "'App\\\\Gone': no table was found" in pairs.line("taggables", "taggable_id")
    assert "refer to no row, kept as they are: 1" in pairs.line("directus_activity", "item")
    assert not pairs.marked("blog_like", "object_id")


def test_an_integer_id_that_no_table_was_found_for_is_marked(pairs: Migrated) -> None:
    for table, column in (("ratings", "subject_id"), ("files_related_morphs", "file_id"), ("audit", "by")):
        assert "reads as an id and refers to no table that was found" in pairs.line(table, column)
        assert pairs.marked(table, column)
    assert pairs.column("ratings", "subject_id") == [1, 2]


def test_a_table_is_left_out_for_no_script_of_its_name(scripts: Migrated) -> None:
    assert len(scripts.mapping) == 12
    assert all("target" in table for table in scripts.mapping.values())


SCRIPTS = [
    ("заказы", "город_id", "города", "имя", ["да", "нет"]),
    ("заказы", "цвет_id", "цвета", "имя", ["да", "нет"]),
    ("订单", "用户ID", "用户", "姓名", ["乙"]),
    ("メモ", "ユーザー_id", "ユーザー", "なまえ", ["い"]),
    ("Œuvres", "catégorie_id", "Catégories", "libellé", ["è"]),
]


@pytest.mark.parametrize(("table", "column", "parent", "shown", "expected"), SCRIPTS)
def test_a_reference_is_found_by_its_name_in_any_script(
    scripts: Migrated, table: str, column: str, parent: str, shown: str, expected: list[str]
) -> None:
    rows = scripts.query(f'SELECT p."{shown}" FROM "{table}" t JOIN "{parent}" p ON p.id = t."{column}"')
    assert sorted(row[0] for row in rows) == expected


def test_prisma_gets_ascii_names(scripts: Migrated) -> None:
    assert scripts.text("schema.prisma").count("\nmodel ") == 12
    assert scripts.field("Zakazy", "gorodId") == 'gorodId String? @map("город_id")'
    assert scripts.field("Zakazy", "gorod").startswith("gorod Goroda? @relation(")
    assert '@@map("заказы")' in scripts.text("schema.prisma")
    assert scripts.field("Category", "libelle") == 'libelle String? @map("libellé")'
    assert scripts.field("Memo", "yuzaId") == 'yuzaId String? @map("ユーザー_id")'
    assert 'fieldId     String @map("用户ID")' in scripts.text("schema.prisma")
    assert scripts.marked("заказы", "лицо_id")


NAMED = [
    ("emp", "dept_no", "dept"),
    ("emp", "parent", "emp"),
    ("emp", "reply_to", "emp"),
    ("emp", "userid", "users"),
    ("node", "uid", "users"),
    ("node_body", "nid", "node"),
    ("订单", "用户编号", "用户"),
    ("sales", "shop", "shops"),
]


@pytest.mark.parametrize(("table", "column", "parent"), NAMED)
def test_a_name_that_means_a_table_leads_there_unmarked(
    named: Migrated, table: str, column: str, parent: str
) -> None:
    line = named.mapping[table]["columns"][column]
    assert (line["as"], line["of"]) == ("reference", parent)
    assert not named.marked(table, column)


def test_a_number_that_is_called_as_a_table_is_marked(named: Migrated) -> None:
    assert named.mapping["users"]["columns"]["group"]["of"] == "groups"
    assert "perhaps no id of groups" in named.line("users", "group")
    assert named.mapping["groups"]["columns"]["order"]["as"] == "integer"
    assert named.mapping["order_items"]["columns"]["item_id"]["as"] == "integer"
    assert named.marked("order_items", "item_id")
    assert "no id" not in named.line("users", "valid")


def test_a_type_is_found_by_the_name_that_it_shares_with_its_id(named: Migrated) -> None:
    columns = named.mapping["groups_cmps"]["columns"]
    assert columns["cmp_id"]["of"] == {"shared.seo": "components_shared_seos"}
    assert named.mapping["likes"]["columns"]["likeable_id"]["of"] == {"groups": "groups", "node": "node"}


def test_a_key_without_a_letter_is_one(named: Migrated) -> None:
    assert named.column("sales", "shop") == ["", "a"]
    assert named.rows("a.b, c", "d.e", "f]g", "h'i", "j\\k") == [("a", "b", "c", "d")]


def test_ids_in_paths_are_marked_with_the_pattern_that_maps_them(named: Migrated) -> None:
    reported = 'to map them: ids = [{ pattern = "/orders/{id}", of = "orders" }]'
    assert reported in named.line("notes", "href")
    assert named.marked("notes", "href")
    assert not named.marked("notes", "body")


def test_prismas_engine_makes_the_same_tables_of_every_schema(
    keys: Migrated,
    pairs: Migrated,
    scripts: Migrated,
    named: Migrated,
    engine: Engine,  # noqa: F811
) -> None:
    cases = (keys, pairs, scripts, named)
    made = engine(*(case.text("schema.prisma") for case in cases))
    assert made == [case.text("init.sql").partition("\n\n")[2] for case in cases]


BYTES = """
    CREATE TABLE parts (id BLOB PRIMARY KEY, whole BLOB REFERENCES parts (id), name TEXT);
    INSERT INTO parts VALUES (x'0011aaff', NULL, 'a'), (x'0011aa00', x'0011aaff', 'b'), ('text', x'99', 'c');
    CREATE TABLE uses (id INTEGER PRIMARY KEY, part BLOB NOT NULL UNIQUE REFERENCES parts (id));
    INSERT INTO uses VALUES (1, x'0011aa00'), (2, 'text');
    CREATE TABLE joined (a BLOB NOT NULL REFERENCES parts (id), b BLOB NOT NULL REFERENCES parts (id),
                         PRIMARY KEY (a, b)) WITHOUT ROWID;
    INSERT INTO joined VALUES (x'0011aa00', x'0011aaff');
"""


def test_keys_of_bytes_are_kept_and_referred_to(migrated: MakeCase) -> None:
    done = migrated(script=BYTES)
    assert (done.init.code, done.run.code) == (0, 0), done.run.err
    first, second = bytes.fromhex("0011aaff"), bytes.fromhex("0011aa00")
    assert set(done.rows("parts", "id", "whole")) == {(first, None), (second, first), (b"text", None)}
    assert {part for (part,) in done.rows("uses", "part")} == {second, b"text"}
    assert done.rows("joined", "a", "b") == [(second, first)]
    assert foreseen(done.init.document["forecast"]) == happened(done.url, done.run.document["changed"])


def test_ids_that_a_key_next_to_them_explains_and_lists_of_numbers_are_marked(pairs: Migrated) -> None:
    rich = pairs.line("blocks", "rich")
    assert "(!)" in rich
    assert "ids of posts, named by relationTo (json $.root[*].value), stay the legacy ids: 1" in rich
    assert "ids of users, named by relationTo (json $.root[*].value), stay the legacy ids: 1" in rich
    assert 'as = "references", of = "users", dangling = "keep", separator = ";"' in pairs.line(
        "blocks", "watchers"
    )
    assert not pairs.marked("blocks", "sizes")


def test_a_list_of_ids_with_any_separator_is_mapped_if_its_name_says_so(pairs: Migrated) -> None:
    assert pairs.mapping["blocks"]["columns"]["user_ids"]["separator"] == "|"
    ids = dict(pairs.rows("users", "name", "id"))
    assert pairs.column("blocks", "user_ids") == sorted([f"{ids['u']}|{ids['w']}", ids["v"]])


def test_a_column_without_a_value_is_marked_if_only_its_name_decided(pairs: Migrated) -> None:
    for column in ("foo_id", "deleted_at", "seen_at"):
        assert pairs.marked("blocks", column), column
