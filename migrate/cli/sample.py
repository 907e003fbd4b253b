"""`migrate sample`: a synthetic legacy database in a file."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("sample")
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--scale", type=click.FloatRange(min=0, min_open=True), default=1.0, show_default=True,
              help="Size; 1 is 640 users and 2,690 messages.")  # fmt: skip
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="Random seed; another seed gives other people.",
)
@click.option(
    "--messages", type=click.IntRange(min=0), help="Number of messages; the number of people follows."
)
@click.option(
    "--profiles", type=click.IntRange(min=1), help="Number of people with a profile; default: nearly all."
)
def command(out: Path, scale: float, seed: int, messages: int | None, profiles: int | None) -> None:
    """Write the built-in sample, a synthetic legacy database, to OUT.

    The same scale and seed give the same rows. All people in it are synthetic.

    \b
    migrate sample legacy.db
    migrate sample big.db --messages 1000000 --profiles 5000
    """
    from migrate.source.sample.write import write_sample

    write_sample(out, scale=scale, seed=seed, messages=messages, profiles=profiles)
    click.echo(f"{out}: {out.stat().st_size:,} bytes")
