"""Live exchange between programs: the newest value, or every value, never torn."""

from __future__ import annotations

from .._support.lazy import lazy_names

TYPE_CHECKING = False  # type checkers take it for True
if TYPE_CHECKING:
    from .channel import LatestChannel, QueueChannel
    from .frame import Frame
    from .latest_reader import LatestReader
    from .latest_writer import LatestWriter
    from .loan import Loan
    from .queue_reader import QueueReader
    from .queue_writer import QueueWriter
    from .viewer import LatestViewer

__all__ = [
    "Frame",
    "LatestChannel",
    "LatestReader",
    "LatestViewer",
    "LatestWriter",
    "Loan",
    "QueueChannel",
    "QueueReader",
    "QueueWriter",
]

_HOMES = {
    "Frame": "frame",
    "LatestChannel": "channel",
    "LatestReader": "latest_reader",
    "LatestViewer": "viewer",
    "LatestWriter": "latest_writer",
    "Loan": "loan",
    "QueueChannel": "channel",
    "QueueReader": "queue_reader",
    "QueueWriter": "queue_writer",
}

if not TYPE_CHECKING:  # so that type checkers report names that do not exist
    __getattr__, __dir__ = lazy_names(__name__, globals(), _HOMES)
