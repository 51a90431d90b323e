"""Tells the stories of pages.py: runs a page's programs and commands as they stand there."""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyshm

from ..checkout import CHECKOUT
from .pages import PYTHON, Block, ExampleError, Story, blocks_of

__all__ = ["Stage"]

_PATIENCE = 120.0  # seconds that a program may take, or be silent before it holds


class Stage:
    """Where stories are told: in folders below ``root``, which must be new for each.

    ``compile_program`` and ``compile_library`` are those of programs.py, without the folder;
    only stories that need .NET need them.
    """

    def __init__(
        self,
        root: Path,
        compile_program: Callable[[str, str], list[str]] | None = None,
        compile_library: Callable[[str, str], Path] | None = None,
    ) -> None:
        self._root = root
        self._folder = root / "folder"
        self._compile_program = compile_program
        self._compile_library = compile_library
        self._printed: dict[str, str] = {}

    def tell(self, story: Story, cast: Mapping[str, str]) -> None:
        """Run a story; raises ExampleError where it goes otherwise than the page says."""
        self._prepare(story)
        with ExitStack() as held:
            for block in story.blocks:
                if block.kind == "output":
                    self._compare(story, block, self._printed[block.stem])
                elif block.kind == "file":
                    path = self._folder / block.name
                    self._compare(story, block, path.read_text(encoding="utf-8"))
                elif cast.get(block.stem, block.language) == block.language:
                    self._play(story, block, held)

    def _prepare(self, story: Story) -> None:
        from PIL import Image

        if story.in_checkout:
            _copy_checkout(self._folder)
        else:
            self._folder.mkdir(parents=True)
        Image.new("RGB", (640, 480), "steelblue").save(self._folder / "photo.png")
        for block in blocks_of(story.page):
            if block.kind == "example" and block.language == PYTHON:
                (self._folder / block.name).write_text(block.text, encoding="utf-8")
        (self._root / "maps").mkdir()
        programs = self._root / "programs"
        programs.mkdir()
        for name, arguments in (
            ("python", []),
            ("python3", []),
            ("pyshm", ["-m", "pyshm"]),
        ):
            program = programs / name
            command = shlex.join([sys.executable, *arguments])
            program.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
            program.chmod(0o755)
        self._environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")},
            "PATH": os.pathsep.join([str(programs), os.environ.get("PATH", "")]),
            "PYTHONPATH": str(
                self._folder if story.in_checkout else Path(pyshm.__file__).parent.parent
            ),
            "PYTHONUNBUFFERED": "1",
            "PYTHONUTF8": "1",
            "PYSHM_DIRECTORY": str(self._root / "maps"),
            "NO_COLOR": "1",
            "COLUMNS": "100",
        }

    def _play(self, story: Story, block: Block, held: ExitStack) -> None:
        if block.language == "diff":
            self._change(story, block)
            return
        if "library" in block.options:
            assert self._compile_library is not None
            library = self._compile_library(block.name.removesuffix(".cs"), block.text)
            for file in (library, library.with_suffix(".xml")):
                if file.exists():
                    shutil.copyfile(file, self._folder / file.name)
            return
        command = self._command(block)
        if "held" in block.options:
            self._printed[block.stem] = held.enter_context(self._held(story, block, command))
            return
        try:
            done = subprocess.run(
                command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=_PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise _wrong(story, block, f"takes more than {error.timeout} s", error.output) from None
        if (done.returncode != 0) != ("fails" in block.options):
            raise _wrong(story, block, f"exit status {done.returncode}", done.stdout)
        self._printed[block.stem] = _text(done.stdout)

    def _command(self, block: Block) -> list[str]:
        if block.language == PYTHON:
            return [sys.executable, block.name]
        if block.language == "sh":
            return ["sh", "-e", "-c", block.text]
        assert self._compile_program is not None
        return self._compile_program(block.name.removesuffix(".cs"), block.text)

    @contextmanager
    def _held(self, story: Story, block: Block, command: list[str]) -> Iterator[str]:
        """Run a program during the context; gives what it printed until it was ready."""
        process = subprocess.Popen(
            command,
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert isinstance(process.stdout, io.BufferedReader)
        impatience = threading.Timer(_PATIENCE, process.kill)
        impatience.start()
        try:
            first = process.stdout.read1()
            impatience.cancel()
            if not first:
                raise _wrong(story, block, f"ended with {process.wait()} before it was ready", b"")
            yield _text(first)
            rest, _ = process.communicate(b"\n", timeout=_PATIENCE)
            if process.returncode != 0:
                raise _wrong(story, block, f"exit status {process.returncode}", first + rest)
        finally:
            impatience.cancel()
            process.kill()
            process.communicate(timeout=_PATIENCE)

    def _change(self, story: Story, block: Block) -> None:
        path = self._folder / block.options[0]
        text = path.read_text(encoding="utf-8")
        lines = block.text.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line[0] in " -")
        after = "".join(line[1:] for line in lines if line[0] in " +")
        if text.count(before) != 1:
            raise _wrong(
                story, block, f"{block.options[0]} has these lines {text.count(before)} times", b""
            )
        path.write_text(text.replace(before, after), encoding="utf-8")

    def _compare(self, story: Story, block: Block, found: str) -> None:
        pattern = "".join(
            r"(?:.*\n)*?" if line.strip() == "…" else _line_pattern(line)
            for line in block.text.splitlines()
        )
        lines = "".join(f"{_one_blank(line)}\n" for line in found.rstrip().splitlines())
        if not re.fullmatch(pattern, lines):
            raise _wrong(story, block, f"the page has\n{block.text}\nbut it is", found.encode())


def _line_pattern(line: str) -> str:
    return ".*".join(re.escape(part) for part in _one_blank(line).split("…")) + r"\n"


def _one_blank(line: str) -> str:
    """A table's columns are as wide as their widest cell, which a page can't know."""
    return re.sub(r"(?<=\S) +", " ", line.rstrip())


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").replace("\r\n", "\n")


def _wrong(story: Story, block: Block, what: str, printed: bytes | None) -> ExampleError:
    place = f"{story.page.name}, line {block.line}, {block.name}"
    return ExampleError(f"{place}: {what}\n{_text(printed or b'')}")


def _copy_checkout(target: Path) -> None:
    left_out = shutil.ignore_patterns("__pycache__", "bin", "obj", ".*")
    target.mkdir(parents=True)
    own = (CHECKOUT / name for name in ("interop", "tests", "fixtures"))
    for folder in (Path(pyshm.__file__).parent, *own):
        # The default, copy2, calls what Wine lacks.
        shutil.copytree(
            folder, target / folder.name, ignore=left_out, copy_function=shutil.copyfile
        )
    for name in ("pyproject.toml", "tox.ini"):
        shutil.copyfile(CHECKOUT / name, target / name)
