"""The colours of fields, told apart with any kind of colour vision.

Those of Okabe and Ito (https://jfly.uni-koeln.de/color/) without the two darkest, in an order in
which neighbours differ most. They are backgrounds under black text, which is readable on each of
them, so one set serves light and dark surroundings.
"""

from __future__ import annotations

__all__ = ["CONTENT", "FIELD_COLOURS", "MARK", "colour_of"]

FIELD_COLOURS = ("#56b4e9", "#f0a830", "#3fbf95", "#d99bbd", "#f0e442", "#ef8a4c")
# Under a picture's bytes, as black text.
CONTENT = "#d5d9e0"
# Under a changed or wrong byte, with white text: the one thing that has to stand out.
MARK = "#b3003c"


def colour_of(number: int) -> str:
    """The background of the field with that number; they come again after the last."""
    return FIELD_COLOURS[number % len(FIELD_COLOURS)]
