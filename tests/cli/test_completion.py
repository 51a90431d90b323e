"""Completion in the real shells, with the scripts that ``pyshm completion`` prints."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
import time

import pytest

from pyshm import MemoryMappedFile
from pyshm.cli.parser import build_parser
from pyshm.cli.shells import SHELLS, grammar, script

TIMEOUT = 60
COMMANDS = [command.name for command in grammar.read(build_parser()).commands]


def shell(name):
    found = shutil.which(name)
    if found is None or sys.platform == "win32":
        pytest.skip(f"there is no {name} here")
    return found


@pytest.fixture
def place(tmp_path, child_environment):
    """A folder with ``pyshm`` on the path, the scripts and a few files; no maps exist yet."""
    for folder in ("bin", "maps", "files"):
        (tmp_path / folder).mkdir()
    program = tmp_path / "bin" / "pyshm"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pyshm "$@"\n')
    program.chmod(0o755)
    for name in ("photo.png", "photo two.png"):
        (tmp_path / "files" / name).write_bytes(b"x")
    for name in SHELLS:
        (tmp_path / f"script.{name}").write_text(script(name, build_parser()), encoding="utf-8")
    environment = {
        **child_environment,
        "PATH": os.pathsep.join([str(tmp_path / "bin"), os.environ["PATH"]]),
        "PYSHM_DIRECTORY": str(tmp_path / "maps"),
        "HOME": str(tmp_path),
        "TERM": "dumb",
    }
    return tmp_path, environment


@pytest.fixture
def maps(place, monkeypatch):
    """Three maps that are alive."""
    monkeypatch.setenv("PYSHM_DIRECTORY", str(place[0] / "maps"))
    opened = [MemoryMappedFile.create_new(name, 10) for name in ("picture", "plan", "with blank")]
    yield
    for one in opened:
        one.close()


def answer(place, command):
    folder, environment = place
    done = subprocess.run(
        command,
        cwd=folder / "files",
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return sorted(done.stdout.splitlines())


@pytest.fixture
def in_bash(place):
    """Return what bash offers for the last of some words."""
    program = (
        'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pyshm; '
        '[[ -z ${COMPREPLY[*]} ]] || printf "%s\\n" "${COMPREPLY[@]}"'
    )
    bash = shell("bash")

    def offered(*words):
        path = str(place[0] / "script.bash")
        return answer(place, [bash, "--norc", "-c", program, "bash", path, "pyshm", *words])

    return offered


@pytest.fixture
def in_fish(place):
    fish = shell("fish")

    def offered(*words):
        program = "source $argv[1]; complete -C $argv[2]"
        path = str(place[0] / "script.fish")
        lines = answer(
            place, [fish, "--no-config", "-c", program, path, " ".join(["pyshm", *words])]
        )
        return [line.split("\t")[0] for line in lines]

    return offered


@pytest.fixture(params=["bash", "fish"])
def offered(request):
    return request.getfixturevalue(f"in_{request.param}")


# --- what is offered ---


def test_commands_are_offered_first(offered):
    assert offered("") == sorted(COMMANDS)
    assert offered("write-") == ["write-image", "write-struct"]


def test_options_of_the_program_are_offered(offered):
    assert "--version" in offered("--v")


def test_the_options_of_the_command_are_offered(offered):
    assert "--out" in offered("read-image", "--o")
    assert "--out" not in offered("read-struct", "--")
    assert "--dry-run" in offered("clean", "--")


def test_a_choice_is_offered(offered):
    assert offered("completion", "") == sorted(SHELLS)
    assert offered("completion", "p") == ["powershell"]


def test_an_options_choice_is_offered(offered):
    assert offered("dump", "x", "--as", "T") == ["TestData"]


def test_an_options_choice_is_offered_after_an_equals_sign(in_bash):
    assert in_bash("dump", "x", "--as", "=", "T") == ["TestData"]
    assert in_bash("dump", "x", "--as", "=") == ["TestData", "blob", "raw"]


@pytest.mark.usefixtures("maps")
def test_maps_are_offered_by_name(offered):
    assert offered("read-image", "p") == ["picture", "plan"]
    assert offered("read-image", "--json", "pi") == ["picture"]
    assert offered("read-image", "--out", "x", "pi") == ["picture"]


@pytest.mark.usefixtures("maps")
def test_a_map_name_with_a_space_is_quoted(in_bash):
    assert in_bash("read-image", "w") == ["with\\ blank"]


@pytest.mark.usefixtures("maps")
def test_a_second_map_is_offered_only_if_the_command_accepts_several(offered):
    assert offered("read-struct", "picture", "p") == []
    assert offered("clean", "picture", "plan", "pi") == ["picture"]


def test_files_are_offered_for_a_file_argument(offered):
    assert offered("write-image", "x", "pho") == offered("read-image", "x", "--out", "pho")
    assert "photo.png" in offered("write-image", "x", "pho")


@pytest.mark.usefixtures("maps")
def test_files_are_offered_for_a_mapped_file(offered):
    assert "photo.png" in offered("dump", "--file", "p")
    assert "picture" not in offered("dump", "--file", "p")


def test_nothing_is_offered_for_free_text(offered):
    assert offered("write-struct", "x", "--id", "") == []


def test_nothing_is_offered_if_there_are_no_maps_or_they_can_not_be_listed(place, offered):
    assert offered("read-image", "") == []
    place[1]["PYSHM_DIRECTORY"] = "/no/such/directory"
    assert offered("read-image", "") == []


# --- the shells themselves ---


class Typist:
    """An interactive shell in a pseudo-terminal."""

    def __init__(self, command, folder, environment):
        import pty

        self.process, self.master = None, None
        self.master, slave = pty.openpty()
        try:
            self.process = subprocess.Popen(
                command,
                stdin=slave,
                stdout=slave,
                stderr=slave,
                cwd=folder,
                env=environment,
                start_new_session=True,
            )
        finally:
            os.close(slave)
        self.seen = ""

    def type(self, text):
        os.write(self.master, text.encode())

    def wait_for(self, text):
        deadline = time.monotonic() + TIMEOUT
        while text not in self.seen:
            assert time.monotonic() < deadline, self.seen
            if select.select([self.master], [], [], 1)[0]:
                # The shell sends a bell between the typed text and the completion.
                self.seen += os.read(self.master, 4096).decode("utf-8", "replace").replace("\a", "")
        self.seen = self.seen.split(text, 1)[1]

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.master)


STARTS = {
    "bash": (["--norc", "--noprofile", "-i"], "source {}"),
    "zsh": (["-f", "-i"], "autoload -U compinit; compinit -D -u; source {}"),
}


@pytest.mark.usefixtures("maps")
@pytest.mark.parametrize("name", STARTS)
def test_the_tab_key_completes(place, name):
    options, begin = STARTS[name]
    folder, environment = place
    environment = {**environment, "PS1": "next> "}
    typist = Typist([shell(name), *options], folder / "files", environment)
    try:
        typist.wait_for("next> ")
        typist.type(begin.format(folder / f"script.{name}") + "\r")
        typist.wait_for("next> ")
        # The typed text is echoed unchanged; the rest of the word comes from the completion.
        typist.type("pyshm rea\t")
        typist.wait_for("pyshm read-")
        typist.type("i\t")
        typist.wait_for("mage ")
        typist.type("pi\t")
        typist.wait_for("picture ")
        typist.type("--rep\t")
        typist.wait_for("--replace ")
    finally:
        typist.close()


@pytest.mark.parametrize(
    ("name", "check"), [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")]
)
def test_the_shell_accepts_the_syntax_of_the_script(place, name, check):
    assert answer(place, [shell(name), check, str(place[0] / f"script.{name}")]) == []


POWERSHELL = """
Get-Content -Raw $args[0] | Invoke-Expression
(TabExpansion2 -inputScript $args[1] -cursorColumn $args[1].Length).CompletionMatches |
    ForEach-Object { $_.CompletionText }
"""


@pytest.mark.usefixtures("maps")
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("pyshm write-", ["write-image", "write-struct"]),
        ("pyshm completion p", ["powershell"]),
        ("pyshm dump x --as T", ["TestData"]),
        ("pyshm read-image pi", ["picture"]),
        ("pyshm read-image w", ["'with blank'"]),
        ("pyshm read-image x --rep", ["--replace"]),
        ("pyshm clean plan pi", ["picture"]),
    ],
)
def test_powershell_completes(place, line, expected):
    program = place[0] / "complete.ps1"
    program.write_text(POWERSHELL)
    path = str(place[0] / "script.powershell")
    command = [shell("pwsh"), "-NoProfile", "-File", str(program), path, line]
    assert answer(place, command) == expected


# --- the scripts ---


@pytest.mark.parametrize("name", SHELLS)
def test_the_command_prints_the_script(run, name):
    result = run("completion", name)
    assert result.status == 0
    written = [line for line in script(name, build_parser()).splitlines() if line]
    assert result.out == written[: len(result.out)]
    assert result.out[0].startswith("#")


@pytest.mark.parametrize("name", SHELLS)
def test_every_command_and_option_is_in_every_script(name):
    text = script(name, build_parser())
    for command in grammar.read(build_parser()).commands:
        assert command.name in text
        for option in command.options:
            for flag in option.flags:
                assert flag.lstrip("-") in text


def test_an_unknown_shell_is_wrong_usage(run):
    assert run("completion", "tcsh").status == 2
    assert run("completion").status == 2


def test_the_grammar_has_the_kind_of_each_value():
    commands = {command.name: command for command in grammar.read(build_parser()).commands}
    image = commands["write-image"]
    assert [(item.name, item.kind) for item in image.arguments] == [
        ("MAP", "map"),
        ("FILE", "file"),
    ]
    kinds = {option.flags[-1]: option.kind for option in image.options}
    assert kinds["--capacity"] == "text"
    assert kinds["--json"] is None
    assert commands["clean"].arguments[0].many
    out = next(item for item in commands["read-image"].options if "--out" in item.flags)
    assert (out.kind, out.choices) == ("file", ())
