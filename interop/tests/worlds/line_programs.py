"""Programs that carry out commands, one at a time: LinePeer on Mono and on .NET, and Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, unquote

from pyshm import ImageData, MemoryMappedFile, MemoryMappedViewAccessor, TestData
from tests.conftest import Child


class Refused(Exception):
    """The answer of a program that got an exception."""

    def __init__(self, kind: str, hresult: str, message: str, *parts: str) -> None:
        super().__init__(f"{kind} {hresult}: {message}")
        self.kind = kind
        self.hresult = hresult
        self.message = message
        self.parts = parts


class Program(Protocol):
    """A program that carries out the commands of LinePeer."""

    def ask(self, *words: object) -> list[str]:
        """Carry out a command; return the words of its result. Raises Refused."""

    def close(self) -> None:
        """End the program."""


class LineProgram:
    """A process that runs LinePeer. If Mono crashes, it writes a report to ``folder``."""

    def __init__(self, command: list[str], folder: str) -> None:
        self.process = Child(command, cwd=folder).ready()

    @property
    def folder(self) -> Path:
        """The folder of the process in /proc."""
        return Path("/proc", str(self.process.pid))

    @property
    def own_file(self) -> Path:
        """The file that Mono keeps for each of its processes."""
        return Path(f"/dev/shm/mono.{self.process.pid}")

    def ask(self, *words: object) -> list[str]:
        line = " ".join(quote(str(word), safe="") for word in words)
        status, *answer = [unquote(word) for word in self.process.ask(line).split(" ")]
        if status != "ok":
            raise Refused(*answer)
        return answer

    def kill(self) -> None:
        """Kill the process, and remove the file that Mono leaves then."""
        self.process.kill()
        self.own_file.unlink(missing_ok=True)

    def close(self) -> None:
        try:
            self.process.finish()  # so that it releases its maps
        finally:
            self.process.close()
            self.own_file.unlink(missing_ok=True)


class PythonProgram:
    """pyshm in this process. It has the commands of LinePeer that both directions need."""

    def __init__(self) -> None:
        self._objects: dict[str, MemoryMappedFile | MemoryMappedViewAccessor] = {}

    def ask(self, *words: object) -> list[str]:
        command, label, *rest = words
        run: Callable[..., list[str]] = getattr(self, "_" + str(command).replace("-", "_"))
        return run(label, *rest)

    def close(self) -> None:
        for one in reversed(self._objects.values()):
            one.close()

    def _create_new(self, label: str, name: str, size: int) -> list[str]:
        self._objects[label] = MemoryMappedFile.create_new(name, size)
        return []

    def _create_or_open(self, label: str, name: str, size: int) -> list[str]:
        self._objects[label] = MemoryMappedFile.create_or_open(name, size)
        return []

    def _open_existing(self, label: str, name: str) -> list[str]:
        self._objects[label] = MemoryMappedFile.open_existing(name)
        return []

    def _view(self, label: str, mapped: str) -> list[str]:
        found = self._objects[mapped]
        assert isinstance(found, MemoryMappedFile)
        self._objects[label] = found.create_view_accessor()
        return []

    def _dispose(self, label: str) -> list[str]:
        self._objects.pop(label).close()
        return []

    def _buffer(self, view: str) -> memoryview:
        found = self._objects[view]
        assert isinstance(found, MemoryMappedViewAccessor)
        return found.buffer

    def _read(self, view: str, position: int, count: int) -> list[str]:
        return [self._buffer(view)[position : position + count].hex()]

    def _write(self, view: str, position: int, digits: str) -> list[str]:
        data = bytes.fromhex(digits)
        self._buffer(view)[position : position + len(data)] = data
        return []

    def _read_blob(self, view: str) -> list[str]:
        image = ImageData.from_bytes(self._buffer(view))
        return [image.path, image.content.hex()]

    def _write_blob(self, view: str, path: str, digits: str) -> list[str]:
        return [str(ImageData(path, bytes.fromhex(digits)).write_into(self._buffer(view)))]

    def _read_struct(self, view: str) -> list[str]:
        return [str(TestData.unpack_from(self._buffer(view)))]

    def _write_struct(self, view: str, id_: int, age: int, scores: str) -> list[str]:
        value = TestData(id_, age, [int(score) for score in scores.split(",")])
        value.pack_into(self._buffer(view))
        return [str(len(value.to_bytes()))]
