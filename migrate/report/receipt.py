"""The receipt of a run: what was read, what was written and what proved it, as a chain of digests.

A link's digest is the SHA-256 of the digest before it and the link's own canonical JSON. So no link can be
changed, left out or moved without breaking all that follow. The last digest is the seal: if it is written
down elsewhere, it proves the whole file. It holds no personal data, only names, counts and digests.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from psycopg import sql

from migrate.pipeline.context import RunContext
from migrate.pipeline.plan.plan_file import FILE as PLAN
from migrate.pipeline.stages.verify import REPORT
from migrate.pipeline.summary.summary import Summary
from migrate.postgres.connection import translate_errors
from migrate.publish.backup_store import find
from migrate.runtime import files
from migrate.runtime.amount import amount
from migrate.runtime.errors import CheckError, StateMismatch, UsageError
from migrate.staging import ledger_queries

FILE: Final = "receipt.json"
VERSION: Final = 1
_START: Final = "0" * 64


@dataclass(frozen=True)
class Link:
    """One part of the receipt, with the digest over it and all before it."""

    name: str
    facts: Any
    digest: str


@dataclass(frozen=True)
class Receipt:
    """The links in order."""

    run: str
    links: tuple[Link, ...]

    @property
    def seal(self) -> str:
        """Return the digest over all of it."""
        return self.links[-1].digest if self.links else _START

    def facts(self) -> dict[str, Any]:
        """Return the receipt as a JSON document."""
        links = [asdict(link) for link in self.links]
        return {"version": VERSION, "run": self.run, "links": links, "seal": self.seal}

    def of(self, name: str) -> Any:
        """Return the facts of a link. Raises KeyError if there is none."""
        return {link.name: link.facts for link in self.links}[name]


def chain(run: str, parts: Sequence[tuple[str, Any]]) -> Receipt:
    """Return the receipt of these named facts, which must be JSON."""
    links: list[Link] = []
    digest = _START
    for name, facts in parts:
        digest = _digest(digest, name, facts)
        links.append(Link(name, facts, digest))
    return Receipt(run, tuple(links))


def _digest(before: str, name: str, facts: Any) -> str:
    text = json.dumps([name, facts], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{before}\n{text}".encode()).hexdigest()


def read_receipt(path: Path) -> Receipt:
    """Return the receipt in a file. Raises UsageError if it cannot be read or is not one."""
    try:
        document = json.loads(path.read_bytes())
        links = tuple(Link(**link) for link in document["links"])
        version, run, seal = document["version"], document["run"], document["seal"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path} is not a receipt, or is damaged", hint="give the file receipt.json of a run"
        ) from error
    if version != VERSION:
        raise UsageError(f"{path} is a receipt of version {version}; this program reads {VERSION}")
    receipt = Receipt(run, links)
    if seal != receipt.seal:
        raise CheckError(f"{path}: the seal does not match the last part", hint=_ALTERED)
    return receipt


_ALTERED: Final = "the file was changed or is damaged; use a copy of the file that the run wrote"


def check_receipt(receipt: Receipt) -> list[str]:
    """Return what was checked and is right, in words.

    Raises CheckError with the first link whose digest does not fit, or the numbers that contradict each
    other.
    """
    for link, made in zip(
        receipt.links,
        chain(receipt.run, [(link.name, link.facts) for link in receipt.links]).links,
        strict=True,
    ):
        if link.digest != made.digest:
            raise CheckError(f"the part `{link.name}` does not match its digest", hint=_ALTERED)
    confirmed = [f"{len(receipt.links)} parts match their digests"]
    rows = receipt.of("rows")
    for table, fates in rows.items():
        total = sum(fates[fate] for fate in ("migrated", "merged", "rejected", "excluded"))
        if total != fates["rows"]:
            raise CheckError(
                f"the outcomes of {table} add up to {total:,}, but it has {amount(fates['rows'], 'row')}",
                hint=_ALTERED,
            )
    confirmed.append(f"every row of {amount(len(rows), 'source table')} has one outcome")
    checks = receipt.of("checks")
    failed = [name for name, check in checks.items() if not check["passed"]]
    if failed:
        raise CheckError(f"the receipt lists failed checks: {', '.join(failed)}")
    confirmed.append(f"{amount(len(checks), 'check')} passed")
    return confirmed


def make_receipt(run: RunContext, summary: Summary) -> Receipt:
    """Return the receipt of a run that is published or rolled back, from its evidence.

    Raises StateMismatch if a part of the evidence is missing.
    """
    return chain(
        run.id,
        [
            ("code", {"version": run.state.document.code, "run": run.id}),
            ("plan", _document(run.work / PLAN)),
            ("configuration", run.state.document.binding),
            ("source", _stage(run, "snapshot")),
            ("backup", _backup(run)),
            ("batches", _batches(run)),
            ("rows", _rows(summary)),
            ("checks", _checks(run)),
            ("publications", _publications(run)),
        ],
    )


def keep(receipt: Receipt, work: Path) -> Path:
    """Write the receipt to the work folder and return its path."""
    path = work / FILE
    with files.write_atomically(path) as file:
        file.write(json.dumps(receipt.facts(), indent=1).encode())
    return path


def add_publications(run: RunContext) -> None:
    """Update the last link of the stored receipt after a rollback; does nothing if there is none."""
    path = run.work / FILE
    if not path.exists():
        return
    receipt = read_receipt(path)
    parts = [(link.name, link.facts) for link in receipt.links if link.name != "publications"]
    keep(chain(receipt.run, [*parts, ("publications", _publications(run))]), run.work)


def _document(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise StateMismatch(
            f"{path} is missing or damaged, but the receipt needs it",
            hint="restore it from a copy; the rows are published in any case",
        ) from error


def _stage(run: RunContext, name: str) -> dict[str, Any]:
    record = run.state.stage(name)
    if record is None:
        return {}
    files_left = {key: artifact.model_dump() for key, artifact in record.artifacts.items()}
    return {"facts": record.facts, "files": files_left}


def _backup(run: RunContext) -> dict[str, Any]:
    published = ledger_queries.publication_of(run.connection, run.ledger, run.id)
    digest = published.backup_digest if published else None
    if digest is None:
        return {}
    manifest = find(run.work, digest).manifest
    return {
        "sha256": manifest.sha256,
        "tables": {name: [part.rows, part.checksum] for name, part in manifest.tables.items()},
    }


def _batches(run: RunContext) -> dict[str, Any]:
    query = sql.SQL(
        "SELECT mapper, count(*), sum(source_rows)::bigint, encode(sha256(string_agg("
        "concat_ws(' ', number, first, last, source_rows, target_rows::text), E'\\n' ORDER BY number)"
        "::bytea), 'hex') FROM {} WHERE run_id = %s GROUP BY mapper ORDER BY mapper"
    ).format(run.ledger.name("batch"))
    with translate_errors("reading the batches"):
        rows = run.connection.execute(query, (run.id,)).fetchall()
    return {name: {"batches": n, "source_rows": total, "sha256": digest} for name, n, total, digest in rows}


def _rows(summary: Summary) -> dict[str, Mapping[str, int]]:
    return {
        flow.table: {
            "rows": flow.rows,
            "migrated": flow.migrated,
            "merged": sum(flow.merged.values()),
            "rejected": sum(flow.rejected.values()),
            "excluded": sum(flow.excluded.values()),
        }
        for flow in summary.flows
    }


def _checks(run: RunContext) -> dict[str, Any]:
    report = _document(run.work / REPORT)
    return {
        result["name"]: {"passed": result["passed"], "looked_at": result["looked_at"]}
        for result in report["checks"]
        if result["applies"]
    }


def _publications(run: RunContext) -> list[dict[str, Any]]:
    return [
        {"id": one.id, "run": one.run_id, "kind": one.kind, "at": one.at, "backup_sha256": one.backup_digest,
         "tables": {name: [content.rows, content.checksum] for name, content in one.tables.items()}}
        for one in ledger_queries.publications(run.connection, run.ledger, run.id)
    ]  # fmt: skip
