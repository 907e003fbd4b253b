"""The checks over what a whole run leaves of the worked example, in its real, constrained tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from migrate.postgres.embedded import EmbeddedServer
from migrate.source.sample.target import seed_target
from tests.mappers.studio.runner import EXAMPLE, SCHEMA, legacy_file
from tests.tools.commands import migrate
from verification import check_names

#: What the module's fixtures make is made once, for one process that runs all of its tests.
pytestmark = pytest.mark.xdist_group("verified example")


@dataclass
class Published:
    """A finished run, whose live rows can be spoilt."""

    work: Path
    url: str

    def settings(self) -> dict[str, str]:
        return {
            "MIGRATE__SOURCE__URL": str(self.work.parent / "legacy.db"),
            "MIGRATE__TARGET__URL": self.url,
            "MIGRATE__VERIFICATION__MAX_REJECT_SHARE": "1",
        }

    def failed(self, *words: str) -> dict[str, list[dict[str, Any]]]:
        """Check the live rows; return the findings of each check that failed."""
        done = migrate(
            "verify", "--published", *words, "--work", str(self.work), code=None, **self.settings()
        )
        report = json.loads((self.work / "checks.json").read_text())
        failed = {check["name"]: check["findings"] for check in report["checks"] if not check["passed"]}
        assert done.code == (1 if failed else 0), done.err
        assert "example.com" not in done.out + done.err
        return failed


@pytest.fixture(scope="module")
def finished(postgres: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    folder = tmp_path_factory.mktemp("example")
    legacy_file(folder / "legacy.db", SCHEMA, EXAMPLE)
    name = "verification_example"
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    with psycopg.connect(postgres.url(name)) as connection:
        seed_target(connection)
    made = Published(folder / "work", postgres.url(name))
    migrate("run", "--work", str(made.work), "--yes", **made.settings())
    yield made
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def published(finished: Published) -> Iterator[Published]:
    """The finished run; what the test changed in the live rows is taken back."""
    tables = ("messages", "studio_services", "user_connections", "users")
    with psycopg.connect(finished.url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        for table in tables:
            kept = sql.Identifier("migrate_ledger", f"kept_{table}")
            connection.execute(sql.SQL("CREATE TABLE {} AS TABLE {}").format(kept, sql.Identifier(table)))
        yield finished
        for table in tables:
            kept, live = sql.Identifier("migrate_ledger", f"kept_{table}"), sql.Identifier(table)
            connection.execute(sql.SQL("DELETE FROM {}").format(live))
            connection.execute(sql.SQL("INSERT INTO {} TABLE {}").format(live, kept))
            connection.execute(sql.SQL("DROP TABLE {}").format(kept))


def _spoil(published: Published, statement: str) -> None:
    with psycopg.connect(published.url, options="-c session_replication_role=replica") as connection:
        assert connection.execute(statement).rowcount == 1  # type: ignore[call-overload]


def test_the_worked_example_passes_every_check_cell_by_cell(published: Published) -> None:
    assert published.failed("--deep") == {}
    report = json.loads((published.work / "checks.json").read_text())
    ran = [check["name"] for check in report["checks"]]
    of_described_mappings = ("cells", "keys_mapped", "hidden_ids", "keyless")
    assert ran == [name for name in check_names() if name not in ("urls_answer", *of_described_mappings)]
    # The rows of now may be the application's: the sums are those of the staged ones.
    (without,) = (check["name"] for check in report["checks"] if not check["applies"])
    assert without == "staged_rows"
    assert all(check["looked_at"] for check in report["checks"] if check["applies"])


def test_a_live_message_that_vanished_is_missed_twice(published: Published) -> None:
    _spoil(published, "DELETE FROM messages WHERE content = 'note to self'")
    failed = published.failed()
    assert set(failed) == {"reconciliation", "ids_derived", "message_counts"}
    (lost,) = failed["reconciliation"]
    assert (lost["table"], lost["key"]) == ("shows_messages", "3")
    assert {finding["column"] for finding in failed["message_counts"]} == {"sender_id", "receiver_id"}


def test_a_connection_in_one_direction_is_caught(published: Published) -> None:
    _spoil(
        published,
        "DELETE FROM user_connections WHERE ctid = (SELECT min(ctid) FROM user_connections WHERE accepted)",
    )
    assert "connections" in published.failed()


def test_a_changed_word_is_found_by_comparing_every_cell(published: Published) -> None:
    _spoil(published, "UPDATE messages SET content = 'dee was never here' WHERE content LIKE 'dee was%'")
    assert published.failed() == {}
    (finding,) = published.failed("--deep")["deep"]
    assert (finding["table"], finding["column"]) == ("messages", "content")


def test_a_service_that_no_studio_offers_is_found_by_comparing_every_cell(published: Published) -> None:
    _spoil(published, "UPDATE studio_services SET service = 'SKYPE' WHERE service = 'CLEANFEED'")
    assert list(published.failed("--deep")) == ["deep"]


def test_a_user_who_vanished_leaves_dangling_keys(published: Published) -> None:
    _spoil(published, "DELETE FROM users WHERE email = 'gus@example.net'")
    assert {"reconciliation", "dangling_keys", "ids_mapped", "live_ends"} <= set(published.failed())
