"""Every error is a PyshmError, and the built-in error that a caller would catch."""

from __future__ import annotations

import errno
import io
import pickle

import pytest

from pyshm import PyshmError, errors

LEAVES = [
    (errors.ArgumentError, ValueError, "argument"),
    (errors.ArgumentOutOfRangeError, ValueError, "argument-out-of-range"),
    (errors.ArgumentNullError, TypeError, "argument-null"),
    (errors.NameRuleError, ValueError, "argument"),
    (errors.ClosedError, ValueError, "disposed"),
    (errors.UnsupportedError, io.UnsupportedOperation, "not-supported"),
    (errors.PlatformError, NotImplementedError, "platform-not-supported"),
    (errors.MapExistsError, FileExistsError, "already-exists"),
    (errors.MapNotFoundError, FileNotFoundError, "not-found"),
    (errors.MapAccessError, PermissionError, "unauthorized"),
    (errors.MapIOError, OSError, "io"),
    (errors.TruncatedError, ValueError, "truncated"),
    (errors.LengthError, ValueError, "length-exceeds-buffer"),
    (errors.EncodingError, UnicodeError, "invalid-utf8"),
    (errors.DoesNotFitError, ValueError, "does-not-fit"),
    (errors.PictureError, ValueError, "not-a-picture"),
    (errors.StructValueError, ValueError, "out-of-range"),
    (errors.LayoutError, TypeError, "layout"),
    (errors.AssemblyError, ValueError, "assembly"),
    (errors.ChannelFormatError, ValueError, "channel-header"),
    (errors.ChannelTypeError, ValueError, "channel-type"),
    (errors.ChannelFullError, OSError, "channel-full"),
    (errors.ChannelTimeoutError, TimeoutError, "timeout"),
    (errors.ChannelEndedError, EOFError, "channel-ended"),
    (errors.WriterAliveError, BlockingIOError, "writer-alive"),
    (errors.WriterDiedError, ConnectionError, "writer-died"),
    (errors.FrameInUseError, BufferError, "frame-in-use"),
]
SYSTEM = [
    (errors.MapExistsError, errno.EEXIST),
    (errors.MapNotFoundError, errno.ENOENT),
    (errors.MapAccessError, errno.EACCES),
    (errors.MapIOError, errno.EIO),
    (errors.ChannelFullError, errno.EBUSY),
    (errors.ChannelTimeoutError, errno.ETIMEDOUT),
    (errors.WriterAliveError, errno.EAGAIN),
    (errors.WriterDiedError, errno.EPIPE),
]


@pytest.mark.parametrize(("leaf", "builtin", "kind"), LEAVES)
def test_each_error_is_a_pyshm_error_and_a_builtin_error(leaf, builtin, kind):
    assert issubclass(leaf, PyshmError)
    assert issubclass(leaf, builtin)
    assert leaf("x").kind == kind


def test_the_table_above_has_every_error():
    known = {leaf.__name__ for leaf, _, _ in LEAVES} | {"FormatError", "PyshmError"}
    assert set(errors.__all__) == known


@pytest.mark.parametrize("leaf", [leaf for leaf, _, _ in LEAVES])
def test_details_are_none_unless_given(leaf):
    error = leaf("what happened")
    assert (error.field, error.offset, error.value, error.limit) == (None, None, None, None)


@pytest.mark.parametrize("leaf", [leaf for leaf, _, _ in LEAVES])
def test_details_are_kept(leaf):
    error = leaf("what happened", kind="special", field="f", offset=4, value=5, limit=6)
    details = (error.kind, error.field, error.offset, error.value, error.limit)
    assert details == ("special", "f", 4, 5, 6)


@pytest.mark.parametrize("leaf", [leaf for leaf, _, _ in LEAVES])
def test_the_text_is_the_message_alone(leaf):
    error = leaf("what happened")
    assert (str(error), error.message, error.args) == (
        "what happened",
        "what happened",
        ("what happened",),
    )


@pytest.mark.parametrize(("leaf", "number"), SYSTEM)
def test_a_system_error_has_an_errno_even_if_none_was_given(leaf, number):
    assert leaf("x").errno == number


@pytest.mark.parametrize("leaf", [leaf for leaf, _ in SYSTEM])
def test_a_system_error_keeps_errno_and_file_name(leaf):
    error = leaf("no room", errno=errno.ENOSPC, filename="/some/file")
    assert (error.errno, error.filename, error.strerror) == (
        errno.ENOSPC,
        "/some/file",
        "no room",
    )


def test_an_errno_does_not_change_the_class():
    assert type(errors.MapIOError("x", errno=errno.EEXIST)) is errors.MapIOError


def test_an_out_of_range_argument_is_an_argument_error():
    assert issubclass(errors.ArgumentOutOfRangeError, errors.ArgumentError)


@pytest.mark.parametrize(
    "leaf",
    [
        errors.TruncatedError,
        errors.LengthError,
        errors.EncodingError,
        errors.DoesNotFitError,
        errors.PictureError,
        errors.StructValueError,
    ],
)
def test_errors_about_bytes_are_format_errors(leaf):
    assert issubclass(leaf, errors.FormatError)


def test_details_survive_pickling():
    error = pickle.loads(pickle.dumps(errors.LengthError("x", field="path_length", value=-1)))
    assert (str(error), error.field, error.value) == ("x", "path_length", -1)


def test_an_os_error_survives_pickling():
    error = errors.MapIOError(
        "no room", errno=28, filename="/x", field="capacity", value=9, limit=8
    )
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is errors.MapIOError
    assert (again.errno, again.filename, str(again)) == (28, "/x", "no room")
    assert (again.field, again.value, again.limit, again.kind) == ("capacity", 9, 8, "io")


def test_an_error_that_is_not_an_os_error_survives_pickling():
    error = pickle.loads(pickle.dumps(errors.LengthError("too long", field="path_length", value=5)))
    assert (type(error), error.field, error.value) == (errors.LengthError, "path_length", 5)


@pytest.mark.parametrize("value", [memoryview(b"a"), lambda: 0, io.BytesIO().getbuffer()])
@pytest.mark.parametrize("kind", [errors.ArgumentError, errors.MapIOError, errors.StructValueError])
def test_an_error_about_a_value_that_can_not_be_pickled_can_be(kind, value):
    again = pickle.loads(pickle.dumps(kind("wrong", field="array", value=value)))
    assert (type(again), str(again), again.field) == (kind, "wrong", "array")
    assert again.value == f"<{type(value).__name__}>"
