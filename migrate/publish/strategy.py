"""The way the staged rows go: their tables are exchanged for the live ones, or the rows are moved."""

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
from migrate.publish.swap import BuiltAhead, SwapBlocked, TableSwap, exchange_tables, prepare_exchange
from migrate.runtime.errors import TargetError
from migrate.staging.ledger import Ledger

#: Called with what is being done and to which object.
OnProgress = Callable[[str, str], None]

#: So many times an exchange waits for older views of the database before the rows are moved.
_EXCHANGES: Final = 3


@dataclass(frozen=True)
class PublishRequest:
    """What is to be published, fixed before the first attempt."""

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
        """The live tables whose rows are replaced or emptied."""
        return tuple(dict.fromkeys(self.filled + self.emptied))

    @property
    def names(self) -> list[Name]:
        """Schema and name of each of them."""
        return [(self.schema, table) for table in self.managed]


@dataclass
class PublishStrategy:
    """How the rows get there: by `exchange` where there is one, else by `moves`; `reasons` say why not."""

    moves: Sequence[Move]
    exchange: TableSwap | None = None
    reasons: tuple[str, ...] = ()
    hindered: int = 0

    def move_instead(self, reasons: Sequence[str]) -> None:
        """Choose the other way, for these reasons."""
        self.exchange, self.reasons = None, tuple(reasons)


class OldSnapshots(Exception):
    """Somebody may still look at the database as it was before the rows were staged."""


def choose_strategy(conn: Connection, order: PublishRequest, patience: float) -> PublishStrategy:
    """Decide on the way, and furnish the staged tables where they can be exchanged."""
    way = PublishStrategy(
        plan_moves(conn, order.schema, order.staging, order.filled, order.built_ahead.contents)
    )
    try:
        way.exchange = prepare_exchange(
            conn, order.ledger, order.schema, order.staging, way.moves, order.emptied,
            strict=order.kind == "publish", on_progress=order.on_progress,
            fresh=order.built_ahead.vacuumed,
        )  # fmt: skip
    except SwapBlocked as error:
        way.move_instead(error.reasons)
        return way
    older = wait_for_older_views(conn, way.exchange.horizon, patience)
    if older:
        way.move_instead([_older(older)])
    return way


def _older(views: Sequence[str]) -> str:
    return f"{', '.join(views[:3])} may look at the database as it was before the rows were staged"


def require_no_older_views(conn: Connection, way: PublishStrategy, *, last: bool) -> None:
    """Raise OldSnapshots where one is there, to be tried again; the last time choose to move the rows."""
    assert way.exchange is not None
    older = old_snapshots(conn, way.exchange.horizon)
    if not older:
        return
    way.hindered += 1
    if way.hindered < _EXCHANGES and not last:
        raise OldSnapshots
    way.move_instead([_older(older)])


def house(conn: Connection, order: PublishRequest) -> dict[str, str]:
    """Return the definitions that must be the same afterwards: the live schema's, and the map of ids'."""
    ours = fingerprint(conn, order.ledger.schema)
    return {
        **fingerprint(conn, order.schema),
        **{f"{name} of the ledger": text for name, text in ours.items()},
    }


def replace_rows(
    conn: Connection, order: PublishRequest, way: PublishStrategy, before: Mapping[str, str]
) -> tuple[dict[str, Content], int | None]:
    """Bring the rows in; return what each table holds now, and the publication's number if it was drawn."""
    if way.exchange is not None:
        number = way.exchange.publication
        try:
            with conn.transaction():
                order.on_progress("exchange", f"{len(order.managed)} tables")
                exchange_tables(conn, way.exchange)
                order.on_progress("exchanged", f"{len(order.managed)} tables")
                changed = differences(before, house(conn, order))
                if changed:
                    raise SwapBlocked([f"the exchange would have changed {', '.join(changed[:5])}"])
            held = {move.table: move.content or Content(0, "0") for move in way.moves}
            return {table: held.get(table, Content(0, "0")) for table in order.managed}, number
        except SwapBlocked as error:
            way.move_instead(error.reasons)
    contents = move_tables(
        conn, order.schema, order.staging, way.moves, order.emptied,
        strict=order.kind == "publish", on_progress=order.on_progress,
    )  # fmt: skip
    changed = differences(before, house(conn, order))
    if changed:
        raise TargetError(
            f"publishing would have changed the schema: {', '.join(changed[:10])}; nothing was published",
            hint="report this with the definition of the object; the live tables are as they were",
        )
    return contents, None
