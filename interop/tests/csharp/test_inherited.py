"""A Python child process uses a map that it inherits from a C# parent, without its name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from interop.checkout import CHECKOUT
from interop.exchange.place import Place
from interop.oracle.memory import existing_maps
from interop.peers.compile import compile_program

PARENT = """
using System.Diagnostics;
using System.IO.MemoryMappedFiles;
using SharedMemory;

bool inheritable = args[0] == "inheritable";
using NamedMap map = NamedMap.CreateNew(
    args[1],
    4096,
    MemoryMappedFileAccess.ReadWrite,
    MemoryMappedFileOptions.None,
    inheritable ? HandleInheritability.Inheritable : HandleInheritability.None);
using MemoryMappedViewAccessor view = map.CreateViewAccessor();
view.Write(0, 41);
using var child = Process.Start(args[2], ["-c", args[3], $"{map.Handle.DangerousGetHandle()}"]);
child.WaitForExit();
Console.WriteLine($"{child.ExitCode} {view.ReadInt32(4)}");
"""

CHILD = """
import sys
from pyshm import MemoryMappedFile

try:
    with MemoryMappedFile.from_handle(int(sys.argv[1])) as shared:
        with shared.create_view_accessor() as view:
            view.write_int32(4, view.read_int32(0) + 1)
except OSError:
    sys.exit(3)
"""


@pytest.mark.dotnet
def test_a_child_process_inherits_only_an_inheritable_map(place: Place, tmp_path: Path) -> None:
    program = compile_program("Parent", PARENT, tmp_path)
    root = str(CHECKOUT)
    for kind, expected in (("inheritable", "0 42\n"), ("private", "3 0\n")):
        name = place.name()
        done = subprocess.run(
            [*program, kind, name, sys.executable, CHILD],
            env={**os.environ, "PYTHONPATH": root},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.stdout == expected, done.stderr
        assert existing_maps(name) == []
