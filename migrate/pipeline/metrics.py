"""What a run did as metrics, in the text format that Prometheus' node exporter collects from a folder."""

from __future__ import annotations

from pathlib import Path

from migrate.pipeline.state import Document
from migrate.runtime.errors import MigrateError, UsageError


def require_library() -> None:
    """Raise UsageError if the extra that writes metrics is not installed."""
    try:
        import prometheus_client  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "[metrics] textfile needs the package prometheus-client, which is not installed",
            hint="run: pip install 'turso-to-prisma[metrics]'; or remove the key",
        ) from error


def write_metrics(document: Document, path: Path) -> None:
    """Write the metrics of a run to `path`, completely or not at all, readable by the collector.

    Raises MigrateError if the file cannot be written.
    """
    from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

    registry = CollectorRegistry()
    seconds = Gauge("migrate_stage_seconds", "Seconds that a stage took", ["stage"], registry=registry)
    done = Gauge("migrate_stage_done", "1 if the stage is done", ["stage"], registry=registry)
    rows = Gauge("migrate_rows", "Rows of a stage, by table", ["stage", "table"], registry=registry)
    outcome = Gauge("migrate_outcome", "1 for the state of the run", ["outcome"], registry=registry)
    for name, stage in document.stages.items():
        seconds.labels(name).set(stage.seconds)
        done.labels(name).set(stage.status == "done")
        counted = stage.facts.get("rows")
        for table, count in counted.items() if isinstance(counted, dict) else ():
            rows.labels(name, table).set(count)
    for word in ("open", "published", "rolled_back"):
        outcome.labels(word).set(document.outcome == word)
    Gauge("migrate_updated_seconds", "When this was written", registry=registry).set_to_current_time()
    try:
        write_to_textfile(str(path), registry)
        path.chmod(0o644)  # the collector is another user; the file holds no personal data
    except OSError as error:
        raise MigrateError(
            f"cannot write the metrics to {path}: {error.strerror}",
            hint="fix the permissions of the folder, or remove [metrics] textfile",
        ) from error
