"""`python -m benchmarks run` measures, `python -m benchmarks report` writes the page from the results."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path
from typing import Any, Final

import click

from benchmarks import machine, page
from benchmarks.data import legacy_file
from benchmarks.fleet_page import FOLDER
from benchmarks.http import measure_http
from benchmarks.locks import measure_locks
from benchmarks.peers import measure_help
from benchmarks.server import running
from benchmarks.sizes import help_seconds, measure_size
from benchmarks.targets import MILLION, judge

ROOT: Final = Path(__file__).parent.parent
FIGURES: Final = ROOT / "docs" / "benchmarks"
_USUAL: Final = (10_000, 100_000, 1_000_000)
_FULL: Final = 10_000_000


@click.group()
def cli() -> None:
    """Measure the migration against its peers on this machine."""


@cli.command("run")
@click.option("--rows", type=int, multiple=True, help="Number of messages; 10^4, 10^5 and 10^6 if not given.")
@click.option("--full", is_flag=True, help="10^7 messages too: a quarter of an hour more, 20 GB of disk.")
@click.option(
    "--repeats", type=click.IntRange(1), default=3, show_default=True, help="Times each is measured."
)
@click.option("--http/--no-http", default=True, help="Reading from a real libSQL server, too.")
@click.option("--folder", type=click.Path(path_type=Path), default=ROOT / "work" / "bench",
              help="Where legacy files and work folders are kept.")  # fmt: skip
@click.option("--keep/--no-keep", default=None,
              help="Write figures and page under docs; as a rule unless --rows is given.")  # fmt: skip
def run(rows: tuple[int, ...], full: bool, repeats: int, http: bool, folder: Path, keep: bool | None) -> None:
    """Measure, and print the targets with the measured values; exit code 1 if one is missed."""
    wanted = rows or (*_USUAL, *([_FULL] if full else []))
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = {
        "version": 1,
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": machine.describe(),
        "repeats": repeats,
        "sizes": [],
    }
    with running(folder) as server:
        results["server"] = server.settings()
        click.echo("PostgreSQL: " + ", ".join(f"{key} {value}" for key, value in results["server"].items()))
        for messages in wanted:
            click.echo(f"{messages:,} messages")
            times = 1 if messages >= _FULL else repeats
            results["sizes"].append(measure_size(server, folder, messages, times, click.echo))
            _show_stages(results["sizes"][-1])
    results["http"] = _measure_http(legacy_file(folder, min(max(wanted), MILLION)), folder) if http else None
    results["help_seconds"] = help_seconds(measure_help())
    targets = judge(results)
    results["targets"] = [
        {"what": t.what, "limit": t.limit, "measured": t.measured and round(t.measured, 3), "met": t.met}
        for t in targets
    ]
    if keep if keep is not None else not rows:
        _keep(results)
    for target in targets:
        click.echo(str(target))
    shutil.rmtree(folder / "logs", ignore_errors=True)
    raise SystemExit(any(target.met is False for target in targets))


def _keep(results: dict[str, Any]) -> None:
    """Write the results to a file named by date and sizes, and the page from them."""
    FIGURES.mkdir(parents=True, exist_ok=True)
    label = "-".join(f"1e{len(str(size['messages'])) - 1}" for size in results["sizes"])
    path = FIGURES / f"{results['date']}-{label}.json"
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    click.echo(f"figures: {path.relative_to(ROOT)}; {page.write(FIGURES, ROOT / 'docs')}")


def _show_stages(size: dict[str, Any]) -> None:
    click.echo("  stage          seconds     rows/s   CPU s  server CPU s   MB")
    for stage in size["ours"]["stages"]:
        rate = f"{stage['rows'] / stage['seconds']:,.0f}" if stage["rows"] and stage["seconds"] else "-"
        click.echo(f"  {stage['name']:13} {stage['seconds']:8.2f} {rate:>10} {stage['cpu']:7.2f}"
                   f" {stage['server_cpu']:13.2f} {stage['peak_mb']:4}")  # fmt: skip
    for name, peer in size["peers"].items():
        click.echo(f"  {size['ours']['seconds'] / peer['seconds']:.2f} x {name}")


def _measure_http(legacy: Path, folder: Path) -> dict[str, int]:
    bare, ours = measure_http(legacy, folder)
    click.echo(f"HTTP: {ours:,.0f} rows/s of {bare:,.0f} bare")
    return {"bare": round(bare), "ours": round(ours)}


@cli.command("locks")
@click.option("--rows", type=int, default=1_000_000, show_default=True, help="Number of messages.")
@click.option("--folder", type=click.Path(path_type=Path), default=ROOT / "work" / "bench",
              help="Where the server's data lies meanwhile.")  # fmt: skip
def locks(rows: int, folder: Path) -> None:
    """Measure for how long publish keeps readers and writers out, by exchange and by moving rows."""
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    measure_locks(folder, rows, click.echo)


@cli.command("fleet")
@click.option("--tenants", type=int, default=200, show_default=True, help="Tenants of 1,000 rows.")
@click.option("--distant", type=int, default=40, show_default=True, help="Tenants of a source that is late.")
@click.option("--many", type=int, default=10_000, show_default=True, help="Tenants of 100 rows in one run.")
@click.option("--folder", type=click.Path(path_type=Path), default=ROOT / "work" / "bench",
              help="Where the tenants' files lie meanwhile.")  # fmt: skip
@click.option("--keep/--no-keep", default=None,
              help="Write figures and table under docs; as a rule with the usual sizes.")  # fmt: skip
def fleet(tenants: int, distant: int, many: int, folder: Path, keep: bool | None) -> None:
    """Measure a fleet: a tenant's CPU, a second worker, the coordinator's memory. Prints them as JSON."""
    from benchmarks.fleet import FleetSize, measure_fleet

    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with running(folder) as server:
        figures = measure_fleet(server, folder, FleetSize(tenants, distant, many), click.echo)
    results = {"date": dt.datetime.now(dt.UTC).date().isoformat(), "machine": machine.describe(), **figures}
    click.echo(json.dumps(results, indent=1))
    if keep if keep is not None else FleetSize(tenants, distant, many) == FleetSize():
        kept = FIGURES / FOLDER / f"{results['date']}.json"
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(results, indent=1) + "\n")
        click.echo(page.write_fleet(FIGURES, ROOT / "docs"))


@cli.command("report")
def report() -> None:
    """Write figures, table and chart of docs/performance.md from the newest JSON."""
    click.echo(page.write(FIGURES, ROOT / "docs"))


if __name__ == "__main__":
    cli()
