"""What the tests of both sessions share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pyshm import ShareMemoryHelper
from pyshm.apps.reading import Reading
from pyshm.apps.writing import Writing
from pyshm.errors import PyshmError

NUMBERS = ["100", "20", *map(str, range(60, 70))]
TIMEOUT = 30.0


def is_gone(name: str) -> bool:
    """Return whether no process holds the map."""
    try:
        ShareMemoryHelper(name).open().close()
    except FileNotFoundError:
        return True
    return False


def message_of(session: Writing | Reading, act: Callable[[], object]) -> str:
    """Return what the window shows when ``act`` fails."""
    with pytest.raises((PyshmError, OSError)) as failure:
        act()
    return session.explain(failure.value)
