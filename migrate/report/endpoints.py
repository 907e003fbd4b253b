"""Facts about source and target, and how ids are made."""

from __future__ import annotations

from typing import Any

from migrate.pipeline.state import Document
from migrate.report.report_facts import Fact
from migrate.runtime.amount import amount


def source(document: Document, snapshot: dict[str, Any]) -> tuple[Fact, ...]:
    """Return what identifies the source and its snapshot."""
    facts = [Fact("source", str(document.binding.get("source", "unknown")))]
    if snapshot:
        facts += [
            Fact("SQLite", str(snapshot["version"])),
            Fact("tables", f"{len(snapshot['tables']):,}"),
            Fact("rows", f"{snapshot['rows']:,}"),
            Fact("bytes received", f"{snapshot['bytes']:,}"),
            Fact("rows billed", f"{snapshot['rows_read']:,}"),
            Fact("times read", f"{snapshot['passes']:,}"),
            Fact("snapshot SHA-256", str(snapshot["sha256"]), exact=True),
        ]
        if snapshot["mark"]:
            facts.append(Fact("version of the source", str(snapshot["mark"]), exact=True))
        facts += [Fact(f"not copied: {left['name']}", str(left["reason"])) for left in snapshot["left_out"]]
    return tuple(facts)


def target(document: Document, counted: dict[str, Any], receipt: dict[str, Any]) -> tuple[Fact, ...]:
    """Return what identifies the target, its backup, its publication and the receipt of the run."""
    facts = [
        Fact("target", str(document.binding.get("target", "unknown"))),
        Fact("schema", str(document.binding.get("schema", "unknown"))),
    ]
    if counted:
        facts.append(Fact("PostgreSQL", str(counted["server"])))
    backup = document.stages.get("backup")
    if backup is not None and backup.facts:
        proof = (
            "the test restore gave the same rows"
            if backup.facts["proven"]
            else "the test restore did NOT give the same rows"
        )
        facts += [
            Fact("backup", f"{amount(backup.facts['rows'], 'row')} in {backup.facts['folder']}, {proof}"),
            Fact("dump SHA-256", str(backup.facts["dump"]), exact=True),
        ]
    if document.publication is not None:
        facts.append(Fact("publication", f"number {document.publication} in the ledger"))
    if receipt.get("run") == document.run_id:
        facts.append(Fact("seal of the receipt", str(receipt["seal"]), exact=True))
    return tuple(facts)


def ids(document: Document, counted: dict[str, Any]) -> tuple[Fact, ...]:
    """Return how new ids are made, and where legacy ids can be looked up."""
    mark = document.binding.get("ids.secret", "kept")
    secret = (
        "made by the first run, stored in the target's ledger"
        if mark == "kept"
        else f"from the configuration; fingerprint {mark}"
    )
    derived = [name for name in counted.get("filled", ()) if name not in counted["legacy_keys"]]
    if counted and not derived:
        return (Fact("ids", "all keys are kept as they were; no id is made anew"),)
    facts = [
        Fact("new ids", "c and 24 characters, made with HMAC-SHA-256 from entity, legacy id and id secret"),
        Fact("id secret", secret),
    ]
    if counted:
        facts.insert(0, Fact("new ids in", ", ".join(derived)))
        ledger = document.binding.get("ledger_schema", "migrate_ledger")
        facts.append(Fact("id map", f"{ledger}.id_map holds " + (", ".join(counted["mapped"]) or "nothing")))
        if counted["legacy_keys"]:
            facts.append(Fact("keys kept as they were", ", ".join(counted["legacy_keys"])))
    return tuple(facts)
