"""Text that is not UTF-8."""

from __future__ import annotations

import polars as pl


def decode_text(raw: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return the column as text, and which cells were not UTF-8 and are decoded as Windows-1252.

    Bytes that Windows-1252 does not define become U+FFFD. Each distinct cell is decoded once, and only in a
    batch that holds an invalid one.
    """
    cells = raw.drop_nulls().unique()
    decoded = [_decode(cell) for cell in cells]
    known = pl.DataFrame(
        {"raw": cells, "text": [text for text, _ in decoded], "invalid": [invalid for _, invalid in decoded]},
        schema={"raw": pl.Binary, "text": pl.String, "invalid": pl.Boolean},
    )
    found = raw.alias("raw").to_frame().join(known, on="raw", how="left", maintain_order="left")
    return found["text"].alias(raw.name), found["invalid"].fill_null(False)


def _decode(cell: bytes) -> tuple[str, bool]:
    try:
        return cell.decode(), False
    except UnicodeDecodeError:
        return cell.decode("cp1252", errors="replace"), True
