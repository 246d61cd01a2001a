"""Letters of figures: names in any script, as far as the fonts of this machine go."""

from __future__ import annotations

from functools import cache

INK = "#1f2328"
QUIET = "#57606a"
LINE = "#8c959f"
"""Colours that a dark page replaces."""

WIDE_FAMILIES = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "WenQuanYi Zen Hei",
    "Noto Sans Arabic",
    "Noto Sans Devanagari",
    "Droid Sans Fallback",
)
"""Fonts that know what DejaVu does not; those of them that are installed are used."""


def lettered(text: str, most: int = 0) -> str:
    """Text for a figure: letters that no font here has become "□", and dollars are dollars.

    Parameters
    ----------
    text
        Anything.
    most
        Longest it may be; longer ones lose their middle. 0 is any.
    """
    known = _letters()
    one_line = " ".join(text.split())
    if most and len(one_line) > most:
        one_line = f"{one_line[: most // 2]}…{one_line[len(one_line) - (most - 1) // 2 :]}"
    return "".join(letter if ord(letter) in known else "□" for letter in one_line)


@cache
def families() -> tuple[str, ...]:
    """Font families of figures, in the order in which letters are looked for."""
    from matplotlib.font_manager import fontManager

    installed = {font.name for font in fontManager.ttflist}
    return ("DejaVu Sans", *(name for name in WIDE_FAMILIES if name in installed))


@cache
def _letters() -> frozenset[int]:
    from matplotlib.font_manager import FontProperties, fontManager, get_font

    places = [fontManager.findfont(FontProperties(family=[name])) for name in families()]
    return frozenset(code for place in places for code in get_font(place).get_charmap())
