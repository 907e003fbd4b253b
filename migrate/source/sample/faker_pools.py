"""The pools that the sample's values are drawn from: made by Faker with the sample's seed.

Faker generates a fixed number of words, names and sentences; the columns combine them. Only its providers of
word lists are used, none that read the clock.
"""

from __future__ import annotations

import importlib
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from migrate.runtime.errors import UsageError

_LOCALES: Final = ("en_GB", "en_US", "de_DE", "fr_FR", "es_ES", "pl_PL")
#: Without a list, Faker looks for all of its providers on the disk, for each locale.
_PROVIDERS: Final = ["faker.providers.person", "faker.providers.address", "faker.providers.lorem"]
_NAMES_PER_LOCALE: Final = 120
_PLACES: Final = 300
_SENTENCES: Final = 600

_WORDS: Final = """
    voice studio session microphone booth client script recording audio commercial narration demo
    podcast production character accent editing mix delivery broadcast remote director engineer home
    treated quiet professional award warm friendly corporate explainer animation game trailer radio
    television charity audiobook mobile location patch source connect available weekday evening rate
    quote project deadline tomorrow week file master noise floor preamp interface monitor agency
    London Berlin Kraków Málaga Zürich naïve café we you they record deliver need offer and with for
    from the a in on at our your this that very well soon please thanks
"""

#: Snippets with entities, of all the forms that HTML 5 knows; some encoded twice.
ENTITY_SNIPPETS: Final = (
    "I&#039;m free on Tuesday", "it&#039;s ready &amp; waiting", "the rate is &pound;120",
    "it is &euro;80 a page",
    "we&rsquo;ll send the &quot;final&quot; script",
    "&bull; dry booth &bull; ISDN", "&lt;b&gt;urgent&lt;/b&gt;",
    "see you in the caf&eacute;", "wait&hellip; one more take", "10 &ndash; 12 minutes",
    "room&nbsp;2, please",
    "&#163;50 &#x2014; agreed", "Smith &amp;amp; Sons", "Stra&szlig;e 4, M&uuml;nchen", "&copy; the client",
    "that&#x27;s fine", "&ldquo;slower&rdquo; they said", "5 &times; 30&Prime; spots", "R&B &amp; soul",
    "AT&T-style read &amp; more",
)  # fmt: skip


def slug(text: str) -> str:
    """Return `text` as lower-case ASCII letters and digits."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss").replace("ł", "l").replace("Ł", "L"))
    return "".join(letter for letter in plain.lower() if letter.isascii() and letter.isalnum())


@dataclass(frozen=True)
class Pools:
    """Series of text, each of a fixed length for every seed, except for names that came twice."""

    first: pl.Series
    first_slug: pl.Series
    last: pl.Series
    last_slug: pl.Series
    city: pl.Series
    street: pl.Series
    sentence: pl.Series
    title: pl.Series


def _series(values: list[str]) -> pl.Series:
    return pl.Series(list(dict.fromkeys(values)), dtype=pl.String)


def _many(make: Callable[[], str], number: int) -> list[str]:
    return [make().replace("\n", ", ") for _ in range(number)]


def _library() -> Any:
    try:
        return importlib.import_module("faker").Faker
    except ImportError as error:
        raise UsageError(
            "the sample needs the package faker, which is not installed",
            hint="pip install faker, or name a database in [source] url or TURSO_DATABASE_URL",
        ) from error


def make_pools(seed: int) -> Pools:
    """Return the pools of one seed; the same ones for the same seed. Raises UsageError without Faker."""
    new_faker = _library()
    firsts: list[str] = []
    lasts: list[str] = []
    for number, locale in enumerate(_LOCALES):
        people = new_faker(locale, providers=_PROVIDERS)
        people.seed_instance(seed * len(_LOCALES) + number)
        firsts += _many(people.first_name, _NAMES_PER_LOCALE)
        lasts += _many(people.last_name, _NAMES_PER_LOCALE)
    first = _series([name for name in firsts if slug(name)])
    last = _series([name for name in lasts if slug(name)])
    words = new_faker("en_GB", providers=_PROVIDERS)
    words.seed_instance(seed)
    vocabulary = _WORDS.split()
    return Pools(
        first=first,
        first_slug=pl.Series([slug(name) for name in first]),
        last=last,
        last_slug=pl.Series([slug(name) for name in last]),
        city=_series(_many(words.city, _PLACES)),
        street=_series(_many(words.street_address, _PLACES)),
        sentence=_series([words.sentence(nb_words=9, ext_word_list=vocabulary) for _ in range(_SENTENCES)]),
        title=_series([words.sentence(nb_words=4, ext_word_list=vocabulary) for _ in range(_PLACES)]),
    )
