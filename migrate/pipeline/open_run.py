"""Opens a run: the work folder, the target, the lock, the state; and compares them with each other."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cuid2

from backups.restore import drop_left
from migrate import __version__
from migrate.pipeline import refresh
from migrate.pipeline.context import RunContext
from migrate.pipeline.id_secret import NOTHING_KNOWN, KnownIds, known_ids, rule_of, secret_of
from migrate.pipeline.ids import HEX, Ids, make_secret
from migrate.pipeline.live_target import open_target
from migrate.pipeline.mapping import digests
from migrate.pipeline.resume import load_recorded, require_kind, require_ledger, require_same_run
from migrate.pipeline.run_mode import RunMode
from migrate.pipeline.state import ConfigRecord, State
from migrate.postgres import throwaway
from migrate.postgres.connection import Address, connect, translate_errors
from migrate.postgres.replication import require_unpublished
from migrate.publish import backup_store
from migrate.publish.early_build import EarlyBuild
from migrate.runtime import announce, files
from migrate.runtime.config import Config
from migrate.runtime.errors import StateMismatch
from migrate.runtime.failpoints import hit
from migrate.runtime.lockfile import lock_folder, lock_holder
from migrate.runtime.log import open_log
from migrate.runtime.progress import Reporter
from migrate.runtime.progress_file import WatchedReporter
from migrate.runtime.signals import stop_on_signals
from migrate.snapshot import crosswalk_file
from migrate.snapshot.manifest import PARTIAL_NAME, SNAPSHOT_NAME, remove_snapshot
from migrate.snapshot.previous import keep_snapshot, remove_previous
from migrate.source.configured import ConfiguredSource, any_source, configured_source
from migrate.staging import ledger_queries
from migrate.staging.ledger import Ledger


@contextlib.contextmanager
def open_run(
    config: Config,
    work: Path,
    report: Reporter,
    mode: RunMode = RunMode.START,
    *,
    discard_changes: bool = False,
) -> Iterator[RunContext]:
    """Yield the run of the work folder that `mode` asks for, with the target locked for it.

    `discard_changes`: a refresh may replace what the application has written. Raises AlreadyRunning if
    another run holds folder or target, StateMismatch if state file, ledger and configuration do not agree,
    LiveChanged if a refresh would lose rows.
    """
    with lock_folder(work), open_target(config, work) as target:
        find = any_source if mode is RunMode.ROLLBACK else configured_source
        source = find(config, work)
        known = known_ids(config, target, work)
        with hold_run(
            config, work, source, target.address, report, mode, known=known, embedded=target.embedded,
            discard_changes=discard_changes,
        ) as run:  # fmt: skip
            yield run


@contextlib.contextmanager
def hold_run(
    config: Config,
    work: Path,
    source: ConfiguredSource,
    address: Address,
    report: Reporter,
    mode: RunMode = RunMode.START,
    *,
    known: KnownIds = NOTHING_KNOWN,
    embedded: bool = False,
    discard_changes: bool = False,
) -> Iterator[RunContext]:
    """Yield the run of a folder on a given target, which is locked for it; see `open_run`.

    `known` is what a new run keeps of the ids, if it is known; `embedded` says that the target's server is
    ours.
    """
    files.make_folder(work)
    files.sweep_parts(work)
    throwaway.remove_left(work)
    if embedded:
        with backup_store.translate_errors():
            drop_left(address.conninfo)
    # What SQLite sorts on disk is personal data too: it stays in the work folder.
    os.environ["SQLITE_TMPDIR"] = str(work)
    with connect(address) as connection:
        ledger = Ledger(connection, config.target.ledger_schema)
        binding = bind(config, source, address, mode)
        state = _find_state(work, ledger, binding, mode)
        require_ledger(state, ledger)
        require_kind(state, ledger, source.label, mode)
        require_unpublished(connection, (ledger.schema, config.target.staging_schema))
        ledger.create()
        ledger.claim(address.schema)
        run_id = state.document.run_id if state else cuid2.Cuid().generate()
        ledger.take(run_id, lock_holder())
        hit("open:taken")
        if state is None:
            base = _find_refreshed(work, ledger, binding, mode, discard_changes=discard_changes)
            state = _begin(config, work, ledger, binding, known, run_id, base)
        else:
            require_same_run(state, binding, ledger, mode)
        with (
            contextlib.closing(open_log(work, state.document.run_id)),
            stop_on_signals() as stopping,
            translate_errors("working on the target"),
        ):
            run = RunContext(
                config=config,
                work=work,
                state=state,
                source=source,
                address=address,
                embedded=embedded,
                discard_changes=discard_changes,
                connection=connection,
                ledger=ledger,
                early_build=EarlyBuild(address, ledger, config.target.staging_schema),
                # A rollback derives no id, and does without the secret.
                ids=Ids(
                    secret_of(config, state) or (make_secret() if mode is RunMode.ROLLBACK else ""),
                    rule=state.document.id_rule,
                ),
                report=WatchedReporter(report, work),
                stopping=stopping,
            )
            with contextlib.closing(run.background):
                yield run


# ---- the id secret -----------------------------------------------------------------


def _mark(secret: str) -> str:
    """Return a digest that distinguishes two secrets and reveals neither."""
    return hmac.new(secret.encode(), b"migrate id secret", hashlib.sha256).hexdigest()[:16]


# ---- state, ledger and configuration ------------------------------------------------


def bind(
    config: Config, source: ConfiguredSource, address: Address, mode: RunMode = RunMode.START
) -> dict[str, Any]:
    """Return everything that must stay the same for the whole run, without secrets.

    For a rollback no file that the configuration names is read.
    """
    return {
        "source": source.label,
        "target": address.label,
        "schema": address.schema,
        **config.target.model_dump(include={"staging_schema", "ledger_schema", "empty", "keep"}),
        "ids.secret": _mark(config.ids.secret.get_secret_value()) if config.ids.secret else "kept",
        "ids.map": config.ids.map,
        "mappers": config.mappers.model_dump(mode="json", exclude={"mapping"}),
        **({} if mode is RunMode.ROLLBACK else digests(config)),
    }


def _find_state(work: Path, ledger: Ledger, binding: dict[str, Any], mode: RunMode) -> State | None:
    """Return the state of the run to open, None if a new one must be started."""
    if not mode.begins:
        return load_recorded(work, ledger, binding, mode)
    if mode is RunMode.REFRESH:
        return refresh.find_open(State.load(work), work)
    state = None if mode is RunMode.FRESH else State.load(work)
    if state is None and mode is not RunMode.FRESH:
        _require_empty(work)
    return None if state is not None and state.document.outcome == "rolled_back" else state


def _find_refreshed(
    work: Path, ledger: Ledger, binding: dict[str, Any], mode: RunMode, *, discard_changes: bool
) -> str | None:
    """Return the run whose rows the new one replaces, None if it is no refresh; nothing was begun yet.

    Raises UsageError, StateMismatch or LiveChanged if a refresh cannot replace the live rows.
    """
    state = State.load(work) if mode is RunMode.REFRESH else None
    if state is None:
        return None
    require_same_run(state, binding, ledger, mode)
    publication = refresh.require_live(ledger.conn, ledger, state)
    if not discard_changes:
        announce.doing("comparing the live rows with those of the publication")
        refresh.require_unwritten(ledger.conn, ledger, binding["schema"], publication)
    return ledger_queries.live_run(ledger.conn, ledger)


def _require_empty(work: Path) -> None:
    left = [name for name in (SNAPSHOT_NAME, PARTIAL_NAME) if (work / name).exists()]
    if left:
        raise StateMismatch(
            f"{work} holds {' and '.join(left)} of a run, but its state file is missing",
            hint="restore state.json from a copy, give another folder with --work, "
            "or start again with `migrate run --fresh` (backups are kept)",
        )


def _begin(
    config: Config,
    work: Path,
    ledger: Ledger,
    binding: dict[str, Any],
    known: KnownIds,
    run_id: str,
    refreshes: str | None,
) -> State:
    """Start a run: in the ledger first, so that no state file names a run that the ledger does not know."""
    kept = ""
    if config.ids.secret is None:
        kept = ledger.secret() or known.secret or make_secret()
        ledger.keep_secret(kept)
    rule = rule_of(ledger) or known.rule or HEX
    ledger.keep_id_rule(rule)
    hit("open:secret")
    _put_aside(work, refreshes)
    hit("open:cleared")
    facts = {"code": __version__, "source": binding["source"]}
    ledger.begin(run_id, facts if refreshes is None else {**facts, "refreshes": refreshes})
    hit("open:begun")
    return State.begin(
        work,
        run_id=run_id,
        code=__version__,
        binding=binding,
        id_secret=kept,
        id_rule=rule,
        config=record_config(config),
        refreshes=refreshes,
    )


def record_config(config: Config) -> ConfigRecord:
    """Return what later commands need to find the configuration of a run, without secrets."""
    file = config.file
    return ConfigRecord(
        file=None if file is None else str(file),
        sha256=None if file is None else files.digest_file(file),
        target=config.target.model_dump(mode="json", exclude={"url", "schema_file"}),
    )


def _put_aside(work: Path, refreshed: str | None) -> None:
    """Move what an earlier run left out of the way; its backups stay in their place.

    Its state file stays until the new one replaces it: after a kill in between, a run still finds the id
    secret, and there is no snapshot without a state. The snapshot of the run that is refreshed is kept, until
    the refresh has published.
    """
    state = None if refreshed is None else State.load(work)
    if state is not None and state.document.run_id == refreshed:
        keep_snapshot(work, state.document.run_id)
    elif refreshed is None:
        remove_previous(work)
    remove_snapshot(work)
    crosswalk_file.remove(work)
    for name in ("state.json", "checks.json", "receipt.json"):
        path = work / name
        if path.exists():
            with files.write_atomically(work / f"previous-{name}") as file:
                file.write(path.read_bytes())
    for name in ("checks.json", "receipt.json"):
        (work / name).unlink(missing_ok=True)
