"""The performance targets, each with the measured value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

MILLION: Final = 1_000_000
#: Tenfold rows may take this much more than ten times as long: the noise between runs.
TOLERANCE: Final = 1.05
#: The name of each peer, and how many times its seconds a run may take.
PEERS: Final = {
    "floor": ("psql's floor", 1.9),
    "expert": ("the DuckDB script", 1.3),
    "pgloader": ("pgloader", 0.75),
}


@dataclass(frozen=True)
class Target:
    """One target: `measured` is None if it was not measured; if `at_most` is False, it is a minimum."""

    what: str
    limit: float
    measured: float | None
    unit: str = ""
    at_most: bool = True

    @property
    def met(self) -> bool | None:
        """Return whether it is met, None if it was not measured."""
        if self.measured is None:
            return None
        return self.measured <= self.limit if self.at_most else self.measured >= self.limit

    def __str__(self) -> str:
        words = {None: "not measured", True: "met", False: "MISSED"}
        measured = "-" if self.measured is None else f"{self.measured:.2f}{self.unit}"
        sign = "at most" if self.at_most else "at least"
        return f"{self.what}: {measured}, {sign} {self.limit:g}{self.unit}: {words[self.met]}"


def judge(results: Mapping[str, Any]) -> list[Target]:
    """Return the targets with the values in `results` (the JSON of a whole benchmark run)."""
    sizes = {size["messages"]: size for size in results["sizes"]}
    return [*_against_peers(sizes.get(MILLION)), *_growth(sizes), *_others(results)]


def _against_peers(size: Mapping[str, Any] | None) -> Iterator[Target]:
    ours = size["ours"] if size else None
    for name, (what, limit) in PEERS.items():
        peer = size["peers"].get(name) if size else None
        ratio = ours["seconds"] / peer["seconds"] if ours and peer else None
        yield Target(f"10^6 messages, seconds against {what}", limit, ratio, " x")
    yield Target("10^6 messages, largest memory", 300, ours["peak_mb"] if ours else None, " MB")
    share = None
    if ours:
        verify = next(stage["seconds"] for stage in ours["stages"] if stage["name"] == "verify")
        share = 100 * verify / ours["seconds"]
    yield Target("10^6 messages, share of the checks", 25, share, " %")


def _growth(sizes: Mapping[int, Mapping[str, Any]]) -> Iterator[Target]:
    small, large = sizes.get(MILLION), sizes.get(10 * MILLION)
    both = small is not None and large is not None
    seconds = large["ours"]["seconds"] / small["ours"]["seconds"] if both else None  # type: ignore[index]
    memory = large["ours"]["peak_mb"] / small["ours"]["peak_mb"] if both else None  # type: ignore[index]
    yield Target("10^7 messages, seconds against 10^6", 10 * TOLERANCE, seconds, " x")
    yield Target("10^7 messages, memory against 10^6", 1.1, memory, " x")


def _others(results: Mapping[str, Any]) -> Iterator[Target]:
    http = results.get("http")
    ratio = http["ours"] / http["bare"] if http else None
    yield Target("snapshot over HTTP against bare requests", 0.8, ratio, " x", at_most=False)
    yield Target("start-up (migrate --help)", 0.3, results.get("help_seconds"), " s")
