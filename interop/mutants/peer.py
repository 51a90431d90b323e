"""Build the C# peer of the checkout in which this module runs, and add it to the cache.

``python -m interop.mutants.peer FOLDER``, or ``FOLDER mono`` for the program that Mono runs. FOLDER
keeps the compiler's intermediate files, so that the next build of changed sources takes half the
time of :func:`pyshm.testing.build.build_peer`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from pyshm.testing import build, cache, sdk

from ..worlds import mono

__all__ = ["main"]


def main(folder: str, kind: str = "peer") -> int:
    """Build; return the exit status."""
    if kind == "mono":
        return _mono(Path(folder))
    dotnet = sdk.find_dotnet()
    artifacts = Path(folder)
    command = [str(dotnet.path), "build", str(sdk.SOURCES / build.PEER_PROJECT)]
    command += [*build.OPTIONS, "--artifacts-path", str(artifacts)]
    if artifacts.is_dir():
        command.append("--no-restore")
    built = subprocess.run(
        command,
        env=sdk.dotnet_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if built.returncode != 0:
        print(built.stdout.decode("utf-8", "replace"))
        return 1
    target = cache.cache_dir() / "peers" / build.source_key(dotnet)
    shutil.copytree(artifacts / "bin" / "Peer" / "release", target, dirs_exist_ok=True)
    expected = [str(dotnet.path), str(target / "Peer.dll")]
    if build.find_peer() != expected:
        print(f"pyshm.testing does not find the peer that was built in {target}")
        return 1
    return 0


def _mono(folder: Path) -> int:
    try:
        mono.rebuild(folder, print)
    except build.BuildError as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
