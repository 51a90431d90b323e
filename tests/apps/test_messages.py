"""The texts of the windows."""

from __future__ import annotations

import pytest

from pyshm.apps import messages
from pyshm.errors import ArgumentError, DoesNotFitError, MapIOError


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(5, "Input/output error", "/x"), "“/x” can't be read: Input/output error."),
        (PermissionError(13, "no", "/x"), "“/x” can't be read: you don't have permission."),
        (MemoryError(), "There is not enough memory."),
        (
            DoesNotFitError("no room", field="blob", value=99),
            "No room. Set the capacity to 99 or more, or choose a smaller picture.",
        ),
        (MapIOError("full", field="capacity"), "Full. Set a smaller capacity."),
        (KeyError("x"), "Unexpected error: KeyError: 'x'."),
        (ArgumentError("two\nlines"), "Two\ufffdlines. Choose another map name."),
    ],
)
def test_errors_become_complete_sentences(error: Exception, expected: str) -> None:
    assert messages.explain(error, {}).startswith(expected)


def test_sizes_and_times_have_units() -> None:
    assert messages.in_bytes(1) == "1 byte"
    assert messages.in_bytes(10485760) == "10,485,760 bytes"
    assert messages.in_time(0.00123) == "1.23 ms"
    assert messages.in_time(1.5) == "1.50 s"
