"""The receipt of a run: it says what happened, and no part of it can be altered unnoticed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from migrate.report.receipt import Link, Receipt, check_receipt
from migrate.runtime import files
from migrate.runtime.errors import CheckError
from migrate.source.sample.target import seed_target
from tests.tools.commands import migrate, query

#: What the module's fixtures make is made once, for one process that runs all of its tests.
pytestmark = pytest.mark.xdist_group("receipt")

SMALL = {"MIGRATE__SAMPLE__SCALE": "0.02", "MIGRATE__IDS__SECRET": "an id secret of the tests"}


@pytest.fixture(scope="module")
def done(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A work folder and the URL of the database that was published to."""
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute("CREATE DATABASE receipts")
    url = postgres.url("receipts")
    with psycopg.connect(url, autocommit=True) as connection:
        seed_target(connection)
    work = tmp_path_factory.mktemp("receipt") / "work"
    migrate("run", "--work", str(work), "--yes", **SMALL, MIGRATE__TARGET__URL=url)
    return work, url


def test_it_names_what_went_in_what_came_out_and_what_proved_it(done: tuple[Path, str]) -> None:
    work, url = done
    receipt = json.loads((work / "receipt.json").read_text())
    links = {link["name"]: link["facts"] for link in receipt["links"]}
    assert tuple(links) == LINKS
    assert links["source"]["files"]["snapshot"]["sha256"] == files.digest_file(work / "snapshot.db")
    [publication] = links["publications"]
    assert publication["backup_sha256"] == links["backup"]["sha256"]
    assert publication["tables"]["users"][0] == query(url, "SELECT count(*) FROM users")[0][0]
    batches = query(url, "SELECT count(*), sum(source_rows)::bigint FROM migrate_ledger.batch")
    kept = links["batches"].values()
    assert batches == [(sum(one["batches"] for one in kept), sum(one["source_rows"] for one in kept))]
    assert SMALL["MIGRATE__IDS__SECRET"] not in json.dumps(receipt)
    said = migrate("receipt", str(work / "receipt.json"), "--seal", receipt["seal"]).out
    assert "is whole" in said
    assert receipt["seal"] in said


def _of(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda receipt: next(link for link in receipt["links"] if link["name"] == name)


def alter_rows(receipt: dict[str, Any]) -> None:
    next(iter(_of("rows")(receipt)["facts"].values()))["migrated"] += 1


def alter_check(receipt: dict[str, Any]) -> None:
    next(iter(_of("checks")(receipt)["facts"].values()))["passed"] = False


def drop_link(receipt: dict[str, Any]) -> None:
    receipt["links"].remove(_of("backup")(receipt))


def swap_links(receipt: dict[str, Any]) -> None:
    receipt["links"][2], receipt["links"][3] = receipt["links"][3], receipt["links"][2]


def alter_seal(receipt: dict[str, Any]) -> None:
    receipt["seal"] = "0" * 64


LINKS = ("code", "plan", "configuration", "source", "backup", "batches", "rows", "checks", "publications")


def altered(value: Any) -> Any:
    """Return `value` with its first leaf changed; an empty one gets one."""
    if isinstance(value, dict):
        name = next(iter(value), "added")
        return {**value, name: altered(value.get(name))}
    if isinstance(value, list):
        return [altered(value[0] if value else None), *value[1:]]
    return f"{value}x"


@pytest.mark.parametrize("part", ["facts", "digest", "name"])
@pytest.mark.parametrize("name", LINKS)
def test_no_part_of_any_link_can_be_altered(done: tuple[Path, str], name: str, part: str) -> None:
    document = json.loads((done[0] / "receipt.json").read_text())
    assert tuple(link["name"] for link in document["links"]) == LINKS
    link = _of(name)(document)
    link[part] = altered(link[part])
    links = tuple(Link(**one) for one in document["links"])
    with pytest.raises(CheckError, match="does not match its digest"):
        check_receipt(Receipt(document["run"], links))


@pytest.mark.parametrize("alter", [alter_rows, alter_check, drop_link, swap_links, alter_seal])
def test_what_was_altered_is_noticed(
    done: tuple[Path, str], tmp_path: Path, alter: Callable[[dict[str, Any]], None]
) -> None:
    receipt = json.loads((done[0] / "receipt.json").read_text())
    alter(receipt)
    (tmp_path / "receipt.json").write_text(json.dumps(receipt))
    said = migrate("receipt", str(tmp_path / "receipt.json"), code=1).err
    assert "does not match its digest" in said or "seal" in said


def test_the_seal_of_another_run_is_refused(done: tuple[Path, str]) -> None:
    said = migrate("receipt", str(done[0] / "receipt.json"), "--seal", "0" * 64, code=1).err
    assert "not the given one" in said


def test_what_is_no_receipt_is_reported(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"version": 1}')
    assert "is not a receipt" in migrate("receipt", str(tmp_path / "x.json"), code=2).err
    assert "is not a receipt" in migrate("receipt", str(tmp_path / "missing.json"), code=2).err


def test_a_rollback_is_added_to_it(work: Path, database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        seed_target(connection)
    settings = {**SMALL, "MIGRATE__TARGET__URL": database}
    migrate("run", "--work", str(work), "--yes", **settings)
    before = json.loads((work / "receipt.json").read_text())
    migrate("rollback", "--work", str(work), "--yes", **settings)
    after = json.loads((work / "receipt.json").read_text())
    assert before["links"][:-1] == after["links"][:-1]
    assert [one["kind"] for one in after["links"][-1]["facts"]] == ["publish", "rollback"]
    migrate("receipt", str(work / "receipt.json"))
