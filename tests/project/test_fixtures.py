"""The golden files, read and written by pyshm alone; they were written by .NET."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from pyshm import ImageData, TestData
from pyshm.errors import FormatError
from tests.conftest import ROOT

FOLDER = ROOT / "fixtures"
MANIFEST = json.loads((FOLDER / "manifest.json").read_bytes())["files"]


def files(kind: str, form: str) -> list[str]:
    names = [entry["file"].removesuffix(".bin") for entry in MANIFEST]
    return [
        name
        for name in names
        if name.startswith(f"{kind}/") and description(name)["format"] == form
    ]


def description(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_bytes())


def data(name: str) -> bytes:
    return (FOLDER / f"{name}.bin").read_bytes()


def test_there_are_as_many_as_there_should_be() -> None:
    assert len(files("valid", "blob")) >= 10
    assert len(files("valid", "TestData")) >= 5
    assert len(files("invalid", "blob")) >= 30
    assert len(files("invalid", "TestData")) >= 5


@pytest.mark.parametrize("entry", MANIFEST, ids=lambda entry: entry["file"])
def test_every_file_is_the_manifests(entry: dict[str, Any]) -> None:
    content = (FOLDER / entry["file"]).read_bytes()
    assert len(content) == entry["size"]
    assert hashlib.sha256(content).hexdigest() == entry["sha256"]


@pytest.mark.parametrize("name", files("valid", "blob"))
def test_a_golden_blob_is_read_and_written_again(name: str) -> None:
    values = description(name)["values"]
    image = ImageData.from_bytes(data(name))
    assert image.path == values["path"]
    assert bytes(image.content).hex() == values["content"]
    assert ImageData(image.path, bytes(image.content)).to_bytes() == data(name)


@pytest.mark.parametrize("name", files("valid", "TestData"))
def test_a_golden_struct_is_read_and_written_again(name: str) -> None:
    values = description(name)["values"]
    value = TestData.from_bytes(data(name))
    assert (value.id, value.age, value.scores) == (values["id"], values["age"], values["scores"])
    assert str(value) == values["text"]
    assert TestData(value.id, value.age, value.scores).to_bytes() == data(name)


@pytest.mark.parametrize("form", ["blob", "TestData"])
def test_every_invalid_file_is_refused_with_its_error(form: str) -> None:
    for name in files("invalid", form):
        reader = ImageData.from_bytes if form == "blob" else TestData.from_bytes
        with pytest.raises(FormatError) as caught:
            reader(data(name))
        expected = description(name)["error"]
        found = {key: getattr(caught.value, key) for key in expected}
        assert found == expected, name


@pytest.mark.parametrize("picture", ["gradient.png", "gradient.jpg"])
def test_a_golden_picture_decodes(picture: str) -> None:
    image = ImageData.from_bytes(data(f"valid/blob-{picture.replace('.', '-')}"))
    assert image.check_picture().size == (48, 32)
