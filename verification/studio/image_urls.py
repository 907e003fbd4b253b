"""URLs of images: whether they are valid, and whether they answer."""

from __future__ import annotations

from typing import Final

from psycopg import sql

from verification.context import CheckContext
from verification.queries import at, count_rows, key_of, offenders, stream, texts
from verification.result import Check, Outcome

#: Columns that hold URLs of images, and the schemes allowed there. The rule is that of the mappers: no row
#: that they write is refused here.
_IMAGES: Final = {
    ("studio_images", "image_url"): "[hH][tT][tT][pP][sS]",
    ("users", "avatar_url"): "[hH][tT][tT][pP][sS]?",
}
#: Part of a host's name: of ASCII letters, digits, `_` and `-`; which other letters there are, depends
#: on the server's locale.
_LABEL: Final = r"[^\x01-\x2c\x2e\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\x7f]+"
_REST: Final = rf"://{_LABEL}(\.{_LABEL})+(:[0-9]{{1,5}})?([/?#][^[:space:]]*)?$"


def _columns(context: CheckContext) -> dict[tuple[str, str], str]:
    return {
        (table, column): scheme
        for (table, column), scheme in _IMAGES.items()
        if table in context.tables and context.tables[table].column(column) is not None
    }


def _parse(context: CheckContext) -> Outcome:
    columns = _columns(context)
    if not columns:
        return Outcome.not_applicable("no table with images")
    outcome = Outcome()
    for (table, column), scheme in columns.items():
        outcome.looked_at += count_rows(context, table)
        pattern = f"^{scheme}{_REST}"
        rows = sql.SQL("SELECT {} FROM {} WHERE {} !~ {}").format(
            key_of(context.tables[table]), at(context, table), sql.Identifier(column), sql.Literal(pattern)
        )
        what = "is not a valid URL: https, a host with a dot, no user name, no white space"
        offenders(context, outcome, table, rows, what, column)
    return outcome


def _answer(context: CheckContext) -> Outcome:
    from verification.studio.ask_urls import check_urls  # httpx takes a tenth of a second to load

    columns = _columns(context)
    if not columns:
        return Outcome.not_applicable("no table with images")
    outcome = Outcome()
    for table, column in columns:
        query = sql.SQL(
            "SELECT min({key}), {url} FROM {table} WHERE {url} IS NOT NULL GROUP BY {url}"
        ).format(key=key_of(context.tables[table]), url=sql.Identifier(column), table=at(context, table))
        for frame in stream(context, query, texts("key", "url")):
            outcome.looked_at += frame.height
            dead = check_urls(list(frame.rows()), context.urls)
            for key, what in dead:
                outcome.found(table, key, what, column)
    return outcome


URLS_PARSE = Check("urls_parse", "Is every image URL valid?", _parse, of_target=True)
URLS_ANSWER = Check("urls_answer", "Does every image URL answer over HTTP?", _answer)
