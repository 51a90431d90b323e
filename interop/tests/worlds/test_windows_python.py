"""The Windows Python: only the right bytes are accepted, and nothing is written elsewhere."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile

import pytest

from interop.worlds import windows_python
from interop.worlds.windows_python import make_python
from pyshm.testing.sdk import ToolchainError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows needs no Python for Wine")

FILES = {"python.exe": b"MZ", "python313._pth": b"."}


def make_archive(path, prefix="", files=FILES):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(prefix + name, data)


@pytest.fixture
def downloads(monkeypatch, tmp_path):
    """A folder with the archive of a Windows Python, and with a wheel called pytest."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    make_archive(folder / windows_python.PYTHON_ARCHIVE)
    lines = [f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in FILES.items()]
    digest = hashlib.sha256("".join(lines).encode()).hexdigest()
    wheel = folder / "pytest-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("pytest/__init__.py", "")
        archive.writestr("pytest-1.0.dist-info/METADATA", "Name: pytest\nVersion: 1.0\n")
        archive.writestr("pytest-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("pytest-1.0.dist-info/RECORD", "")
    requirements = tmp_path / "requirements.txt"
    wheel_digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    requirements.write_text(f"pytest==1.0 --hash=sha256:{wheel_digest}\n")
    monkeypatch.setattr(windows_python, "PYTHON_DIGEST", digest)
    monkeypatch.setattr(windows_python, "REQUIREMENTS", requirements)
    monkeypatch.setenv(windows_python.DOWNLOADS_VARIABLE, str(folder))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return folder


@pytest.fixture
def archive(downloads):
    return downloads / windows_python.PYTHON_ARCHIVE


@pytest.mark.parametrize("prefix", ["", "cp313/"])
def test_the_python_has_its_packages_and_is_not_isolated(archive, tmp_path, prefix):
    pytest.importorskip("pip")
    make_archive(archive, prefix)
    python = make_python(tmp_path)
    assert windows_python.is_python(python)
    assert not (python / "python313._pth").exists()


def test_other_requirements_or_another_python_get_another_folder(downloads, monkeypatch):
    places = {windows_python.python_place()}
    windows_python.REQUIREMENTS.write_text("# changed\n")
    places.add(windows_python.python_place())
    monkeypatch.setattr(windows_python, "PYTHON_DIGEST", "0" * 64)
    places.add(windows_python.python_place())
    assert len(places) == 3
    windows_python.REQUIREMENTS.write_bytes(b"# changed\r\n")
    assert windows_python.python_place() in places


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({**FILES, "more.dll": b""}, "holds other files"),
        ({"readme.txt": b""}, "0 files called python.exe"),
        (None, "not in "),
    ],
)
def test_an_archive_without_the_right_files_is_refused(archive, tmp_path, content, message):
    archive.unlink()
    if content is not None:
        make_archive(archive, files=content)
    with pytest.raises(ToolchainError, match=message) as caught:
        make_python(tmp_path)
    assert caught.value.remedy.startswith(windows_python.DOWNLOADS_VARIABLE)


def test_without_a_folder_the_archive_is_downloaded(archive, monkeypatch, tmp_path):
    monkeypatch.setattr(windows_python, "PYTHON_URL", archive.as_uri())
    found = windows_python._python_archive(None, tmp_path)
    assert found.read_bytes() == archive.read_bytes()
    monkeypatch.setattr(windows_python, "PYTHON_URL", (tmp_path / "nothing").as_uri())
    with pytest.raises(ToolchainError, match="file://"):
        windows_python._python_archive(None, tmp_path)


def test_a_wheel_with_other_bytes_is_refused(downloads, tmp_path):
    pytest.importorskip("pip")
    (wheel,) = downloads.glob("*.whl")
    wheel.write_bytes(wheel.read_bytes() + b"\0")
    with pytest.raises(ToolchainError, match="is not available"):
        make_python(tmp_path)


@pytest.mark.parametrize(
    "name", ["../x", "/x", "a/../../x", "a//x", "./x", "C:/x", "C:x", "..\\x", "a/.."]
)
def test_a_name_in_an_archive_that_leads_out_of_the_folder_is_refused(tmp_path, name):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("good", "")
        archive.writestr(name, "")
    with (
        zipfile.ZipFile(buffer) as archive,
        pytest.raises(ValueError, match="leads out of the folder"),
    ):
        windows_python._unpack(archive, tmp_path / "target")
    assert not (tmp_path / "target").exists()
