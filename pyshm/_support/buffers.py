"""The bytes of any buffer: an array with several dimensions, a part of a frame, a struct."""

from __future__ import annotations

from ..errors import ArgumentError, ArgumentNullError
from .shown import shown

TYPE_CHECKING = False  # type checkers take it for True; importing typing is slow
if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined,unused-ignore]

__all__ = ["bytes_of", "memory_of", "opened"]


def opened(buffer: Buffer, field: str = "buffer") -> memoryview:
    """Return a memoryview of ``buffer``. Raises ArgumentNullError (TypeError) if it is not one."""
    try:
        return memoryview(buffer)
    except TypeError:
        raise ArgumentNullError(
            f"{field} must be bytes or another buffer, not {shown(buffer)}",
            field=field,
            value=buffer,
        ) from None


def bytes_of(buffer: Buffer) -> memoryview:
    """Return the bytes of ``buffer`` in the order of C. They are copied if they are not in it."""
    view = opened(buffer)
    if view.c_contiguous:
        if view.format == "B" and view.ndim == 1:
            return view
        if view.nbytes:
            return view.cast("B")
    return memoryview(view.tobytes())


def memory_of(buffer: Buffer, field: str = "buffer") -> memoryview:
    """Return the memory of ``buffer`` as bytes, not a copy.

    Raises ArgumentError if its items are not one after the other in the order of C. The error
    names the argument ``field``.
    """
    view = opened(buffer, field)
    if not view.c_contiguous:
        raise ArgumentError(
            f"the items of {field} are not contiguous, so it can't be used in place: its shape is "
            f"{view.shape}, its strides are {view.strides}; use a copy (numpy.ascontiguousarray)",
            field=field,
            value=view.strides,
        )
    if view.nbytes == 0:
        return memoryview(b"") if view.readonly else memoryview(bytearray())
    return view if view.format == "B" and view.ndim == 1 else view.cast("B")
