"""`import pyshm` is fast, and loads only what is used."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import pyshm

ROOT = Path(pyshm.__file__).parent.parent
LIGHT = ["collections.abc", "typing", "mmap", "pyshm.maps.mapping"]
HEAVY = ["PIL.Image", "cffi", "numpy", "multiprocessing", "argparse", "decimal", "tempfile"]
MODULES = [
    module.name
    for module in pkgutil.walk_packages(pyshm.__path__, "pyshm.")
    if "._" not in module.name
]


def loaded_by(statement):
    """The modules that ``statement`` loads, in a new interpreter."""
    extra = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    program = f"import sys\nsys.path += {[str(ROOT), *extra]!r}\n{statement}\nprint(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return set(result.stdout.split())


@pytest.mark.parametrize("module", [*HEAVY, *LIGHT])
def test_importing_pyshm_does_not_load_the_module(module):
    assert module not in loaded_by("import pyshm")


@pytest.mark.skipif(sys.platform == "win32", reason="maps on Windows need cffi")
def test_maps_and_views_load_nothing_heavy():
    loaded = loaded_by(
        "from pyshm import MemoryMappedFile\n"
        "with MemoryMappedFile.create_new(None, 10) as opened:\n"
        "    with opened.create_view_accessor() as view:\n"
        "        view.write_int32(0, 1)\n"
    )
    assert loaded & {*HEAVY, "re", "typing"} == set()
    assert "pyshm.formats.image" not in loaded


@pytest.mark.skipif(sys.platform == "win32", reason="maps on Windows need cffi")
@pytest.mark.parametrize("name", ["ShareMemoryHelper", "ImageData", "TestData", "Struct"])
def test_models_load_neither_pillow_nor_cffi_nor_numpy(name):
    loaded = loaded_by(f"from pyshm import {name}")
    assert loaded & {"PIL", "PIL.Image", "cffi", "numpy", "multiprocessing"} == set()


@pytest.mark.skipif(sys.platform == "win32", reason="maps on Windows need cffi")
@pytest.mark.parametrize("name", ["ShareMemoryHelper", "ImageData"])
def test_sending_pictures_does_not_load_structs(name):
    loaded = loaded_by(f"from pyshm import {name}")
    assert loaded & {"pyshm.structs", "pyshm.layout", "pyshm.types", "dataclasses"} == set()


@pytest.mark.skipif(sys.platform == "win32", reason="maps on Windows need cffi")
@pytest.mark.parametrize("name", ["ShareMemoryHelper", "ImageData"])
def test_sending_pictures_loads_neither_typing_nor_random_numbers(name):
    loaded = loaded_by(f"from pyshm import {name}")
    assert loaded & {"re", "typing", "random", "hashlib"} == set()


@pytest.mark.parametrize("name", pyshm.__all__)
def test_every_public_name_exists(name):
    assert getattr(pyshm, name) is not None
    assert name in dir(pyshm)


def test_a_name_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nothing_like_it") as caught:
        pyshm.nothing_like_it  # noqa: B018
    assert caught.value.name == "nothing_like_it"


def test_a_public_name_is_the_object_of_its_module():
    from pyshm.maps.mapping import MemoryMappedFile

    assert pyshm.MemoryMappedFile is MemoryMappedFile


@pytest.mark.parametrize("module", MODULES)
def test_the_public_names_of_a_module_exist(module):
    try:
        found = import_module(module)
    except ImportError as error:  # Debian's Pillow has ImageTk in a package of its own
        if (error.name or "pyshm").startswith("pyshm"):
            raise
        pytest.skip(f"{module} needs {error.name}")
    except AssertionError:
        pytest.skip(f"{module} is for another system")
    assert [name for name in getattr(found, "__all__", ()) if not hasattr(found, name)] == []


def test_the_package_is_typed():
    assert (ROOT / "pyshm" / "py.typed").exists()
