"""The system calls of a mapping on Linux and macOS, and the life of a named map's file.

docs/named-maps.md is the convention; flock(2), fcntl_locking(2), open(2) and linkat(2) say
what the calls promise. The mapping itself is the standard library's ``mmap``, which already
gives what a view needs: memory that stays valid as long as any buffer of it is in use.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import stat
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ...errors import (
    ArgumentError,
    ClosedError,
    MapAccessError,
    MapExistsError,
    MapIOError,
    MapNotFoundError,
    PlatformError,
    PyshmError,
)
from ..enums import (
    FileMode,
    HandleInheritability,
    MemoryMappedFileAccess,
    MemoryMappedFileOptions,
    MemoryMappedFileRights,
)
from . import forks as _forks

assert sys.platform != "win32"  # tells type checkers, too

__all__ = [
    "MapHandle",
    "ViewMemory",
    "create_anonymous",
    "create_from_descriptor",
    "create_named",
    "create_or_open_named",
    "directory_is_chosen",
    "examine",
    "open_file",
    "open_named",
    "remove_dead",
    "shared_memory_directory",
]

_DIRECTORY_VARIABLE = "PYSHM_DIRECTORY"
_PATIENCE = 10.0  # seconds; docs/named-maps.md
FILE_MODE = 0o600  # of a named map
PRIVATE_PREFIX = ".pyshm-"  # of files that have no name yet, where there is no O_TMPFILE
_O_TMPFILE: int = getattr(os, "O_TMPFILE", 0)
# What a race with another process's close or create looks like: look again.
_AGAIN = object()

_READ, _WRITE, _EXECUTE = 1, 2, 4
_MAP_PERMITS = {
    MemoryMappedFileAccess.READ_WRITE: _READ | _WRITE,
    MemoryMappedFileAccess.READ: _READ,
    MemoryMappedFileAccess.WRITE: _WRITE,
    MemoryMappedFileAccess.COPY_ON_WRITE: _READ,
    MemoryMappedFileAccess.READ_EXECUTE: _READ | _EXECUTE,
    MemoryMappedFileAccess.READ_WRITE_EXECUTE: _READ | _WRITE | _EXECUTE,
}
# The pages are never asked to be executable: nobody runs code from a picture, and on a
# directory mounted noexec the kernel would refuse.
_VIEW_ACCESS = {
    MemoryMappedFileAccess.READ_WRITE: mmap.ACCESS_WRITE,
    MemoryMappedFileAccess.READ: mmap.ACCESS_READ,
    MemoryMappedFileAccess.WRITE: mmap.ACCESS_WRITE,
    MemoryMappedFileAccess.COPY_ON_WRITE: mmap.ACCESS_COPY,
    MemoryMappedFileAccess.READ_EXECUTE: mmap.ACCESS_READ,
    MemoryMappedFileAccess.READ_WRITE_EXECUTE: mmap.ACCESS_WRITE,
}


def _translated(error: OSError, what: str) -> PyshmError:
    """The pyshm error for a failed system call; ``what`` begins the sentence."""
    kinds: dict[int, type[MapAccessError | MapExistsError | MapNotFoundError]] = {
        errno.EACCES: MapAccessError,
        errno.EPERM: MapAccessError,
        errno.EROFS: MapAccessError,
        errno.EISDIR: MapAccessError,
        errno.EEXIST: MapExistsError,
        errno.ENOENT: MapNotFoundError,
        errno.ENOTDIR: MapNotFoundError,
    }
    number = error.errno or errno.EIO
    return kinds.get(number, MapIOError)(
        f"{what}: {os.strerror(number)}", errno=number, filename=error.filename
    )


class ViewMemory:
    """The memory of one view. It stays mapped until the last buffer of it is let go of."""

    __slots__ = ("_mapping", "buffer", "capacity", "pointer_offset")

    def __init__(self, mapping: mmap.mmap | None, pointer_offset: int, capacity: int) -> None:
        self._mapping = mapping
        self.pointer_offset = pointer_offset
        self.capacity = capacity
        # mmap(2) has no empty mappings, .NET has empty views.
        whole = memoryview(bytearray()) if mapping is None else memoryview(mapping)
        self.buffer = whole[pointer_offset : pointer_offset + capacity]

    def flush(self) -> None:
        """Write changed pages to the file behind the map (msync)."""
        if self._mapping is not None:
            self._mapping.flush()

    def check_backed(self, offset: int) -> None:
        """Raise MapIOError if the file was truncated under the view; touching it would be SIGBUS.

        ``offset`` is where the view begins in the file.
        """
        if self._mapping is not None:
            size = self._mapping.size()
            if size < offset + self.capacity:
                raise MapIOError(
                    f"the file under this view was truncated to {size} bytes; "
                    f"the view needs {offset + self.capacity}",
                    value=size,
                    limit=offset + self.capacity,
                )

    def release(self) -> None:
        """Let go of this object's own buffer."""
        self.buffer.release()
        self._mapping = None


class MapHandle:
    """An open map: a descriptor, what it permits, and for a named map the file to tidy up."""

    __slots__ = (
        "__weakref__",
        "_descriptor",
        "_inheritable",
        "_on_close",
        "_path",
        "_permits",
        "capacity",
    )

    def __init__(
        self,
        descriptor: int,
        capacity: int,
        permits: int,
        *,
        path: str | None = None,
        inheritable: int = -1,
        on_close: Callable[[], None] | None = None,
    ) -> None:
        self._descriptor = descriptor
        self._inheritable = inheritable
        self._permits = permits
        self._path = path
        self._on_close = on_close
        self.capacity = capacity
        if path is not None:
            _forks.hold(self)

    def fileno(self) -> int:
        """The descriptor: the inheritable one, where the map was opened so; -1 when closed."""
        return self._inheritable if self._inheritable >= 0 else self._descriptor

    def map_view(self, offset: int, size: int, access: MemoryMappedFileAccess) -> ViewMemory:
        """Map ``size`` bytes from ``offset``; the caller has checked both against the capacity."""
        needed = _MAP_PERMITS[access]
        if needed & _WRITE:
            # As in the Windows kernel, the right to write is enough for a view that reads, too.
            needed &= ~_READ
        if self._permits & needed != needed:
            raise MapAccessError(
                f"a {access.name} view of a map whose own access does not include it",
                field="access",
                value=access,
            )
        if size == 0:
            return ViewMemory(None, 0, 0)
        pointer_offset = offset % mmap.ALLOCATIONGRANULARITY
        try:
            with self._unlocked() as descriptor:
                mapping = mmap.mmap(
                    descriptor,
                    size + pointer_offset,
                    access=_VIEW_ACCESS[access],
                    offset=offset - pointer_offset,
                )
        except OSError as error:
            raise _translated(error, f"mapping {size} bytes at {offset}") from error
        except (ValueError, OverflowError) as error:
            # mmap's own look at the file's size: it was truncated since the map was opened.
            raise MapIOError(f"mapping {size} bytes at {offset}: {error}") from error
        return ViewMemory(mapping, pointer_offset, size)

    @contextmanager
    def _unlocked(self) -> Iterator[int]:
        """A descriptor to map. mmap keeps a duplicate of it for as long as the view lives.

        For a named map it is a description of its own, without a lock: a view keeps the
        memory, but not the name.
        """
        descriptor = self._descriptor
        if descriptor < 0:
            raise ClosedError("the map is closed")
        if self._path is None:
            yield descriptor
            return
        unlocked = _open_again(descriptor, self._path)
        try:
            yield unlocked
        finally:
            os.close(unlocked)

    def close(self) -> None:
        """Let go of the map; the last holder of a named one removes its file. Twice is fine."""
        if self.abandon() and self._on_close is not None:
            self._on_close()

    def abandon(self) -> bool:
        """Let go of the map, but not of the file it was made from; whether it was open."""
        with _forks.lock:
            descriptor, self._descriptor = self._descriptor, -1
            _forks.let_go(self)
        if descriptor < 0:
            return False
        inheritable, self._inheritable = self._inheritable, -1
        if inheritable >= 0:
            os.close(inheritable)
        if self._path is not None:
            _let_go(descriptor, self._path)
        os.close(descriptor)
        return True

    def second_description(self) -> int:
        """The file opened once more, with a shared lock of its own; -1 where that fails."""
        try:
            return _second_description(self._descriptor, self._path or "")
        except OSError:
            return -1

    def after_fork_in_child(self, own: int) -> None:
        """Become a holder of one's own: the parent's lock would otherwise be shared."""
        if own >= 0:
            os.dup2(own, self._descriptor, inheritable=False)
            os.close(own)
        else:
            # Without a lock of its own the child may only close the descriptor; the name
            # stays the parent's.
            self._path = None


# --- anonymous maps and files -------------------------------------------------------------


def create_anonymous(
    capacity: int,
    access: MemoryMappedFileAccess,
    options: MemoryMappedFileOptions,  # noqa: ARG001 - the systems have one interface
    inheritability: HandleInheritability,
) -> MapHandle:
    """A map without a name. Its pages come as they are touched, whatever ``options`` say."""
    try:
        if sys.platform == "linux":
            descriptor = os.memfd_create("pyshm", os.MFD_CLOEXEC)
        else:
            import tempfile  # a heavy import, and needed here only

            descriptor, path = tempfile.mkstemp(prefix="pyshm-")
            os.unlink(path)
    except OSError as error:
        raise _translated(error, "an anonymous map") from error
    try:
        os.ftruncate(descriptor, capacity)
        os.set_inheritable(descriptor, inheritability is HandleInheritability.INHERITABLE)
    except BaseException as error:
        os.close(descriptor)
        if isinstance(error, OSError):
            raise _translated(error, f"an anonymous map of {capacity} bytes") from error
        raise
    return MapHandle(descriptor, capacity, _MAP_PERMITS[access])


def adopt(descriptor: int) -> MapHandle:
    """The map of a descriptor that was inherited. Fails, and leaves it open, if it is no map's."""
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
    permits = _READ | _EXECUTE | (_WRITE if flags == os.O_RDWR else 0)
    path = _named(descriptor)
    if path is None:
        return MapHandle(descriptor, status.st_size, permits)
    # The inherited description and its lock are shared with the parent; this one is not.
    try:
        own = _second_description(descriptor, path)
    except OSError as error:
        raise _translated(error, f"taking over descriptor {descriptor}") from error
    try:
        return MapHandle(own, status.st_size, permits, path=path, inheritable=descriptor)
    except BaseException:
        os.close(own)
        raise


def _named(descriptor: int) -> str | None:
    """The path of the named map that a descriptor is open on, if it is one.

    /proc does not know it: the file was made without a name.
    """
    number = os.fstat(descriptor).st_ino
    try:
        with os.scandir(shared_memory_directory()) as entries:
            for entry in entries:
                if entry.inode() == number and _leads_to(entry.path, descriptor):
                    return entry.path
    except (OSError, PyshmError):
        pass
    return None


def open_file(path: str, mode: FileMode, access: MemoryMappedFileAccess) -> tuple[int, bool]:
    """Open or create ``path`` for mapping. Returns the descriptor and whether it was created.

    Takes the shared lock that .NET's FileStream takes, so that each respects the other's
    exclusive one.
    """
    reading = access in (MemoryMappedFileAccess.READ, MemoryMappedFileAccess.READ_EXECUTE)
    flags = (os.O_RDONLY if reading else os.O_RDWR) | os.O_CLOEXEC
    created = False
    try:
        if mode in (FileMode.OPEN, FileMode.TRUNCATE, FileMode.APPEND):
            descriptor = os.open(path, flags)
        elif mode is FileMode.CREATE_NEW:
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666)
            created = True
        else:
            try:
                descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666)
                created = True
            except FileExistsError:
                descriptor = os.open(path, flags | os.O_CREAT, 0o666)
    except OSError as error:
        raise _translated(error, f"file {path!r}") from error
    try:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise MapAccessError(f"file {path!r}: is a directory", filename=path)
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        if mode is FileMode.CREATE:
            os.ftruncate(descriptor, 0)
    except PyshmError:
        os.close(descriptor)
        raise
    except OSError as error:
        os.close(descriptor)
        if error.errno == errno.EWOULDBLOCK:
            raise MapIOError(
                f"file {path!r} is in use by another process, which does not share it",
                errno=error.errno,
                filename=path,
            ) from error
        raise _translated(error, f"file {path!r}") from error
    return descriptor, created


def create_from_descriptor(
    descriptor: int,
    map_name: str | None,
    capacity: int,
    access: MemoryMappedFileAccess,
    inheritability: HandleInheritability,
    on_close: Callable[[], None],
) -> MapHandle:
    """Map an open file, grown to ``capacity`` if it is shorter. ``on_close`` closes the file."""
    if map_name is not None:
        raise PlatformError(
            f"a map name ({map_name!r}) for a file exists on Windows only; "
            "let the other program open the same path instead",
            field="map_name",
            value=map_name,
        )
    try:
        if capacity > os.fstat(descriptor).st_size:
            os.ftruncate(descriptor, capacity)
        # The map's own: the file may be closed before the map, and its number used again.
        own = os.dup(descriptor)
    except OSError as error:
        raise _translated(error, f"giving the file {capacity} bytes") from error
    if inheritability is HandleInheritability.INHERITABLE:
        os.set_inheritable(own, True)
    return MapHandle(own, capacity, _MAP_PERMITS[access], on_close=on_close)


# --- named maps ---------------------------------------------------------------------------


def shared_memory_directory() -> str:
    """The directory whose files are the named maps (docs/named-maps.md, "The file")."""
    chosen = os.environ.get(_DIRECTORY_VARIABLE)
    if chosen:
        if not os.path.isabs(chosen) or not os.path.isdir(chosen):
            raise ArgumentError(
                f"{_DIRECTORY_VARIABLE}={chosen!r} is not the absolute path of a directory",
                field=_DIRECTORY_VARIABLE,
                value=chosen,
            )
        return chosen
    if sys.platform == "linux" and os.path.isdir("/dev/shm"):
        return "/dev/shm"
    raise PlatformError(
        "this system has no shared-memory directory; set "
        f"{_DIRECTORY_VARIABLE} to a directory that all programs use"
    )


def directory_is_chosen() -> bool:
    """Whether the directory is one that was chosen for named maps, and no other program's."""
    return bool(os.environ.get(_DIRECTORY_VARIABLE))


def create_named(
    name: str,
    capacity: int,
    access: MemoryMappedFileAccess,
    options: MemoryMappedFileOptions,
    inheritability: HandleInheritability,
) -> MapHandle:
    """Create the named map; MapExistsError if somebody holds one of that name."""
    path = os.path.join(shared_memory_directory(), name)
    what = f"creating the named map {name!r}"
    # Before any memory is reserved: the usual reason to fail should cost nothing.
    if not _remove_if_dead(path, name):
        raise _exists(name)
    descriptor, private = _make_unnamed(path, name, capacity, options)
    linked = False
    try:
        for _ in _attempts(what):
            try:
                _link(descriptor, private, path)
                linked = True
                break
            except FileExistsError:
                pass
            if not _remove_if_dead(path, name):
                raise _exists(name)
        return _holder(descriptor, path, capacity, _MAP_PERMITS[access], inheritability)
    except BaseException as error:
        if linked:
            _let_go(descriptor, path)
        os.close(descriptor)
        if isinstance(error, OSError) and not isinstance(error, PyshmError):
            raise _translated(error, what) from error
        raise
    finally:
        if private is not None:
            _unlink_quietly(private)


def open_named(
    name: str, rights: MemoryMappedFileRights, inheritability: HandleInheritability
) -> MapHandle:
    """Open the named map; MapNotFoundError if nobody holds one of that name."""
    permits = 0
    if rights & (MemoryMappedFileRights.READ | MemoryMappedFileRights.COPY_ON_WRITE):
        permits |= _READ
    if rights & MemoryMappedFileRights.WRITE:
        permits |= _WRITE
    if rights & MemoryMappedFileRights.EXECUTE:
        permits |= _EXECUTE
    path = os.path.join(shared_memory_directory(), name)
    for _ in _attempts(f"opening the named map {name!r}"):
        descriptor = _open(path, name)
        try:
            found = _become_holder(descriptor, path)
            if found is _AGAIN:
                continue
            size = os.fstat(descriptor).st_size
            if not found:
                raise MapNotFoundError(
                    f"no map named {name!r}: its file {path} ({size} bytes) is there, but no "
                    "process holds it; it was left by a process that died",
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
                # The others may have let go meanwhile, and left the removal to this one.
                _let_go(descriptor, path)
                raise
            descriptor = -1
            return handle
        except OSError as error:
            if isinstance(error, PyshmError):
                raise
            raise _translated(error, f"opening the named map {name!r}") from error
        finally:
            if descriptor >= 0:
                os.close(descriptor)
    raise AssertionError("the attempts end by raising")


def create_or_open_named(
    name: str,
    capacity: int,
    access: MemoryMappedFileAccess,
    options: MemoryMappedFileOptions,
    inheritability: HandleInheritability,
) -> MapHandle:
    """Open the named map if somebody holds it, else create it."""
    permits = _MAP_PERMITS[access]
    rights = MemoryMappedFileRights(0)
    if permits & _READ:
        rights |= MemoryMappedFileRights.READ
    if permits & _WRITE:
        rights |= MemoryMappedFileRights.WRITE
    if permits & _EXECUTE:
        rights |= MemoryMappedFileRights.EXECUTE
    for _ in _attempts(f"creating or opening the named map {name!r}"):
        try:
            return open_named(name, rights, inheritability)
        except MapNotFoundError:
            if access is MemoryMappedFileAccess.WRITE:
                raise ArgumentError(
                    "a map can't be created with access WRITE, and none of that name exists",
                    field="access",
                    value=access,
                ) from None
        try:
            return create_named(name, capacity, access, options, inheritability)
        except MapExistsError:
            continue
    raise AssertionError("the attempts end by raising")


def examine(path: str, name: str) -> tuple[int, bool | None]:
    """A descriptor of the file at ``path``, and whether somebody holds it; none is taken.

    None for whether: it changed meanwhile. Raises as :func:`open_named` for what is no map's file.
    """
    descriptor = _open(path, name)
    try:
        with _transition_lock(descriptor, path):
            if not _leads_to(path, descriptor):
                return descriptor, None
            return descriptor, not _is_dead(descriptor)
    except BaseException as error:
        os.close(descriptor)
        if isinstance(error, OSError) and not isinstance(error, PyshmError):
            raise _translated(error, f"looking at {path}") from error
        raise


def remove_dead(path: str, name: str, examined: os.stat_result) -> bool:
    """Remove the file that was ``examined``, if nobody holds it now; whether it is gone."""
    return _remove_if_dead(path, name, examined)


def _exists(name: str) -> MapExistsError:
    return MapExistsError(f"a map named {name!r} exists already", field="map_name", value=name)


def _attempts(what: str) -> Iterator[None]:
    """Yield until ``_PATIENCE`` is over, longer and longer pauses between, then raise."""
    deadline = time.monotonic() + _PATIENCE
    pause = 0.00002
    while True:
        yield
        if time.monotonic() > deadline:
            raise MapIOError(
                f"{what}: its state kept changing, or was locked, for {_PATIENCE:.0f} seconds",
                errno=errno.EBUSY,
            )
        time.sleep(pause)
        pause = min(pause * 2, 0.005)


def _open(path: str, name: str) -> int:
    """Open the file at ``path`` if it is a regular one."""
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            raise MapNotFoundError(f"no map named {name!r}", filename=path) from error
        if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.ENODEV):
            raise _not_regular(path, name) from error
        raise _translated(error, f"the file {path} of map {name!r}") from error
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise _not_regular(path, name)
    if found.st_uid != os.geteuid():
        os.close(descriptor)
        raise MapAccessError(
            f"map {name!r}: its file {path} belongs to another user ({found.st_uid}) and is "
            "not trusted",
            filename=path,
        )
    return descriptor


def _not_regular(path: str, name: str) -> MapAccessError:
    return MapAccessError(
        f"map {name!r}: {path} is no regular file (a link, a directory or a device) "
        "and is not followed",
        filename=path,
    )


def _make_unnamed(
    path: str, name: str, capacity: int, options: MemoryMappedFileOptions
) -> tuple[int, str | None]:
    """A locked file of the right size that has no name yet, or a private one (returned)."""
    directory = os.path.dirname(path)
    what = f"creating the named map {name!r} with {capacity} bytes in {directory}"
    private: str | None = None
    try:
        descriptor = -1
        if _O_TMPFILE:
            try:
                descriptor = os.open(directory, _O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, FILE_MODE)
            except OSError as error:
                if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):
                    raise
        if descriptor < 0:
            private = os.path.join(directory, f"{PRIVATE_PREFIX}{os.urandom(12).hex()}")
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(private, flags, FILE_MODE)
    except OSError as error:
        raise _translated(error, what) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        os.fchmod(descriptor, FILE_MODE)  # the umask may have taken more away
        if options & MemoryMappedFileOptions.DELAY_ALLOCATE_PAGES:
            os.ftruncate(descriptor, capacity)
        else:
            _reserve(descriptor, capacity, what)
    except BaseException as error:
        os.close(descriptor)
        if private is not None:
            _unlink_quietly(private)
        if isinstance(error, OSError) and not isinstance(error, PyshmError):
            raise _translated(error, what) from error
        raise
    return descriptor, private


def _reserve(descriptor: int, capacity: int, what: str) -> None:
    """Give the file its memory now: running out of it later would be a SIGBUS."""
    space = os.fstatvfs(descriptor)
    free = space.f_bavail * space.f_frsize
    # Asked first, since posix_fallocate fills the directory before it finds that it is full.
    if capacity <= free or not space.f_blocks:  # a tmpfs without a limit counts no blocks
        try:
            if sys.platform == "darwin":
                os.ftruncate(descriptor, capacity)
            else:
                os.posix_fallocate(descriptor, 0, capacity)
            return
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
    raise MapIOError(
        f"{what}: only {free} bytes are free there",
        errno=errno.ENOSPC,
        field="capacity",
        value=capacity,
        limit=free,
    )


def _link(descriptor: int, private: str | None, path: str) -> None:
    """Give the file its name; FileExistsError if the name is taken."""
    if private is not None:
        os.link(private, path, follow_symlinks=False)
        return
    # linkat(2) with AT_SYMLINK_FOLLOW is what names an O_TMPFILE file. CPython calls plain
    # link(2), which does not follow, unless a directory descriptor is given.
    directory = os.open("/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.link(f"/proc/self/fd/{descriptor}", path, src_dir_fd=directory, follow_symlinks=True)
    finally:
        os.close(directory)


def _holder(
    descriptor: int,
    path: str,
    capacity: int,
    permits: int,
    inheritability: HandleInheritability,
) -> MapHandle:
    inheritable = -1
    if inheritability is HandleInheritability.INHERITABLE:
        # Its own open file description: the lock of one that a child shares says nothing
        # about who of the two still uses it.
        inheritable = _second_description(descriptor, path)
        os.set_inheritable(inheritable, True)
    return MapHandle(descriptor, capacity, permits, path=path, inheritable=inheritable)


def _open_again(descriptor: int, path: str) -> int:
    """Another open file description of the file of ``descriptor``."""
    # macOS has no /proc, and its /dev/fd duplicates the description instead of opening the file.
    source = f"/proc/self/fd/{descriptor}" if sys.platform == "linux" else path
    second = os.open(source, os.O_RDWR | os.O_CLOEXEC)
    try:
        if not os.path.samestat(os.fstat(second), os.fstat(descriptor)):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    except BaseException:
        os.close(second)
        raise
    return second


def _second_description(descriptor: int, path: str) -> int:
    """Another one, with a shared lock of its own."""
    second = _open_again(descriptor, path)
    try:
        fcntl.flock(second, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BaseException:
        os.close(second)
        raise
    return second


def _become_holder(descriptor: int, path: str) -> object:
    """True: the file is alive and now held by ``descriptor`` too. False: dead. Or _AGAIN."""
    with _transition_lock(descriptor, path):
        if not _leads_to(path, descriptor):
            return _AGAIN
        if _is_dead(descriptor):
            return False
        return True if _try_lock(descriptor, fcntl.LOCK_SH) else _AGAIN


def _is_dead(descriptor: int) -> bool:
    """Whether nobody holds the file; the caller has the transition lock."""
    if not _try_lock(descriptor, fcntl.LOCK_EX):
        return False
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return True


def _remove_if_dead(path: str, name: str, examined: os.stat_result | None = None) -> bool:
    """Remove the file at ``path``, unless somebody holds it (or it is not the ``examined`` one).

    Returns whether there is none any more.
    """
    try:
        descriptor = _open(path, name)
    except MapNotFoundError:
        return True
    try:
        with _transition_lock(descriptor, path):
            if not _leads_to(path, descriptor):
                return True
            if examined is not None and not os.path.samestat(os.fstat(descriptor), examined):
                return False
            if not _try_lock(descriptor, fcntl.LOCK_EX):
                return False
            try:
                os.unlink(path)
            except FileNotFoundError:
                pass  # somebody removed it by hand
            return True
    except OSError as error:
        if isinstance(error, PyshmError):
            raise
        raise _translated(error, f"removing {path}, which a process that died has left") from error
    finally:
        os.close(descriptor)


def _let_go(descriptor: int, path: str) -> None:
    """The closing half of the convention; leaves ``descriptor`` open and without locks."""
    try:
        with _transition_lock(descriptor, path):
            if _try_lock(descriptor, fcntl.LOCK_EX) and _leads_to(path, descriptor):
                _unlink_quietly(path)
    except OSError:
        pass  # no lock to be had: the file is dead then, and the next creator removes it
    finally:
        # A child that was forked in a hurry may share the description, and must not keep the name.
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def _try_lock(descriptor: int, operation: int) -> bool:
    try:
        fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _leads_to(path: str, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.lstat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _unlink_quietly(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass


@contextmanager
def _transition_lock(descriptor: int, path: str) -> Iterator[None]:
    """Hold the lock under which a named map's file changes state."""
    if sys.platform == "linux":
        for _ in _attempts(f"waiting for the transition lock of {path}"):
            if _try_record_lock(descriptor, fcntl.F_WRLCK):
                break
        try:
            yield
        finally:
            _try_record_lock(descriptor, fcntl.F_UNLCK)
    else:
        # No record locks that belong to an open file description there. The directory is one
        # that the user chose, so nobody else's lock gets in the way.
        directory = os.open(os.path.dirname(path), os.O_RDONLY | os.O_CLOEXEC)
        try:
            for _ in _attempts(f"waiting for the transition lock of {path}"):
                if _try_lock(directory, fcntl.LOCK_EX):
                    break
            yield
        finally:
            os.close(directory)


def _try_record_lock(descriptor: int, kind: int) -> bool:
    # struct flock: l_type, l_whence, l_start, l_len, l_pid (0 for these locks)
    request = struct.pack("hhqqi4x", kind, os.SEEK_SET, 0, 1, 0)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, request)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return False
        raise
    return True
