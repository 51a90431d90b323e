"""Runs the examples of pages.py: the programs and commands of a page, unchanged."""

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
from .pages import PYTHON, Block, Example, ExampleError, blocks_of

__all__ = ["Runner"]

_PATIENCE = 120.0  # seconds for a program to end, or for a held one to print something


class Runner:
    """Runs one example in folders below ``root``, which must be empty.

    ``compile_program`` and ``compile_library`` are those of interop/peers/compile.py, without the
    folder. Only examples that need .NET use them.
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

    def run(self, example: Example, variant: Mapping[str, str]) -> None:
        """Run a variant of ``example``; raise ExampleError if the result is not the page's."""
        self._page = example.page
        self._prepare(example)
        with ExitStack() as held:
            for block in example.blocks:
                if block.kind == "output":
                    self._compare(block, self._printed[block.stem])
                elif block.kind == "file":
                    path = self._folder / block.name
                    self._compare(block, path.read_text(encoding="utf-8"))
                elif variant.get(block.stem, block.language) == block.language:
                    self._execute(block, held)

    def _prepare(self, example: Example) -> None:
        from PIL import Image

        if example.in_checkout:
            _copy_checkout(self._folder)
        else:
            self._folder.mkdir(parents=True)
        Image.new("RGB", (640, 480), "steelblue").save(self._folder / "photo.png")
        for block in blocks_of(example.page):
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
                self._folder if example.in_checkout else Path(pyshm.__file__).parent.parent
            ),
            "PYTHONUNBUFFERED": "1",
            "PYTHONUTF8": "1",
            "PYSHM_DIRECTORY": str(self._root / "maps"),
            "NO_COLOR": "1",
            "COLUMNS": "100",
        }

    def _execute(self, block: Block, held: ExitStack) -> None:
        if block.language == "diff":
            self._change(block)
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
            self._printed[block.stem] = held.enter_context(self._held(block, command))
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
            raise self._error(block, f"takes more than {error.timeout} s", error.output) from None
        if (done.returncode != 0) != ("fails" in block.options):
            raise self._error(block, f"exit status {done.returncode}", done.stdout)
        self._printed[block.stem] = _text(done.stdout)

    def _command(self, block: Block) -> list[str]:
        if block.language == PYTHON:
            return [sys.executable, block.name]
        if block.language == "sh":
            return ["sh", "-e", "-c", block.text]
        assert self._compile_program is not None
        return self._compile_program(block.name.removesuffix(".cs"), block.text)

    @contextmanager
    def _held(self, block: Block, command: list[str]) -> Iterator[str]:
        """Run a program during the context; give what it printed before it waits."""
        process = subprocess.Popen(
            command,
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert isinstance(process.stdout, io.BufferedReader)
        timeout = threading.Timer(_PATIENCE, process.kill)
        timeout.start()
        try:
            first = process.stdout.read1()
            timeout.cancel()
            if not first:
                raise self._error(block, f"ended with {process.wait()} and printed nothing", b"")
            try:
                yield _text(first)
            except ExampleError as error:
                if process.poll() is None:
                    raise
                rest, _ = process.communicate()
                ended = f"{block.name} had ended with {process.returncode}"
                raise ExampleError(f"{error}\n{ended}\n{_text(first + rest)}") from None
            rest, _ = process.communicate(b"\n", timeout=_PATIENCE)
            if process.returncode != 0:
                raise self._error(block, f"exit status {process.returncode}", first + rest)
        finally:
            timeout.cancel()
            process.kill()
            process.communicate(timeout=_PATIENCE)

    def _change(self, block: Block) -> None:
        path = self._folder / block.options[0]
        text = path.read_text(encoding="utf-8")
        lines = block.text.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line[0] in " -")
        after = "".join(line[1:] for line in lines if line[0] in " +")
        if text.count(before) != 1:
            raise self._error(
                block,
                f"{block.options[0]} has these lines {text.count(before)} times",
                b"",
            )
        path.write_text(text.replace(before, after), encoding="utf-8")

    def _error(self, block: Block, what: str, printed: bytes | None) -> ExampleError:
        place = f"{self._page.name}, line {block.line}, {block.name}"
        return ExampleError(f"{place}: {what}\n{_text(printed or b'')}")

    def _compare(self, block: Block, found: str) -> None:
        pattern = "".join(
            r"(?:.*\n)*?" if line.strip() == "…" else _line_pattern(line)
            for line in block.text.splitlines()
        )
        lines = "".join(f"{_one_blank(line)}\n" for line in found.rstrip().splitlines())
        if not re.fullmatch(pattern, lines):
            raise self._error(block, f"the page has\n{block.text}\nthe output is", found.encode())


def _line_pattern(line: str) -> str:
    return ".*".join(re.escape(part) for part in _one_blank(line).split("…")) + r"\n"


def _one_blank(line: str) -> str:
    """Replace each run of blanks in ``line``: column widths depend on the machine."""
    return re.sub(r"(?<=\S) +", " ", line.rstrip())


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").replace("\r\n", "\n")


def _copy_checkout(target: Path) -> None:
    left_out = shutil.ignore_patterns("__pycache__", "bin", "obj", ".*")
    target.mkdir(parents=True)
    own = (CHECKOUT / name for name in ("interop", "tests", "fixtures"))
    for folder in (Path(pyshm.__file__).parent, *own):
        # The default, copy2, does not work under Wine.
        shutil.copytree(
            folder, target / folder.name, ignore=left_out, copy_function=shutil.copyfile
        )
    for name in ("CONTRIBUTING.md", "pyproject.toml", "tox.ini"):
        shutil.copyfile(CHECKOUT / name, target / name)
