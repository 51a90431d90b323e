"""examples/camera: its cameras and viewers run in all pairs, and each frame is proved whole."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

import pyshm
from interop.checkout import CHECKOUT
from pyshm.testing.sdk import find_dotnet

pytest.importorskip("numpy")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="channels are for Linux")

EXAMPLE = CHECKOUT / "examples" / "camera"
FRAMES = 90
PATIENCE = 120  # seconds

Commands = dict[str, list[str]]
"""The command of a language, without ``camera`` or ``viewer``."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    dotnet = str(find_dotnet().path)
    output = tmp_path_factory.mktemp("built")
    command = [dotnet, "build", str(EXAMPLE), "-c", "Release", "--artifacts-path", str(output)]
    done = subprocess.run(
        [*command, "-nodeReuse:false"], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stdout
    return [dotnet, str(output / "bin" / "Camera" / "release" / "Camera.dll")]


@contextmanager
def started(command: list[str], maps: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a program of the example, and wait until it has opened the channel."""
    process = subprocess.Popen(
        command,
        env={
            **os.environ,
            "PYSHM_DIRECTORY": str(maps),
            "PYTHONPATH": str(Path(pyshm.__file__).parent.parent),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "READY\n"
        yield process
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE)


def ended(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, output
    return output


def check_frames(output: str) -> int:
    """Check the viewer's last lines: no frame was torn or old, and it knows which it skipped.

    Return the number of the last frame.
    """
    found = re.search(
        r"^(\d+) frames \((\d+) to (\d+)\), (\d+) skipped, (\d+) torn, (\d+) not newer",
        output,
        re.MULTILINE,
    )
    assert found is not None, output
    frames, first_seen, last_seen, skipped, torn, not_newer = map(int, found.groups())
    assert (torn, not_newer) == (0, 0)
    assert frames + skipped == last_seen - first_seen + 1
    assert frames > 1
    return last_seen


def command(language: str, program: str, *options: str, built: list[str]) -> list[str]:
    if language == "python":
        return [sys.executable, "-u", str(EXAMPLE / f"{program}.py"), *options]
    return [*built, program, *options]


def run_pair(camera: str, viewer: str, maps: Path, built: list[str]) -> None:
    with ExitStack() as stack:
        watching = stack.enter_context(started(command(viewer, "viewer", built=built), maps))
        filming = command(camera, "camera", "--frames", str(FRAMES), built=built)
        ended(stack.enter_context(started(filming, maps)))
        assert check_frames(ended(watching)) == FRAMES
    assert list(maps.iterdir()) == []


def test_the_python_programs_exchange_whole_frames(tmp_path: Path) -> None:
    run_pair("python", "python", tmp_path, [])


@pytest.mark.slow
@pytest.mark.dotnet
@pytest.mark.parametrize(
    ("camera", "viewer"),
    [("python", "dotnet"), ("dotnet", "python"), ("dotnet", "dotnet")],
)
def test_each_pair_exchanges_whole_frames(
    camera: str, viewer: str, tmp_path: Path, built: list[str]
) -> None:
    run_pair(camera, viewer, tmp_path, built)


@pytest.mark.slow
@pytest.mark.dotnet
@pytest.mark.parametrize(("camera", "viewer"), [("python", "dotnet"), ("dotnet", "python")])
def test_the_viewer_goes_on_with_the_next_camera_after_a_killed_one(
    camera: str, viewer: str, tmp_path: Path, built: list[str]
) -> None:
    with ExitStack() as stack:
        watching = stack.enter_context(started(command(viewer, "viewer", built=built), tmp_path))
        assert watching.stdout is not None
        killed = stack.enter_context(started(command(camera, "camera", built=built), tmp_path))
        assert "frames/s" in watching.stdout.readline()
        killed.kill()
        line = ""
        while not line.startswith("The camera was killed."):
            line = watching.stdout.readline()
            assert line, "the viewer has ended"
        filming = command(camera, "camera", "--frames", str(FRAMES), built=built)
        ended(stack.enter_context(started(filming, tmp_path)))
        assert check_frames(ended(watching)) > FRAMES
    assert list(tmp_path.iterdir()) == []
