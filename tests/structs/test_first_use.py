"""The first use of a struct class, by several threads at once."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from pyshm.layout.declarations import BuiltIn, FieldDeclaration, TypeDeclaration
from pyshm.structs import (
    ffi,
    for_target,
    from_declaration,
    packing_source,
    snapshot_type,
    struct_from,
)

THREADS = 8


def in_many_threads(use):
    """Return what ``use`` returns in each of several threads that begin at the same time."""
    barrier = threading.Barrier(THREADS, timeout=30)

    def run():
        barrier.wait()
        return use()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            return [each.result(timeout=30) for each in [pool.submit(run) for _ in range(THREADS)]]
    finally:
        sys.setswitchinterval(interval)


def struct_of(count):
    """Return a new struct class with many fields, whose code takes long to compile."""
    fields = tuple(FieldDeclaration(f"F{index}", BuiltIn("int")) for index in range(count))
    return struct_from(TypeDeclaration("Many", fields=fields))


@pytest.mark.parametrize(
    "use",
    [
        lambda struct: struct.from_bytes(bytes(12)).to_bytes(),
        lambda struct: struct(1, 2, 3).pack_into(bytearray(12)),
        lambda struct: for_target(struct).from_bytes(bytes(12)),
    ],
    ids=["unpack", "pack", "codec"],
)
def test_a_thread_can_use_a_type_that_another_thread_has_begun_to_compile(monkeypatch, use):
    struct = struct_of(3)
    write_source = packing_source.function_source

    def interrupted(*arguments, **named):
        monkeypatch.setattr(packing_source, "function_source", write_source)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(use, struct).result(timeout=30)
        return write_source(*arguments, **named)

    monkeypatch.setattr(packing_source, "function_source", interrupted)
    use(struct)


@pytest.mark.parametrize(
    ("make", "use"),
    [
        (lambda: struct_of(300), lambda struct: struct.from_bytes(bytes(1200)).to_bytes()),
        (lambda: struct_of(300), lambda struct: struct.view(bytearray(1200)).F299),
        (lambda: struct_of(300), lambda struct: struct.managed.from_bytes(bytes(1200)).F299),
    ],
    ids=["copy", "view", "managed"],
)
def test_many_threads_can_use_a_new_type(make, use):
    for _ in range(3):
        struct = make()
        assert len({repr(each) for each in in_many_threads(partial(use, struct))}) == 1


@pytest.mark.parametrize(
    "get",
    [
        snapshot_type,
        lambda struct: type(struct.view(bytearray(1200))),
        lambda struct: struct.managed,
        lambda struct: for_target(struct).flat,
        ffi,
    ],
    ids=["snapshot_type", "view", "managed", "flat", "ffi"],
)
def test_many_threads_get_one_object(get):
    for _ in range(3):
        struct = struct_of(300)
        assert len({id(each) for each in in_many_threads(partial(get, struct))}) == 1


def test_two_threads_get_one_class_of_a_declaration(monkeypatch):
    inner = TypeDeclaration("Inner", fields=(FieldDeclaration("X", BuiltIn("int")),))
    outer = TypeDeclaration("Outer", fields=(FieldDeclaration("Inner", inner),))
    laid_out = from_declaration.native
    found = []
    other = threading.Thread(target=lambda: found.append(struct_from(outer)))

    def interrupted(*arguments):
        monkeypatch.setattr(from_declaration, "native", laid_out)
        other.start()
        other.join(timeout=0.2)  # it can't end before this thread has made the class
        return laid_out(*arguments)

    monkeypatch.setattr(from_declaration, "native", interrupted)
    found.append(struct_from(outer))
    other.join(timeout=30)
    assert found[0] is found[1]
    value = found[0](Inner=struct_from(inner)(7))
    assert value.to_bytes() == b"\7\0\0\0"
