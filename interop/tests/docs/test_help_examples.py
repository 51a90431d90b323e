"""Every example in the help of every command, run as a user does; what it prints is compared."""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
from PIL import Image

from interop.checkout import CHECKOUT
from interop.peers.compile import compile_library
from pyshm import ImageData, ShareMemoryHelper, TestData
from pyshm.cli.parser import build_parser

pytestmark = pytest.mark.posix

PATIENCE = 60
MODULES = {
    "robots.py": """
from typing import Annotated
from pyshm import Struct
from pyshm import types as t

class Joint(Struct):
    x: t.Int32
    y: t.Int32

class Arm(Struct):
    speed: t.Single
    joint: Joint
""",
    "telemetry.py": """
from pyshm import Struct
from pyshm import types as t

class Car(Struct, name="My.Space.Car"):
    id: t.Int32
    speed: t.Double

class Telemetry(Struct):
    car: Car

class Track(Struct):
    length: t.Single
""",
}
MY_APP = """
#pragma warning disable
using System.Runtime.InteropServices;

namespace Race
{
    public enum Gear { Park, Drive = 4 }

    public struct Wheel { public float Pressure; }

    [StructLayout(LayoutKind.Sequential)]
    public struct Car
    {
        public Gear Gear;
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = 4)] public Wheel[] Wheels;
    }
}

namespace My.Space
{
    public struct Car { public int Id; public double Speed; }

    public struct Telemetry { public Car Car; }
}
"""
PROGRAMS = {
    "import": "import sys; from PIL import Image; "
    "Image.new('RGB', (3, 2)).save(sys.stdout.buffer, 'PNG')",
    "convert": "import sys; open(sys.argv[-1], 'wb').write(sys.stdin.buffer.read())",
    "xdg-open": "import sys; open('shown', 'w').write(sys.argv[-1])",
}


class Expected(NamedTuple):
    """What an example prints (a regular expression; "" is nothing), and the files that it makes.

    A ``held`` one runs until it is ended. ``after`` is a command whose output is compared instead
    of its own; ``changes`` says that the map "data" is changed meanwhile.
    """

    text: str
    files: tuple[str, ...] = ()
    held: bool = False
    after: str = ""
    changes: bool = False


PICTURE = r"path: photo\.jpg\nlength: \d+\nsha256: [0-9a-f]{64}\n"
TEST_DATA = "Id=7,Age=20,Scores=60,61,62,63,64,65,66,67,68,69\n"
HEX = r"0{7}0  07 00 00 00 14 00 00 00 3c 00 00 00 3d 00 00 00  \.{8}<\.\.\.=\.\.\.\n"
TABLE = r"NAME +SIZE +STATE +HOLDS +HELD BY\n(.*\n)*picture +\S+ +alive +blob \(photo\.jpg, .*"
CAR = "Gear = Drive (4)\nWheels[0].Pressure = 2.2"
EXPECTED = {
    # pyshm --help
    "pyshm write-image picture photo.jpg": Expected(
        PICTURE, held=True, after="pyshm read-image picture"
    ),
    "pyshm read-image picture --out copy.jpg": Expected(PICTURE, ("copy.jpg",)),
    "pyshm write-struct data --id 7": Expected(
        re.escape(TEST_DATA), held=True, after="pyshm read-struct data"
    ),
    "pyshm dump data --as TestData": Expected(
        r"data: TestData, 4096 bytes\n0{8}  07 00 00 00 .* Id = 7\n(.*\n)+.* Scores\[9\] = 69\n"
    ),
    "pyshm watch data --as TestData": Expected(
        r"data: TestData, 4096 bytes\n(.*\n)*.*00000004  Age = 20 -> 21\n", held=True, changes=True
    ),
    "pyshm list": Expected(TABLE),
    "pyshm layout MyApp.dll": Expected(r" +20 +16 +Race\.Car\n4 types; \.NET marshals 4 of them\n"),
    "pyshm bind MyApp.dll -o structs.py": Expected("", ("structs.py",)),
    "pyshm csharp structs:Telemetry": Expected(r"public struct Telemetry\n"),
    "pyshm doctor": Expected(r"ok +Python"),
    # write-image
    "pyshm write-image picture photo.jpg --watch": Expected(
        PICTURE, held=True, after="pyshm read-image picture"
    ),
    "import -window root png:- | pyshm write-image picture - --path screen.png": Expected(
        r"path: screen\.png\nlength: \d+\n", held=True, after="pyshm read-image picture"
    ),
    # read-image
    "pyshm read-image picture": Expected(PICTURE),
    "pyshm read-image picture --show": Expected(PICTURE, ("shown",)),
    "pyshm read-image picture --out - | convert - small.png": Expected(PICTURE, ("small.png",)),
    # write-struct
    "pyshm write-struct data": Expected(
        "Id=100,Age=20,Scores=60,61,", held=True, after="pyshm read-struct data"
    ),
    "pyshm write-struct data --id 7 --age -1": Expected(
        "Id=7,Age=-1,", held=True, after="pyshm read-struct data"
    ),
    "pyshm write-struct data --scores 1,2,3,4,5,6,7,8,9,10": Expected(
        "Id=100,Age=20,Scores=1,2,3,4,5,6,7,8,9,10", held=True, after="pyshm read-struct data"
    ),
    "pyshm write-struct arm --as robots:Arm --set speed=2.5 --set joint.x=1": Expected(
        r"Speed = 2\.5\nJoint\.X = 1\nJoint\.Y = 0\n",
        held=True,
        after="pyshm read-struct arm --as robots:Arm",
    ),
    "pyshm write-struct car --as MyApp.dll:Race.Car --set Gear=Drive "
    "--set Wheels[0].Pressure=2.2": Expected(
        re.escape(CAR), held=True, after="pyshm read-struct car --as MyApp.dll:Race.Car"
    ),
    # read-struct
    "pyshm read-struct data": Expected(re.escape(TEST_DATA)),
    "pyshm read-struct data --json": Expected(r'\{"map": "data", "id": 7, "age": 20, "scores": '),
    "pyshm read-struct arm --as robots:Arm": Expected(r"Speed = 0\.0\nJoint\.X = 0\n"),
    "pyshm read-struct car --as MyApp.dll:Race.Car": Expected(r"Gear = Park \(0\)\nWheels\[0\]"),
    # dump
    "pyshm dump picture": Expected(r"picture: blob, 65536 bytes\n.*\n.*path = \"photo\.jpg\"\n"),
    "pyshm dump data": Expected(r"data: raw, 4096 bytes; .*--as.*\n" + HEX),
    "pyshm dump data --as robots:Arm": Expected(
        r"data: Arm, 4096 bytes\n.*Speed = .*\n.*Joint\.X = 20"
    ),
    "pyshm dump data --as robots:Arm --array 6": Expected(
        r"data: Arm\[6\], 4096 bytes\n.*\[0\]\.Speed = .*\n.*\[0\]\.Joint\.X = 20\n"
    ),
    "pyshm dump map.bin --file --length 64": Expected(r"map\.bin: raw, 64 bytes; .*--as.*\n" + HEX),
    "pyshm dump picture --html dump.html": Expected("", ("dump.html",)),
    # watch
    "pyshm watch data": Expected(
        r".*00000004  bytes, 1 bytes: 14 -> 15\n", held=True, changes=True
    ),
    "pyshm watch data --as robots:Arm": Expected(
        r".*00000004  Joint\.X = 20 -> 21\n", held=True, changes=True
    ),
    "pyshm watch data --json --count 1": Expected(
        r'\{.*"event": "appeared".*\n\{.*"event": "changed".*"old": "14", "new": "15"',
        held=True,
        changes=True,
    ),
    "pyshm watch picture --interval 1": Expected(r"\S+  picture: blob, 65536 bytes\n", held=True),
    # list and clean
    "pyshm list --json": Expected(r'\{"maps": \[\{"name": "arm", '),
    "pyshm list --names": Expected("arm\ncar\ndata\npicture\n"),
    "pyshm list --all": Expected(TABLE),
    "pyshm clean --dry-run": Expected(r"would remove dead \(100 bytes\)\n"),
    "pyshm clean": Expected(r"removed dead \(100 bytes\)\n"),
    "pyshm clean data": Expected(r"removed data \(48 bytes\)\n"),
    # layout
    "pyshm layout telemetry:Car": Expected(
        r"My\.Space\.Car: 16 bytes, .*\noffset +size +name +type\n +0 +4 +Id +int\n"
    ),
    "pyshm layout MyApp.dll:My.Space.Car --managed": Expected(
        r"My\.Space\.Car: 16 bytes, .*managed"
    ),
    "pyshm layout telemetry:Car --diff MyApp.dll:My.Space.Car": Expected(
        r"A  My\.Space\.Car: .*\nB  My\.Space\.Car: .*\nthe same bytes\n"
    ),
    "pyshm layout telemetry:Car --svg car.svg": Expected("", ("car.svg",)),
    "pyshm layout MyApp.dll --json": Expected(r'\{"type": "\S+", "native_size": '),
    # bind and csharp
    "pyshm bind MyApp.dll --type My.Space.Telemetry": Expected(r"class Telemetry\(Struct"),
    "pyshm bind MyApp.dll --reference lib/net8.0": Expected(r"class Wheel\(Struct"),
    "pyshm bind MyApp.dll -o structs.py --check": Expected(""),
    "pyshm csharp telemetry:Telemetry -o Structs.cs": Expected("", ("Structs.cs",)),
    "pyshm csharp telemetry:Car telemetry:Track --namespace My.Game": Expected(
        r"namespace My\.Game"
    ),
    "pyshm csharp telemetry:Telemetry -o Structs.cs --check": Expected(""),
    # doctor and completion
    "pyshm doctor --json": Expected(r'\{"healthy": true, "findings": \['),
    "source <(pyshm completion bash)": Expected(""),
    "source <(pyshm completion zsh)": Expected(""),
    "pyshm completion fish > ~/.config/fish/completions/pyshm.fish": Expected(
        "$", (".config/fish/completions/pyshm.fish",)
    ),
    "pyshm completion powershell | Out-String | Invoke-Expression": Expected(
        r"Register-ArgumentCompleter"
    ),
}
# Examples that need the result of another one.
BEFORE = {
    "pyshm csharp structs:Telemetry": "pyshm bind MyApp.dll -o structs.py",
    "pyshm bind MyApp.dll -o structs.py --check": "pyshm bind MyApp.dll -o structs.py",
    "pyshm csharp telemetry:Telemetry -o Structs.cs --check": (
        "pyshm csharp telemetry:Telemetry -o Structs.cs"
    ),
}


def examples_in_the_help() -> set[str]:
    parser = build_parser()
    assert parser.commands is not None
    texts = [parser.epilog or ""]
    texts += [sub.epilog or "" for sub in parser.commands.choices.values()]
    found = set()
    for text in texts:
        part = text.partition("examples:\n")[2].partition("\n\n")[0]
        found |= {re.split(r"\s{2,}", line.strip())[0] for line in part.splitlines()}
    return found


def test_every_example_is_in_this_file() -> None:
    assert examples_in_the_help() == set(EXPECTED)


@pytest.fixture(scope="module")
def my_app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_library("MyApp", MY_APP, tmp_path_factory.mktemp("MyApp"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory of a user, who has a program ``pyshm``."""
    for name in ("bin", "maps", "lib/net8.0", ".config/fish/completions"):
        (tmp_path / name).mkdir(parents=True)
    for name, source in MODULES.items():
        (tmp_path / name).write_text(source)
    Image.new("RGB", (30, 20), "red").save(tmp_path / "photo.jpg")
    (tmp_path / "map.bin").write_bytes(TestData(7, 20, list(range(60, 70))).to_bytes() + bytes(99))
    programs = {name: f'-c "{code}"' for name, code in PROGRAMS.items()}
    for name, arguments in {**programs, "pyshm": "-m pyshm"}.items():
        program = tmp_path / "bin" / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
    monkeypatch.setenv("PYTHONUTF8", "1")
    monkeypatch.setenv("PYSHM_DIRECTORY", str(tmp_path / "maps"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def maps(folder: Path) -> Iterator[dict[str, ShareMemoryHelper]]:
    """The maps that the examples read, and a dead one."""
    dead = folder / "maps" / "dead"
    dead.write_bytes(bytes(100))
    dead.chmod(0o600)
    with ExitStack() as opened:
        found = {
            name: opened.enter_context(ShareMemoryHelper(name, size).create_or_open())
            for name, size in (("picture", 65536), ("data", 4096), ("arm", 4096), ("car", 4096))
        }
        found["picture"].write_image(ImageData.from_file("photo.jpg"))
        found["data"].write_struct(TestData(7, 20, list(range(60, 70))))
        yield found


def run(command: str) -> str:
    """Return what a command prints."""
    done = subprocess.run(
        ["bash", "-c", command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


class Held:
    """A command that runs until it is ended."""

    def __init__(self, command: str) -> None:
        # The whole group gets the signal; the shell waits for the last program of the pipe.
        script = (
            f"trap : TERM; {command} & wait $!; wait $!" if "|" in command else f"exec {command}"
        )
        self.process = subprocess.Popen(
            ["bash", "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.printed = ""
        self._ends = "--count" in command

    def wait_for(self, pattern: str) -> None:
        assert self.process.stdout is not None
        until = time.monotonic() + PATIENCE
        while not re.search(pattern, self.printed):
            left = until - time.monotonic()
            ready = left > 0 and select.select([self.process.stdout], [], [], left)[0]
            part = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            assert part, f"{pattern} expected, printed: {self.printed}"
            self.printed += part.decode()

    def __enter__(self) -> Held:
        return self

    def __exit__(self, *_: object) -> None:
        """End it as Ctrl-C does, unless it ends by itself."""
        try:
            if not self._ends:
                os.killpg(self.process.pid, signal.SIGTERM)
            self.status = self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.process.communicate()


def needs_my_app(example: str) -> bool:
    return "MyApp" in example + BEFORE.get(example, "")


def adapted(example: str) -> str:
    """Return what bash can run of an example for another shell."""
    if "zsh" in example and shutil.which("zsh") is None:
        pytest.skip("there is no zsh here")
    if "zsh" in example:
        return f"zsh -fc 'autoload -U compinit; compinit -u; {example}'"
    return example.partition(" | Out-String")[0]


@pytest.mark.parametrize(
    "example",
    [
        pytest.param(text, marks=[pytest.mark.dotnet] if needs_my_app(text) else [])
        for text in EXPECTED
    ],
)
def test_an_example_does_what_the_help_says(
    folder: Path, example: str, request: pytest.FixtureRequest
) -> None:
    expected = EXPECTED[example]
    before = BEFORE.get(example, "")
    if needs_my_app(example):
        pytest.importorskip("dnfile")
        shutil.copy(request.getfixturevalue("my_app"), folder)
    if example == "pyshm clean data":
        (folder / "maps" / "data").write_bytes(b"x" * 48)
        (folder / "maps" / "data").chmod(0o600)
    opened = (
        {} if "write-" in example or "clean data" in example else request.getfixturevalue("maps")
    )
    if before:
        run(before)
    printed = held(example, expected, opened) if expected.held else run(adapted(example))
    if expected.text:
        assert re.search(expected.text, printed), printed
    else:
        assert printed == ""
    for name in expected.files:
        assert (folder / name).stat().st_size > 0


def held(example: str, expected: Expected, opened: dict[str, ShareMemoryHelper]) -> str:
    """Return what an example prints until it is ended, or what the command after it prints."""
    with Held(example) as command:
        if expected.after:
            command.wait_for("READY\n")
            printed = run(expected.after)
        elif expected.changes:
            command.wait_for(r"(?s)data: .*\n.*\n|appeared.*\n")
            opened["data"].buffer[4] = 21
            command.wait_for(expected.text)
            printed = command.printed
        else:
            command.wait_for(expected.text)
            printed = command.printed
    assert command.status == 0
    return printed
