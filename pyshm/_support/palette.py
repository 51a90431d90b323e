"""The colors of fields, which people with any kind of color vision can distinguish.

They are the colors of Okabe and Ito (https://jfly.uni-koeln.de/color/) without the two darkest, in
an order in which neighbors differ most. They are backgrounds of black text, which is readable on
each of them, so the same colors work in light and in dark surroundings.
"""

from __future__ import annotations

__all__ = ["CONTENT", "FIELD_COLORS", "MARK", "color_of"]

FIELD_COLORS = ("#56b4e9", "#f0a830", "#3fbf95", "#d99bbd", "#f0e442", "#ef8a4c")
# The background of content that is not a field, such as a picture's bytes. The text is black.
CONTENT = "#d5d9e0"
# The background of a changed or wrong byte. The text is white.
MARK = "#b3003c"


def color_of(number: int) -> str:
    """Return the background of the field with that number; the colors repeat after the last."""
    return FIELD_COLORS[number % len(FIELD_COLORS)]
