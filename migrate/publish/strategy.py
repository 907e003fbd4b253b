"""How the staged rows become live: the tables are swapped, or the rows are copied."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from migrate.postgres.connection import Connection
from migrate.postgres.locks import Name
from migrate.postgres.old_snapshots import old_snapshots, wait_for_older_views
from migrate.postgres.schema_fingerprint import differences, fingerprint
from migrate.postgres.table_checksum import Content
from migrate.publish.copy_rows import Move, move_tables, plan_moves
from migrate.publish.publication import Kind
from migrate.publish.swap import BuiltAhead, SwapBlocked, TableSwap, prepare_swap, swap_tables
from migrate.runtime.amount import amount
from migrate.runtime.errors import TargetError
from migrate.staging.ledger import Ledger

#: Called with the current action and the object's name.
OnProgress = Callable[[str, str], None]

#: How often a swap waits for older snapshots before the rows are copied instead.
_SWAP_TRIES: Final = 3


@dataclass(frozen=True)
class PublishRequest:
    """The parameters of a publish, fixed before the first attempt."""

    ledger: Ledger
    schema: str
    staging: str
    filled: tuple[str, ...]
    emptied: tuple[str, ...]
    expected: Mapping[str, Content]
    run_id: str
    kind: Kind
    backup_digest: str | None
    lock_timeout_ms: int
    on_progress: OnProgress
    before_commit: Callable[[Connection], None]
    built_ahead: BuiltAhead

    @property
    def managed(self) -> tuple[str, ...]:
        """Return the live tables whose rows are replaced or emptied."""
        return tuple(dict.fromkeys(self.filled + self.emptied))

    @property
    def names(self) -> list[Name]:
        """Return schema and name of each of them."""
        return [(self.schema, table) for table in self.managed]


@dataclass
class PublishStrategy:
    """How the rows become live: by `swap` if it is set, else by `moves`;

    `reasons` say why not by swap.
    """

    moves: Sequence[Move]
    swap: TableSwap | None = None
    reasons: tuple[str, ...] = ()
    postponed: int = 0

    def copy_instead(self, reasons: Sequence[str]) -> None:
        """Choose to copy the rows, for these reasons."""
        self.swap, self.reasons = None, tuple(reasons)


class OldSnapshots(Exception):
    """A session may still see the database as it was before the rows were staged."""


def choose_strategy(conn: Connection, request: PublishRequest, patience: float) -> PublishStrategy:
    """Choose between swap and copy, and build constraints and indexes if the tables can be swapped."""
    strategy = PublishStrategy(
        plan_moves(conn, request.schema, request.staging, request.filled, request.built_ahead.contents)
    )
    try:
        strategy.swap = prepare_swap(
            conn, request.ledger, request.schema, request.staging, strategy.moves, request.emptied,
            strict=request.kind == "publish", on_progress=request.on_progress,
            fresh=request.built_ahead.vacuumed,
        )  # fmt: skip
    except SwapBlocked as error:
        strategy.copy_instead(error.reasons)
        return strategy
    older = wait_for_older_views(conn, strategy.swap.horizon, patience)
    if older:
        strategy.copy_instead([_older(older)])
    return strategy


def _older(views: Sequence[str]) -> str:
    return f"{', '.join(views[:3])} may look at the database as it was before the rows were staged"


def require_no_older_views(conn: Connection, strategy: PublishStrategy, *, last: bool) -> None:
    """Raise OldSnapshots if there is one, so that the caller tries again; the last time choose to copy."""
    assert strategy.swap is not None
    older = old_snapshots(conn, strategy.swap.horizon)
    if not older:
        return
    strategy.postponed += 1
    if strategy.postponed < _SWAP_TRIES and not last:
        raise OldSnapshots
    strategy.copy_instead([_older(older)])


def protected_definitions(conn: Connection, request: PublishRequest) -> dict[str, str]:
    """Return the definitions that must be the same afterwards: of the live schema and of the id map."""
    ours = fingerprint(conn, request.ledger.schema)
    return {
        **fingerprint(conn, request.schema),
        **{f"{name} of the ledger": text for name, text in ours.items()},
    }


def replace_rows(
    conn: Connection, request: PublishRequest, strategy: PublishStrategy, before: Mapping[str, str]
) -> tuple[dict[str, Content], int | None]:
    """Make the rows live; return the content of each table, and the publication's number if it was drawn."""
    if strategy.swap is not None:
        number = strategy.swap.publication
        try:
            with conn.transaction():
                request.on_progress("exchange", f"{amount(len(request.managed), 'table')}")
                swap_tables(conn, strategy.swap)
                request.on_progress("exchanged", f"{amount(len(request.managed), 'table')}")
                changed = differences(before, protected_definitions(conn, request))
                if changed:
                    raise SwapBlocked([f"the swap would have changed {', '.join(changed[:5])}"])
            held = {move.table: move.content or Content(0, "0") for move in strategy.moves}
            return {table: held.get(table, Content(0, "0")) for table in request.managed}, number
        except SwapBlocked as error:
            strategy.copy_instead(error.reasons)
    contents = move_tables(
        conn, request.schema, request.staging, strategy.moves, request.emptied,
        strict=request.kind == "publish", on_progress=request.on_progress,
    )  # fmt: skip
    changed = differences(before, protected_definitions(conn, request))
    if changed:
        raise TargetError(
            f"publishing would have changed the schema: {', '.join(changed[:10])}; nothing was published",
            hint="report this with the definition of the object; the live tables are unchanged",
        )
    return contents, None
