"""Stages and their background tasks: a stage stands anywhere, and the run's session belongs to it alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from psycopg import sql

from mappers.studio.studio_mapping import StudioMapping
from migrate.cli.options import make_reporter
from migrate.pipeline.context import RunContext
from migrate.pipeline.mapping import load_spec
from migrate.pipeline.open_run import open_run
from migrate.pipeline.order import make_stages, run_stages
from migrate.pipeline.stage import BackgroundTask, Stage, StageResult
from migrate.pipeline.stages import publish
from migrate.pipeline.state import State
from migrate.pipeline.summary.summary import summarise
from migrate.postgres.embedded import EmbeddedServer
from migrate.runtime.background import BackgroundTasks, Work
from migrate.runtime.config import Config, load_config
from migrate.source.sample.target import seed_target
from migrate.source.sample.write import write_sample
from tests.tools.commands import content

#: Transactions of a stage that stands between two others, and those while something is built early.
FEW, MANY = 5, 200


def _commit_often(run: RunContext) -> StageResult:
    times = MANY if run.background.has_started(publish.EARLY_BUILD.name) else FEW
    for _ in range(times):
        with run.connection.transaction():
            run.ledger.guard(run.connection)
            run.connection.execute("SELECT txid_current()")
    return StageResult(f"{times} commits")


def _nothing(_run: RunContext) -> None:
    pass


def _with_gaps_filled(stages: Sequence[Stage]) -> list[Stage]:
    filled = [stages[0]]
    for stage in stages[1:]:
        between = Stage(f"before {stage.name}", "commit often", _nothing, _commit_often, _nothing)
        filled += [between, stage]
    return filled


class _Report:
    """Says nothing."""

    def begin(self, *_words: object) -> None: ...
    def end(self, *_words: object) -> None: ...
    def note(self, *_words: object) -> None: ...


class _Planned:
    """A background task that notes when it is planned, and after what it runs."""

    def __init__(self, after: str, *, repeats: bool) -> None:
        self.planned: list[str] = []
        self.threads: list[str] = []
        self.task = BackgroundTask("often" if repeats else "once", after, self._plan, repeats=repeats)

    def _plan(self, run: RunContext) -> Work[None]:
        assert threading.current_thread() is threading.main_thread()
        self.planned.append(next(reversed(run.state.document.stages)))
        return lambda _cancellation: self.threads.append(threading.current_thread().name)


def test_background_tasks_start_after_their_stage_and_before_their_own(tmp_path: Path) -> None:
    once, often, done = (_Planned("b", repeats=repeats) for repeats in (False, True, True))
    state = State.begin(tmp_path, run_id="r", code="0", binding={}, id_secret="")
    run: Any = SimpleNamespace(
        config=Config(),
        state=state,
        report=_Report(),
        background=BackgroundTasks(),
        stop_if_asked=lambda: None,
    )

    def stage(name: str, *tasks: BackgroundTask) -> Stage:
        return Stage(name, "do nothing", _nothing, lambda _run: StageResult(""), _nothing, background=tasks)

    state.start("done")
    state.finish("done", 0, {}, {})
    run_stages(
        run,
        [
            stage("a"),
            stage("b"),
            stage("c"),
            stage("done", done.task),
            stage("d"),
            stage("e", once.task, often.task),
        ],
    )
    run.background.close()
    # Before c, d, not before e itself: the last stage that had begun by then.
    assert (once.planned, often.planned, done.planned) == (["b"], ["b", "c"], [])
    assert once.threads == ["once_0"]
    assert state.done("e")


@pytest.fixture
def legacy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small legacy database, which the environment names."""
    write_sample(tmp_path / "legacy.db", scale=0.05, seed=1)
    monkeypatch.setenv("MIGRATE__SOURCE__URL", str(tmp_path / "legacy.db"))
    monkeypatch.setenv("MIGRATE__IDS__SECRET", "an id secret of the tests")
    monkeypatch.setenv("MIGRATE__LOAD__BATCH_ROWS", "200")


@pytest.fixture
def targets(postgres: EmbeddedServer, database: str) -> Iterator[list[str]]:
    """Two databases with the application's tables and rows."""
    name = f"{psycopg.conninfo.conninfo_to_dict(database)['dbname']}_too"
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    both = [database, postgres.url(name)]
    for url in both:
        with psycopg.connect(url) as connection:
            seed_target(connection)
    yield both
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> dict[int, set[str]]:
    """The names of the threads that used each connection, by the process id of its server."""
    used: dict[int, set[str]] = {}
    for name in ("cursor", "transaction"):
        original = getattr(psycopg.Connection, name)

        def spy(self: psycopg.Connection[Any], *words: Any, original: Any = original, **options: Any) -> Any:
            used.setdefault(self.info.backend_pid, set()).add(threading.current_thread().name)
            return original(self, *words, **options)

        monkeypatch.setattr(psycopg.Connection, name, spy)
    return used


@pytest.fixture
def bindings(monkeypatch: pytest.MonkeyPatch) -> list[StudioMapping]:
    """The mappings that are bound to a source, in order."""
    bound: list[StudioMapping] = []
    original = StudioMapping.__init__

    def spy(self: StudioMapping, *words: Any, **options: Any) -> None:
        bound.append(self)
        original(self, *words, **options)

    monkeypatch.setattr(StudioMapping, "__init__", spy)
    return bound


@pytest.mark.usefixtures("legacy")
def test_a_stage_stands_between_any_two(
    tmp_path: Path,
    targets: list[str],
    threads: dict[int, set[str]],
    bindings: list[StudioMapping],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    filled = []
    for url, arrange in zip(targets, (list, _with_gaps_filled), strict=True):
        monkeypatch.setenv("MIGRATE__TARGET__URL", url)
        config = load_config(None)
        stages = arrange(make_stages(config, load_spec(config)))
        with make_reporter() as report, open_run(config, tmp_path / arrange.__name__, report) as run:
            session = run.connection.info.backend_pid
            run_stages(run, stages)
            filled.append(summarise(run).filled)
            assert run.early_build.made.contents.keys() == set(run.filled)
            assert all(run.state.done(stage.name) for stage in stages)
        # One for the plan, to the source itself, and one for the run, to its snapshot.
        assert len(bindings) == 2
        assert bindings.pop() is run.mapping
        bindings.clear()
        # No background task used it: of two transactions on it, the one begun later must end first.
        assert threads[session] == {threading.current_thread().name}
    assert filled[0] == filled[1]
    assert content(targets[0]) == content(targets[1])
    maps = [content(url, "migrate_ledger")["id_map"] for url in targets]
    assert maps[0] == maps[1]
