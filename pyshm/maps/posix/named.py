"""Named maps: create, open, and take over an inherited one (docs/named-maps.md)."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import sys

from ...errors import ArgumentError, MapExistsError, MapIOError, MapNotFoundError, PyshmError
from ..enums import (
    HandleInheritability,
    MemoryMappedFileAccess,
    MemoryMappedFileOptions,
    MemoryMappedFileRights,
)

assert sys.platform != "win32"  # for type checkers

from .directory import shared_memory_directory
from .files import leads_to, open_map_file, system_error, unlink_quietly
from .handle import EXECUTE, PERMITS, READ, WRITE, MapHandle
from .holding import Finding, become_holder, open_another_holder, release, remove_if_dead
from .locks import attempts
from .unnamed import make_unnamed, try_link

__all__ = ["adopt", "create_named", "create_or_open_named", "open_named"]


def create_named(
    name: str,
    capacity: int,
    access: MemoryMappedFileAccess,
    options: MemoryMappedFileOptions,
    inheritability: HandleInheritability,
) -> MapHandle:
    """Create the named map. Raises MapExistsError if a process holds one of that name."""
    path = os.path.join(shared_memory_directory(), name)
    what = f"creating the named map {name!r}"
    # Before any memory is reserved: the most frequent failure should cost nothing.
    if not remove_if_dead(path, name):
        raise _exists(name)
    descriptor, private = make_unnamed(path, name, capacity, options)
    linked = False
    try:
        for _ in attempts(what):
            linked = try_link(descriptor, private, path)
            if linked:
                break
            if not remove_if_dead(path, name):
                raise _exists(name)
        return _holder(descriptor, path, capacity, PERMITS[access], inheritability)
    except BaseException as error:
        if linked:
            release(descriptor, path)
        os.close(descriptor)
        if isinstance(error, OSError) and not isinstance(error, PyshmError):
            raise system_error(error, what) from error
        raise
    finally:
        if private is not None:
            unlink_quietly(private)


def open_named(
    name: str, rights: MemoryMappedFileRights, inheritability: HandleInheritability
) -> MapHandle:
    """Open the named map. Raises MapNotFoundError if no process holds one of that name."""
    permits = permits_of(rights)
    path = os.path.join(shared_memory_directory(), name)
    for _ in attempts(f"opening the named map {name!r}"):
        descriptor = open_map_file(path, name)
        try:
            found = become_holder(descriptor, path)
            if found is Finding.CHANGED:
                continue
            size = os.fstat(descriptor).st_size
            if found is Finding.DEAD:
                raise MapNotFoundError(
                    f"no map named {name!r}: its file {path} ({size} bytes) exists, but no "
                    "process holds it; the process that held it ended without closing the map",
                    filename=path,
                )
            try:
                if size == 0:
                    raise MapIOError(
                        f"the file {path} of map {name!r} is empty; it can't be mapped",
                        filename=path,
                        value=0,
                        limit=1,
                    )
                handle = _holder(descriptor, path, size, permits, inheritability)
            except BaseException:
                # The other holders may have closed the map meanwhile; then this one removes it.
                release(descriptor, path)
                raise
            descriptor = -1
            return handle
        except OSError as error:
            if isinstance(error, PyshmError):
                raise
            raise system_error(error, f"opening the named map {name!r}") from error
        finally:
            if descriptor >= 0:
                os.close(descriptor)
    raise AssertionError("attempts() ends by raising")


def permits_of(rights: MemoryMappedFileRights) -> int:
    """Return what a map that is opened with ``rights`` permits its views.

    As on Windows, COPY_ON_WRITE means READ if it is the whole value, and nothing together with
    other rights.
    """
    if rights == MemoryMappedFileRights.COPY_ON_WRITE:
        return READ
    permits = 0
    if rights & MemoryMappedFileRights.READ:
        permits |= READ
    if rights & MemoryMappedFileRights.WRITE:
        permits |= WRITE
    if rights & MemoryMappedFileRights.EXECUTE:
        permits |= EXECUTE
    return permits


def create_or_open_named(
    name: str,
    capacity: int,
    access: MemoryMappedFileAccess,
    options: MemoryMappedFileOptions,
    inheritability: HandleInheritability,
) -> MapHandle:
    """Open the named map if a process holds it, else create it."""
    permits = PERMITS[access]
    rights = MemoryMappedFileRights(0)
    if permits & READ:
        rights |= MemoryMappedFileRights.READ
    if permits & WRITE:
        rights |= MemoryMappedFileRights.WRITE
    if permits & EXECUTE:
        rights |= MemoryMappedFileRights.EXECUTE
    for _ in attempts(f"creating or opening the named map {name!r}"):
        try:
            return open_named(name, rights, inheritability)
        except MapNotFoundError:
            if access is MemoryMappedFileAccess.WRITE:
                raise ArgumentError(
                    f"no map named {name!r}, and access WRITE can't create one; use READ_WRITE",
                    field="access",
                    value=access,
                ) from None
        try:
            return create_named(name, capacity, access, options, inheritability)
        except MapExistsError:
            continue
    raise AssertionError("attempts() ends by raising")


def adopt(descriptor: int) -> MapHandle:
    """Return the map of an inherited descriptor.

    Raises MapIOError if it is not the descriptor of a map, and leaves it open.
    """
    try:
        status = os.fstat(descriptor)
        flags = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE
    except (OSError, OverflowError) as error:
        raise MapIOError(
            f"descriptor {descriptor} is not an inherited map: {error}",
            errno=errno.EBADF, field="handle", value=descriptor,
        ) from error  # fmt: skip
    if not stat.S_ISREG(status.st_mode) or flags == os.O_WRONLY or not status.st_size:
        raise MapIOError(
            f"descriptor {descriptor} is not an inherited map",
            errno=errno.EBADF, field="handle", value=descriptor,
        )  # fmt: skip
    permits = READ | EXECUTE | (WRITE if flags == os.O_RDWR else 0)
    path = _path_of(descriptor)
    if path is None:
        return MapHandle(descriptor, status.st_size, permits)
    # The inherited open file description and its lock are shared with the parent.
    try:
        own = open_another_holder(descriptor, path)
    except OSError as error:
        raise system_error(error, f"taking over descriptor {descriptor}") from error
    try:
        return MapHandle(own, status.st_size, permits, path=path, inheritable=descriptor)
    except BaseException:
        os.close(own)
        raise


def _path_of(descriptor: int) -> str | None:
    """Return the path of the named map that a descriptor is open on; None if it is another file.

    /proc does not know the path, because the file was created without a name.
    """
    number = os.fstat(descriptor).st_ino
    try:
        with os.scandir(shared_memory_directory()) as entries:
            for entry in entries:
                if entry.inode() == number and leads_to(entry.path, descriptor):
                    return entry.path
    except (OSError, PyshmError):
        pass
    return None


def _holder(
    descriptor: int,
    path: str,
    capacity: int,
    permits: int,
    inheritability: HandleInheritability,
) -> MapHandle:
    inheritable = -1
    if inheritability is HandleInheritability.INHERITABLE:
        # An open file description of its own: a lock that a child shares does not show which
        # of the two processes still uses the map.
        inheritable = open_another_holder(descriptor, path)
        os.set_inheritable(inheritable, True)
    return MapHandle(descriptor, capacity, permits, path=path, inheritable=inheritable)


def _exists(name: str) -> MapExistsError:
    return MapExistsError(
        f"a map named {name!r} exists already; use open_existing or create_or_open to open it",
        field="map_name",
        value=name,
    )
