"""Named maps: create, open, and take over an inherited one (docs/named-maps.md)."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import sys
from contextlib import suppress

from ...errors import ArgumentError, MapExistsError, MapIOError, MapNotFoundError, PyshmError
from .. import registry
from ..descriptors import Descriptor
from ..enums import (
    HandleInheritability,
    MemoryMappedFileAccess,
    MemoryMappedFileOptions,
    MemoryMappedFileRights,
)

assert sys.platform != "win32"  # for type checkers

from . import ending
from .directory import shared_memory_directory
from .files import PRIVATE_PREFIX, check_resources, is_marked, open_map_file, system_error
from .handle import EXECUTE, PERMITS, READ, WRITE, MapHandle
from .holding import (
    Finding,
    become_holder,
    open_another_holder,
    release,
    remove_if_dead,
    users_of,
)
from .locks import attempts
from .unnamed import UnnamedFile

__all__ = ["adopt", "create_named", "create_or_open_named", "open_named"]


def create_named(
    name: str,
    capacity: int,
    access: MemoryMappedFileAccess,
    options: MemoryMappedFileOptions,
    inheritability: HandleInheritability,
) -> MapHandle:
    """Create the named map. Raises MapExistsError if a process holds one of that name."""
    ending.check()
    directory = shared_memory_directory()
    path = os.path.join(directory, name)
    # Before any memory is reserved: the most frequent failure should cost nothing.
    if not remove_if_dead(path, name):
        raise _exists(name)
    what = f"creating the named map {name!r}"
    unnamed = UnnamedFile(path, f"{what} with {capacity} bytes in {directory}")
    try:
        file = unnamed.make(capacity, options)
        ending.begin(file)
        for _ in attempts(what):
            if unnamed.try_link():
                break
            if not remove_if_dead(path, name):
                raise _exists(name)
        unnamed.remove_private_name()
        return _holder(file, path, capacity, PERMITS[access], inheritability)
    except BaseException as error:
        unnamed.remove_private_name()
        if unnamed.file is not None:
            _give_up(unnamed.file, path)
        if isinstance(error, OSError) and not isinstance(error, PyshmError):
            raise system_error(error, what) from error
        raise


def open_named(
    name: str, rights: MemoryMappedFileRights, inheritability: HandleInheritability
) -> MapHandle:
    """Open the named map. Raises MapNotFoundError if no process holds one of that name."""
    ending.check()
    permits = permits_of(rights)
    path = os.path.join(shared_memory_directory(), name)
    what = f"opening the named map {name!r}"
    for _ in attempts(what):
        file = open_map_file(path, name)
        found = None
        try:
            ending.begin(file)
            found = become_holder(file, path)
            if found is Finding.CHANGED:
                file.close()
                continue
            status = os.fstat(file.fileno())
            if found is Finding.DEAD:
                raise _dead(name, path, file, status)
            if status.st_size == 0:
                raise MapIOError(
                    f"the file {path} of map {name!r} is empty; it can't be mapped",
                    filename=path,
                    value=0,
                    limit=1,
                )
            return _holder(file, path, status.st_size, permits, inheritability, status)
        except BaseException as error:
            if found is Finding.ALIVE:
                # The other holders may have closed the map meanwhile; then this one removes it.
                _give_up(file, path)
            file.close()
            if isinstance(error, OSError) and not isinstance(error, PyshmError):
                raise system_error(error, what) from error
            raise
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

    Raises MapIOError if it is not the descriptor of a map, or if an open map owns it already, and
    leaves it open.
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
    claim = registry.Claim(descriptor, "descriptor")
    try:
        return _take_over(descriptor, status, permits)
    finally:
        claim.end()  # the traceback of an error would keep it


def _take_over(descriptor: int, status: os.stat_result, permits: int) -> MapHandle:
    # The inherited open file description and its lock are shared with the parent.
    try:
        path = _path_of(descriptor, status)
        if path is None:
            return MapHandle(Descriptor(descriptor), status.st_size, permits, status=status)
        own = open_another_holder(descriptor, path)
    except OSError as error:
        raise system_error(error, f"taking over descriptor {descriptor}") from error
    try:
        handle = MapHandle(own, status.st_size, permits, path=path, status=status)
    except BaseException:
        _give_up(own, path)
        raise
    handle.also_own(Descriptor(descriptor))
    return handle


def _path_of(descriptor: int, status: os.stat_result) -> str | None:
    """Return the path of the named map whose file this is; None if it is another file."""
    home = _home_of(descriptor)
    path = None if home is None else _path_in(home, status)
    if path is None:
        with suppress(PyshmError):  # PYSHM_DIRECTORY can be wrong; the memory is usable
            path = _path_in(shared_memory_directory(), status)
    return path


def _home_of(descriptor: int) -> str | None:
    """Return the directory of the file of a named map; None if that is not known.

    It can be another one than now, if PYSHM_DIRECTORY was changed. /proc does not know the name,
    because the file was created with none or with a private one.
    """
    if sys.platform == "linux" and is_marked(descriptor):
        first = os.readlink(f"/proc/self/fd/{descriptor}")
        folder, name = os.path.split(first)
        if name.startswith(("#", PRIVATE_PREFIX)) and name.endswith(" (deleted)"):
            return None if os.path.lexists(first) else folder
    return None


def _path_in(folder: str, status: os.stat_result) -> str | None:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.inode() == status.st_ino and os.path.samestat(
                    entry.stat(follow_symlinks=False), status
                ):
                    return entry.path
    except OSError as error:
        check_resources(error)
    return None


def _holder(
    file: Descriptor,
    path: str,
    capacity: int,
    permits: int,
    inheritability: HandleInheritability,
    status: os.stat_result | None = None,
) -> MapHandle:
    inheritable = None
    if inheritability is HandleInheritability.INHERITABLE:
        # An open file description of its own: a lock that a child shares does not show which
        # of the two processes still uses the map.
        inheritable = open_another_holder(file.fileno(), path)
        os.set_inheritable(inheritable.fileno(), True)
    try:
        return MapHandle(file, capacity, permits, path=path, status=status, inheritable=inheritable)
    except BaseException:
        if inheritable is not None:
            inheritable.close()  # its lock would keep the name
        raise


def _give_up(file: Descriptor, path: str) -> None:
    """Release and close the file of a map that could not be opened."""
    try:
        release(file, path)
    finally:
        file.close()


def _exists(name: str) -> MapExistsError:
    return MapExistsError(
        f"a map named {name!r} exists already; use open_existing or create_or_open to open it",
        field="map_name",
        value=name,
    )


def _dead(name: str, path: str, file: Descriptor, status: os.stat_result) -> MapNotFoundError:
    users = users_of(file, status)
    why = (
        f"{users} it, but not as a map"
        if users
        else "the process that held it ended without closing the map"
    )
    return MapNotFoundError(
        f"no map named {name!r}: its file {path} ({status.st_size} bytes) exists, but no process "
        f"holds it; {why}",
        filename=path,
    )
