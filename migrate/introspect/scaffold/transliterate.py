"""Names of any script in ASCII letters, as Prisma wants them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

#: A letter, then what it becomes; signs that only harden or soften become nothing.
_TABLE: Final = """
    а a б b в v г g д d е e ё e ж zh з z и i й y к k л l м m н n о o п p р r с s т t у u ф f х kh ц ts ч ch
    ш sh щ shch ъ - ы y ь - э e ю yu я ya і i ї yi є ye ґ g ў u ђ dj ј j љ lj њ nj ћ c џ dz ѓ gj ќ kj ѕ dz
    α a β v γ g δ d ε e ζ z η i θ th ι i κ k λ l μ m ν n ξ x ο o π p ρ r σ s ς s τ t υ y φ f χ ch ψ ps ω o
    ß ss æ ae œ oe ø o đ d ð d ł l þ th ı i
"""  # noqa: RUF001
_LETTERS: Final[Mapping[str, str]] = dict(zip(_TABLE.split()[::2], _TABLE.split()[1::2], strict=True))
#: Characters that Unicode calls by their sound.
_SOUND: Final = re.compile(r"(?:HIRAGANA|KATAKANA) LETTER (?:SMALL )?(\w+)|HANGUL SYLLABLE (\w+)")


def to_ascii(name: str) -> str:
    """Return a name in ASCII: accents are taken off, letters of other scripts become Latin ones.

    Cyrillic, Greek, kana and hangul have a Latin form; what has none, such as Chinese, falls away.
    """
    if name.isascii():
        return name
    return "".join(map(_ascii, unicodedata.normalize("NFKC", name)))


def _ascii(char: str) -> str:
    if char.isascii():
        return char
    bare = next(
        (part for part in (char, *unicodedata.normalize("NFKD", char)) if part.lower() in _LETTERS), ""
    )
    if bare:
        found = _LETTERS[bare.lower()].strip("-")
        return found.capitalize() if char.isupper() else found
    sound = _SOUND.match(unicodedata.name(char, ""))
    if sound is not None:
        return (sound[1] or sound[2]).lower()
    return "".join(part for part in unicodedata.normalize("NFKD", char) if part.isascii())
