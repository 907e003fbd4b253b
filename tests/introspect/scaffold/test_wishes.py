"""The options of `migrate init`: keys that stay, other names, tables that are left out."""

from __future__ import annotations

import pytest

from migrate.introspect.profile import Inspection
from migrate.introspect.scaffold import Draft, make_draft
from migrate.introspect.scaffold.choices.choices import Choices
from migrate.introspect.scaffold.choices.wishes import read_wishes
from migrate.introspect.scaffold.ddl import write_ddl
from migrate.introspect.scaffold.prisma_schema import write_schema
from migrate.runtime.errors import UsageError
from tests.introspect.profile.sources import inspect_script
from tests.introspect.scaffold.sources import line

SOURCE = """
CREATE TABLE users (id INTEGER PRIMARY KEY, mail TEXT NOT NULL);
CREATE TABLE teams (id INTEGER PRIMARY KEY, owner_id INTEGER NOT NULL REFERENCES users);
CREATE TABLE log (line TEXT);
CREATE TABLE teams_backup AS SELECT * FROM teams;
INSERT INTO users VALUES (4, 'a@example.org');
INSERT INTO teams VALUES (2, 4);
INSERT INTO log VALUES ('x');
"""


@pytest.fixture(scope="module")
def inspection(tmp_path_factory: pytest.TempPathFactory) -> Inspection:
    return inspect_script(tmp_path_factory.mktemp("wishes"), SOURCE)


def draft(inspection: Inspection, **options: tuple[str, ...]) -> Draft:
    return make_draft(inspection, choices=Choices(wishes=read_wishes(inspection, **options)))


def test_tables_and_columns_get_the_names_that_are_asked_for(inspection: Inspection) -> None:
    found = draft(inspection, renames=("teams=Workspace", "users.mail=email"))
    assert [model.name for model in found.models] == ["Log", "Workspace", "User"]
    assert 'REFERENCES "users"' in write_ddl(found)
    assert line(found, "users", "mail").options["to"] == "email"
    assert "  email      String      // from mail\n" in write_schema(found)
    assert '@@map("Workspace")' not in write_schema(found)


def test_keys_stay_and_count_on_for_all_tables_or_for_one(inspection: Inspection) -> None:
    of_one = draft(inspection, ids=("users=keep",))
    assert [one.options.get("ids") for one in of_one.sections] == ["cuid", "cuid", None, "keep"]
    assert '"owner_id" INTEGER NOT NULL' in write_ddl(of_one)
    of_all = draft(inspection, ids=("keep", "teams=cuid"))
    assert [one.options.get("ids") for one in of_all.sections] == ["keep", "cuid", None, "keep"]
    assert '"id" SERIAL NOT NULL' in write_ddl(of_all)


def test_tables_are_left_out_or_taken_by_name(inspection: Inspection) -> None:
    without = {
        one.source: one.options.get("left_out") for one in draft(inspection, left_out=("log",)).sections
    }
    assert without["log"] == "left out by --leave-out"
    only = draft(inspection, only=("teams", "teams_backup"))
    assert [one.source for one in only.sections if one.migrated] == ["teams", "teams_backup"]
    assert {one.source: one.options.get("left_out") for one in only.sections}[
        "users"
    ] == "not named by --only"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"renames": ("temas=Workspace",)}, "the source has no table temas; did you mean teams?"),
        ({"renames": ("users.mial=email",)}, "users has no column mial; did you mean mail?"),
        ({"renames": ("users",)}, "write OLD=New"),
        ({"renames": ("users=A", "teams=A")}, "two tables the name A"),
        ({"ids": ("users=kep",)}, "write keep, cuid, or TABLE=keep; did you mean keep?"),
        ({"only": ("user",)}, "the source has no table user; did you mean users?"),
        ({"left_out": ("log",), "renames": ("log=Line",)}, "log is left out by --leave-out, but"),
    ],
)
def test_what_names_nothing_is_said_with_the_nearest_name(
    inspection: Inspection, options: dict[str, tuple[str, ...]], said: str
) -> None:
    with pytest.raises(UsageError, match=said.replace("?", r"\?")):
        read_wishes(inspection, **options)
