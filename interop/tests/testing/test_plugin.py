"""pyshm.testing without .NET: the plugin, and the assertions with a fake peer."""

from __future__ import annotations

import os
import pickle
import sys
from inspect import signature
from pathlib import Path

import pytest

import pyshm.testing
from interop.checkout import CHECKOUT
from pyshm import Struct
from pyshm.errors import ArgumentError, PyshmError
from pyshm.layout.compare import paired
from pyshm.testing import (
    AssemblyNotBuiltError,
    BuildError,
    DotNetPeer,
    LayoutMismatchError,
    PeerFailure,
    RoundTripError,
    ToolchainError,
    TypeNotFoundError,
)
from pyshm.testing.process import Outcome
from pyshm.types import Bool, Bool8, LPStr, Single

pytest_plugins = ["pytester"]

FAKE = Path(__file__).with_name("fake_dotnet.py")
ASSEMBLY = """
from pyshm import Struct
from pyshm.types import Bool, Int32, LPStr, Single
from pyshm.types import UInt32 as Uint

class Wheel(Struct):
    Radius: Single
    Wet: Bool

class Named(Struct):
    Name: LPStr
"""


class Wheel(Struct):
    radius: Single
    wet: Bool


class WrongWheel(Struct):
    radius: Single
    wet: Bool8


class Named(Struct):
    name: LPStr


@pytest.fixture
def assembly(tmp_path, monkeypatch):
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(CHECKOUT), os.environ.get("PYTHONPATH", "")])
    )
    path = tmp_path / "app.py"
    path.write_text(ASSEMBLY)
    return path


@pytest.fixture
def net(assembly, request):
    """A fake .NET peer with the faults of the test's parameter."""
    faults = getattr(request, "param", ())
    with DotNetPeer([sys.executable, str(FAKE), *faults], folder=assembly.parent) as peer:
        yield peer


# --- the assertions -----------------------------------------------------------------------


def test_equal_types_pass(net, assembly):
    net.assert_same_layout(Wheel, "Wheel", assembly)
    net.assert_round_trip(Wheel(1.5, True), "Wheel", "app.py")


def test_the_error_names_both_types_and_the_difference(net, assembly):
    with pytest.raises(LayoutMismatchError) as caught:
        net.assert_same_layout(WrongWheel, "Wheel", assembly)
    assert str(caught.value) == (
        "Wheel in app.py and WrongWheel here have different layouts:\n"
        "  field Wet at offset 4: bool is 4 bytes in .NET, bool (U1) is 1 byte here"
    )


def test_layouts_are_compared_before_a_value_is_sent(net, assembly):
    with pytest.raises(LayoutMismatchError):
        net.assert_round_trip(WrongWheel(1.5, True), "Wheel", assembly)


@pytest.mark.parametrize(
    ("net", "sentence"),
    [
        (["wrong-value"], "field Radius: 1.5 here is '0x00000000' in .NET"),
        (
            ["wrong-bytes"],
            "field Wet (bytes 4 to 7): .NET wrote 01 00 00 ff, Python wrote 01 00 00 00",
        ),
        (["overrun"], ".NET wrote beyond the end of the type"),
        (
            ["other-map"],
            (
                "through a named map: the map holds 00 00 00 00 00 00 00 00 "
                "where .NET wrote 00 00 c0 3f 01 00 00 00"
            ),
        ),
    ],
    indirect=["net"],
)
def test_the_error_names_the_field_that_changed_on_the_round_trip(net, assembly, sentence):
    with pytest.raises(RoundTripError) as caught:
        net.assert_round_trip(Wheel(1.5, True), "Wheel", assembly)
    assert sentence in caught.value.sentences


@pytest.mark.parametrize(
    ("net", "cause"),
    [(["accessor"], True), (["wrong-bytes"], False), (["accessor", "wrong-bytes"], False)],
    indirect=["net"],
)
def test_a_fault_of_the_accessor_alone_is_named_as_such(net, assembly, cause):
    with pytest.raises(RoundTripError) as caught:
        net.assert_round_trip(Wheel(1.5, True), "Wheel", assembly, marshalled=False)
    (sentence,) = caught.value.sentences
    assert sentence.startswith("with accessor.Read<T> and Write<T>: ")
    assert ("these methods of .NET are the cause" in sentence) is cause


def test_a_value_with_an_address_is_refused(net, assembly):
    with pytest.raises(ArgumentError, match="field Name holds an address, 0x10"):
        net.assert_round_trip(Named(16), "Named", assembly)


def test_the_error_shows_the_full_path_of_a_missing_assembly(net, assembly):
    with pytest.raises(AssemblyNotBuiltError) as caught:
        net.assert_same_layout(Wheel, "Wheel", "bin/app.dll")
    assert str(assembly.parent / "bin" / "app.dll") in str(caught.value)


def test_the_error_suggests_similar_names_for_a_missing_type(net, assembly):
    with pytest.raises(TypeNotFoundError, match=r"'Weel'\. Did you mean Wheel\?"):
        net.assert_same_layout(Wheel, "Weel", assembly)


def test_a_type_is_requested_once_until_the_assembly_changes(net, assembly):
    requests = []
    net.process.listener = lambda steps, _outcomes: requests.append(steps[0]["do"])
    for _ in range(2):
        net.assert_same_layout(Wheel, "Wheel", assembly)
    assert requests == ["manifest"]
    # The new file has the same size; its time stamp is a second later.
    assembly.write_text(ASSEMBLY.replace("Wet: Bool", "Wet: Uint"))
    later = assembly.stat().st_mtime + 1
    os.utime(assembly, (later, later))
    with pytest.raises(
        LayoutMismatchError, match=r"field Wet at offset 4: uint in \.NET, bool here"
    ):
        net.assert_same_layout(Wheel, "Wheel", assembly)


@pytest.mark.parametrize(
    ("theirs", "ours", "pairs"),
    [
        (["A", "B"], ["B", "A"], [(0, 1), (1, 0)]),
        (["top_speed", "<Name>k__BackingField"], ["Name", "TopSpeed"], [(0, 1), (1, 0)]),
        (["A", "C"], ["B", "A"], [(0, 1), (1, None), (None, 0)]),
        (["a", "A"], ["A", "a"], [(0, 1), (1, 0)]),
        (["X", "X"], ["X", "X", "X"], [(0, 0), (1, 1), (None, 2)]),
    ],
)
def test_fields_are_matched_by_exact_name_first(theirs, ours, pairs):
    assert paired(theirs, ours) == pairs


@pytest.mark.parametrize(
    "error",
    [
        ToolchainError("it is missing", "install it"),
        BuildError("it does not build", ["dotnet", "build"], "CS0000"),
        PeerFailure(".NET", Outcome.CRASHED, "killed by signal 9"),
        LayoutMismatchError("they differ", ["field A"]),
        RoundTripError("it differs", ["field A"]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_can_be_pickled(error):
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert isinstance(copy, PyshmError)
    assert str(copy) == str(error)
    assert copy.__dict__ == error.__dict__


def test_the_old_name_of_a_failures_detail_is_deprecated():
    failure = PeerFailure(".NET", Outcome.CRASHED, "killed by signal 9")
    with pytest.warns(DeprecationWarning, match="detail"):
        assert failure.story == failure.detail


# --- the plugin ---------------------------------------------------------------------------

USER_TEST = """
from pathlib import Path
from pyshm.testing import assert_same_layout
from app import Wheel

pids = []

def test_wheel(dotnet_peer):
    assert_same_layout(Wheel, "Wheel", "app.py")
    pids.append(dotnet_peer.process.pid)

def test_the_same_peer_again(dotnet_peer):
    dotnet_peer.assert_round_trip(Wheel(1.5, True), "Wheel", "app.py")
    assert pids == [dotnet_peer.process.pid]
"""


@pytest.fixture
def user(pytester, monkeypatch):
    """A user's repository: an assembly, structs and a test; ``user(*options)`` runs pytest."""
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(CHECKOUT), os.environ.get("PYTHONPATH", "")])
    )
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    pytester.makepyfile(app=ASSEMBLY, test_app=USER_TEST)

    def run(*options):
        return pytester.runpytest_subprocess("-p", "pyshm.testing.plugin", "-rs", *options)

    run.pytester = pytester
    return run


def has_dotnet(user, text):
    user.pytester.makeconftest(text)


NO_SDK = """
import pyshm.testing.sdk as sdk
sdk._dotnet_candidates = lambda: iter([])
sdk.dotnet_remedy = lambda: "install it"
"""
FAKE_SDK = f"""
import sys
import pyshm.testing.dotnet as dotnet
dotnet.build_peer = lambda say: say("building") or [sys.executable, {str(FAKE)!r}]
"""
BROKEN_BUILD = """
import pyshm.testing.dotnet as dotnet
from pyshm.testing import BuildError

def broken(say):
    print("attempt", "to build")
    raise BuildError("no build", ["dotnet"], "CS0001")

dotnet.build_peer = broken
"""


def test_without_the_sdk_tests_are_skipped_and_show_the_install_command(user):
    has_dotnet(user, NO_SDK)
    done = user()
    done.assert_outcomes(skipped=2)
    done.stdout.fnmatch_lines(["*the .NET SDK (version 8 or newer) is missing*install it*"])


def test_without_the_sdk_tests_fail_if_it_is_required(user):
    has_dotnet(user, NO_SDK)
    done = user("--pyshm-require-dotnet")
    done.assert_outcomes(errors=2)
    done.stdout.fnmatch_lines(["*the .NET SDK (version 8 or newer) is missing*"])


def test_all_tests_of_a_session_share_one_peer(user):
    has_dotnet(user, FAKE_SDK)
    done = user()
    done.assert_outcomes(passed=2)
    done.stdout.fnmatch_lines(["pyshm: building the .NET peer*"])


WITHOUT_FIXTURE = """
from pyshm.testing import assert_round_trip, assert_same_layout
from app import Wheel

def test_wheel():
    assert_same_layout(Wheel, "Wheel", "app.py")
    assert_round_trip(Wheel(1.5, True), "Wheel", "app.py")

def test_again():
    assert_same_layout(Wheel, "Wheel", "app.py")
"""


def test_the_functions_start_the_peer_of_the_session_without_the_fixture(user):
    has_dotnet(user, FAKE_SDK)
    user.pytester.makepyfile(test_app=WITHOUT_FIXTURE)
    done = user()
    done.assert_outcomes(passed=2)
    assert done.outlines.count("pyshm: building the .NET peer, once for this version and SDK") == 1


def test_the_functions_skip_the_test_without_the_sdk(user):
    has_dotnet(user, NO_SDK)
    user.pytester.makepyfile(test_app=WITHOUT_FIXTURE)
    user().assert_outcomes(skipped=2)
    user("--pyshm-require-dotnet").assert_outcomes(failed=2)


def test_a_peer_that_does_not_build_fails_every_test_after_one_attempt(user):
    has_dotnet(user, BROKEN_BUILD)
    user.pytester.makepyfile(test_app=WITHOUT_FIXTURE)
    done = user("-s")
    done.assert_outcomes(failed=2)
    assert done.stdout.str().count("attempt to build") == 1


def test_the_functions_work_outside_of_pytest(user):
    user.pytester.makepyfile(
        script=f"{FAKE_SDK.replace('say(', 'print(')}{WITHOUT_FIXTURE}\ntest_wheel()\ntest_again()"
    )
    done = user.pytester.runpython("script.py")
    assert done.ret == 0
    assert done.outlines == ["building"]


def test_help_shows_the_functions_without_self():
    for name in ("assert_same_layout", "assert_round_trip"):
        function = getattr(pyshm.testing, name)
        assert "self" not in signature(function).parameters
        assert list(signature(function).parameters)[1:3] == ["type_name", "assembly"]


def test_the_old_name_of_the_error_is_deprecated():
    with pytest.warns(DeprecationWarning, match="ToolchainError"):
        assert pyshm.testing.NoPeerError is ToolchainError


def test_relative_paths_begin_in_the_rootdir_and_not_in_the_current_folder(user):
    has_dotnet(user, FAKE_SDK)
    user.pytester.makeini("[pytest]\npythonpath = .")
    folder = user.pytester.mkdir("elsewhere")
    user.pytester.chdir()
    os.chdir(folder)
    user("--rootdir", "..", "-c", "../tox.ini", "..").assert_outcomes(passed=2)


def test_the_traceback_of_a_mismatch_ends_in_the_users_test(user):
    has_dotnet(user, FAKE_SDK)
    text = USER_TEST.replace("from app import Wheel", "from wrong import Wheel")
    user.pytester.makepyfile(test_app=text, wrong=ASSEMBLY.replace("Wet: Bool", "Wet: Int32"))
    done = user("-k", "test_wheel")
    done.assert_outcomes(failed=1, deselected=1)
    done.stdout.fnmatch_lines(["E*field Wet at offset 4: bool in .NET, int here"])
    done.stdout.no_fnmatch_line("*dotnet.py*")


def test_a_peer_that_does_not_build_is_an_error_and_not_a_skip(user):
    has_dotnet(user, BROKEN_BUILD)
    user().assert_outcomes(errors=2)


def test_the_plugin_loads_nothing_in_a_run_that_does_not_use_it(user):
    user.pytester.makepyfile(
        test_app="""
        import sys

        def test_nothing():
            loaded = {name for name in sys.modules if name.partition(".")[0] == "pyshm"}
            assert loaded == {
                "pyshm", "pyshm._support", "pyshm._support.lazy", "pyshm._version", "pyshm.testing",
                "pyshm.testing.plugin"
            }
            assert not {"cffi", "PIL", "dnfile"} & set(sys.modules)
        """
    )
    user().assert_outcomes(passed=1)


def test_the_plugin_can_be_named_twice(user):
    has_dotnet(user, FAKE_SDK + "\npytest_plugins = ['pyshm.testing.plugin']\n")
    user("-p", "pyshm.testing.plugin").assert_outcomes(passed=2)


def test_pytest_lists_the_fixture_with_its_docstring(user):
    done = user("--fixtures", "--co")
    done.stdout.fnmatch_lines(["dotnet_peer [[]session scope[]]*"])
