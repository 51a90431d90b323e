"""Declared structs: what C# writes as ``[StructLayout(LayoutKind.Sequential)]``.

    class Point(Struct, pack=1):
        x: Int32
        y: Int32

Everything that depends on the type alone - the layout, the format string, the code that packs
and unpacks - is made once, when the class is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from struct import Struct as Codec
from struct import error as CodecError
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self, dataclass_transform, get_type_hints

from .errors import (
    ArgumentOutOfRangeError,
    DoesNotFitError,
    LayoutError,
    StructValueError,
    TruncatedError,
    UnsupportedError,
)
from .layout import Layout, sequential
from .types import ByValArray, FieldType, Primitive

if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined,unused-ignore]

__all__ = ["Struct"]

_NAMED = 64


# Names that every struct type gets when it is made, and the first parameter of its __init__.
_TAKEN = {"codec", "layout", "pack_into", "self", "unpack_flat", "unpack_from"}


class NestedStruct(FieldType):
    """A field that is itself a declared struct."""

    __slots__ = ("struct",)

    def __init__(self, struct: type[Struct]) -> None:
        super().__init__(struct.__name__, struct.layout.size, struct.layout.alignment)
        self.struct = struct


class _StructType(type):
    """Turns a class body with annotated fields into a type with slots and a layout."""

    def __new__(
        mcls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        pack: int = 0,
        size: int = 0,
    ) -> _StructType:
        if not bases:
            return super().__new__(mcls, name, bases, namespace)
        if bases != (Struct,):
            raise LayoutError(f"{name}: a struct derives from Struct alone, as in C#")
        names = tuple(_annotated(namespace))
        for field in names:
            if hasattr(Struct, field) or field in _TAKEN or field.startswith("_"):
                raise LayoutError(f"{name}.{field}: this name is taken or private", field=field)
        if "__init__" in namespace:
            raise LayoutError(
                f"{name}.__init__ is made from the fields; use a class method instead"
            )
        defaults = {field: namespace.pop(field) for field in names if field in namespace}
        namespace["__slots__"] = names
        cls = super().__new__(mcls, name, bases, namespace)
        _complete(cls, names, defaults, pack, size)  # type: ignore[arg-type]
        return cls


@dataclass_transform(eq_default=True)
class Struct(metaclass=_StructType):
    """Base of all declared structs. Subclass it with annotated fields from :mod:`pyshm.types`.

    Class keywords: ``pack`` (0 to 128; 0 is no cap) and ``size`` (bytes, a minimum), as in
    StructLayoutAttribute. A field may be a type of :mod:`pyshm.types`, ``Annotated[list[...],
    ByValArray(...)]`` or another Struct. A class-level value is the field's default; without
    one it is zero. Raises LayoutError for what has no layout.

    The bytes are those of Marshal.StructureToPtr. ``layout`` holds every offset.
    """

    __slots__ = ()

    __match_args__: ClassVar[tuple[str, ...]] = ()

    layout: ClassVar[Layout]
    codec: ClassVar[Codec]
    """The struct-module codec of the whole struct; its values are the flat tuple."""

    unpack_flat: ClassVar[Callable[..., tuple[Any, ...]]]
    """``unpack_flat(buffer, offset=0)``: all numbers as one flat tuple, arrays spread out."""

    if TYPE_CHECKING:

        @classmethod
        def unpack_from(cls, buffer: Buffer, offset: int = 0) -> Self:
            """Read one struct from ``buffer`` at ``offset``, a copy: its fields are yours.

            Raises TruncatedError if it does not lie wholly in the buffer.
            .NET: Marshal.PtrToStructure.
            """

        def pack_into(self, buffer: Buffer, offset: int = 0) -> None:
            """Write the struct into a writable ``buffer`` at ``offset``.

            Raises StructValueError for a value that its field can't hold, DoesNotFitError for
            a buffer too small and UnsupportedError for a read-only one; then nothing was
            written. .NET: Marshal.StructureToPtr.
            """

    def __init__(self) -> None:
        raise LayoutError("Struct itself has no fields; subclass it")

    def to_bytes(self) -> bytes:
        """The struct's bytes, ``layout.size`` of them. Raises StructValueError."""
        data = bytearray(self.layout.size)
        self.pack_into(data)
        return bytes(data)

    @classmethod
    def from_bytes(cls, buffer: Buffer) -> Self:
        """The struct at the beginning of ``buffer``; see :meth:`unpack_from`."""
        return cls.unpack_from(buffer)

    @classmethod
    def view(cls, buffer: Buffer, offset: int = 0) -> Any:
        """A cffi struct *in* ``buffer``: its attributes read and write the memory itself.

        No copy is made, and the memory stays valid as long as the view. The type's offsets
        are first checked, once, against those that cffi computes from the C declaration by
        the C compiler's rules. Raises TruncatedError, LayoutError for what C can't express,
        and UnsupportedError for read-only memory, which cffi would let you write to.
        """
        memory = memoryview(buffer).cast("B")
        if memory.readonly:
            raise UnsupportedError(
                f"a view of {cls.__name__} needs writable memory; use unpack_from to read"
            )
        if offset < 0:
            _negative(offset)
        if len(memory) - offset < cls.layout.size:
            raise _truncated(cls, len(memory) - offset)
        ffi = _ffi(cls)
        return ffi.from_buffer(
            f"{cls.__name__} *",
            memory[offset : offset + cls.layout.size],
            require_writable=True,
        )

    @classmethod
    def cdef(cls) -> str:
        """The C declaration, as cffi's ``cdef`` takes it (with ``pack=``)."""
        lines = []
        for field in cls.layout.fields:
            kind = field.type
            if isinstance(kind, NestedStruct):
                lines.append(f"    {kind.struct.__name__} {field.name};")
            elif isinstance(kind, ByValArray):
                lines.append(f"    {kind.element.c_name} {field.name}[{kind.count}];")
            else:
                assert isinstance(kind, Primitive)
                lines.append(f"    {kind.c_name} {field.name};")
        body = "\n".join(lines) or "    char empty;"
        return f"typedef struct {{\n{body}\n}} {cls.__name__};\n"

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(
            getattr(self, field.name) == getattr(other, field.name) for field in self.layout.fields
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        fields = ", ".join(f"{f.name}={getattr(self, f.name)!r}" for f in self.layout.fields)
        return f"{type(self).__name__}({fields})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, field.name) for field in self.layout.fields)


# --- making a type ------------------------------------------------------------------------


def _annotated(namespace: dict[str, Any]) -> list[str]:
    """The names that a class body annotates, in order."""
    if sys.version_info >= (3, 14):
        import annotationlib

        annotate = annotationlib.get_annotate_from_class_namespace(namespace)
        if annotate is not None:
            form = annotationlib.Format.FORWARDREF
            return list(annotationlib.call_annotate_function(annotate, form))
    return list(namespace.get("__annotations__", {}))


def _complete(
    cls: type[Struct], names: tuple[str, ...], defaults: dict[str, Any], pack: int, size: int
) -> None:
    try:
        hints = get_type_hints(cls, include_extras=True)
    except NameError as error:
        raise LayoutError(f"{cls.__name__}: {error}; fields need types of module scope") from error
    fields = [(name, _field_type(cls, name, hints[name])) for name in names]
    cls.layout = sequential(fields, pack=pack, size=size)
    cls.codec = Codec(_format(cls.layout))
    cls.unpack_flat = cls.codec.unpack_from
    _generate(cls, defaults)


def _field_type(cls: type[Struct], name: str, hint: Any) -> FieldType:
    if isinstance(hint, type) and issubclass(hint, Struct):
        return NestedStruct(hint)
    for item in getattr(hint, "__metadata__", ()):
        if isinstance(item, FieldType):
            return item
    raise LayoutError(
        f"{cls.__name__}.{name}: {hint!r} is no field type of pyshm.types", field=name, value=hint
    )


def _format(layout: Layout) -> str:
    """The struct-module format, padding spelled out."""
    parts = ["<"]
    end = 0
    for field in layout.fields:
        parts.append(f"{field.offset - end}x" if field.offset > end else "")
        if isinstance(field.type, NestedStruct):
            parts.append(field.type.struct.codec.format[1:])
        elif isinstance(field.type, ByValArray):
            parts.append(f"{field.type.count}{field.type.element.code}")
        else:
            assert isinstance(field.type, Primitive)
            parts.append(field.type.code)
        end = field.offset + field.size
    parts.append(f"{layout.size - end}x" if layout.size > end else "")
    return "".join(parts)


def _flat_width(kind: FieldType) -> int:
    if isinstance(kind, ByValArray):
        return kind.count
    if isinstance(kind, NestedStruct):
        return sum(_flat_width(field.type) for field in kind.struct.layout.fields)
    return 1


def _shaped(layout: Layout, flat: str, start: int, width: int) -> Iterator[tuple[str, str]]:
    """Each field's name and the expression that makes its value from the flat values.

    Up to ``_NAMED`` values are local variables, ``flat`` and a number each, and more of them one
    tuple of that name: building a list from locals is the quickest way that CPython has.
    """

    def item(index: int) -> str:
        return f"{flat}{index}" if width <= _NAMED else f"{flat}[{index}]"

    index = start
    for field in layout.fields:
        kind = field.type
        if isinstance(kind, NestedStruct):
            nested = dict(_shaped(kind.struct.layout, flat, index, width))
            yield field.name, f"_type_{kind.struct.__name__}({', '.join(nested.values())})"
        elif isinstance(kind, ByValArray):
            if width > _NAMED:
                part = f"{flat}[{index}:{index + kind.count}]"
                made = f"[item != 0 for item in {part}]" if kind.element.true else f"list({part})"
            else:
                test = " != 0" if kind.element.true else ""
                items = [item(i) + test for i in range(index, index + kind.count)]
                made = f"[{', '.join(items)}]"
            yield field.name, made
        else:
            assert isinstance(kind, Primitive)
            yield field.name, f"{item(index)} != 0" if kind.true else item(index)
        index += _flat_width(kind)


def _nested_types(layout: Layout) -> Iterator[type[Struct]]:
    for field in layout.fields:
        if isinstance(field.type, NestedStruct):
            yield field.type.struct
            yield from _nested_types(field.type.struct.layout)


def _generate(cls: type[Struct], defaults: dict[str, Any]) -> None:
    """Write and compile the type's ``__init__``, ``pack_into`` and ``unpack_from``."""
    names = [field.name for field in cls.layout.fields]
    scope: dict[str, Any] = {
        "_cls": cls,
        "_new": object.__new__,
        "_unpack": cls.codec.unpack_from,
        **{f"_type_{nested.__name__}": nested for nested in _nested_types(cls.layout)},
        "_pack": cls.codec.pack,
        # pack_into of the values themselves would have written the first ones before it finds
        # that a later one can't be stored.
        "_store": Codec(f"{cls.layout.size}s").pack_into,
        "_error": (CodecError, OverflowError, TypeError, AttributeError),
        "_unpack_failed": _unpack_failed,
        "_pack_failed": _pack_failed,
        "_negative": _negative,
    }
    arguments = ["self"]
    body = []
    for field in cls.layout.fields:
        arguments.append(f"{field.name}=_default_{field.name}")
        scope[f"_default_{field.name}"] = default = defaults.get(field.name)
        if default is None:
            make = _zero(field.type)
            scope[f"_make_{field.name}"] = make
            value = f"_make_{field.name}() if {field.name} is None else {field.name}"
        elif isinstance(default, (list, Struct)):
            # Each struct gets its own.
            scope[f"_make_{field.name}"] = partial(_copied, default)
            value = (
                f"_make_{field.name}() if {field.name} is _default_{field.name} else {field.name}"
            )
        else:
            value = field.name
        body.append(f"self.{field.name} = {value}")
    lines = [
        f"def __init__({', '.join(arguments)}):",
        *(f"    {line}" for line in body or ["pass"]),
    ]
    width = sum(_flat_width(field.type) for field in cls.layout.fields)
    values = "".join(f"v{index}, " for index in range(width)) if width <= _NAMED else "v"
    lines += [
        "def unpack_from(buffer, offset=0, _new=_new, _cls=_cls, _unpack=_unpack):",
        "    if offset < 0: _negative(offset)",
        "    try:",
        f"        {values or '()'} = _unpack(buffer, offset)",
        "    except _error as error:",
        "        _unpack_failed(_cls, buffer, offset, error)",
        "    self = _new(_cls)",
        *(f"    self.{name} = {made}" for name, made in _shaped(cls.layout, "v", 0, width)),
        "    return self",
        "def pack_into(self, buffer, offset=0, _pack=_pack, _store=_store):",
        "    if offset < 0: _negative(offset)",
        "    try:",
        *(f"        {check}" for check in _length_checks(cls.layout)),
        f"        data = _pack({', '.join(_flat_values(cls.layout, 'self'))})",
        "        _store(buffer, offset, data)",
        "    except _error as error:",
        "        _pack_failed(self, buffer, offset, error)",
    ]
    exec(compile("\n".join(lines), f"<pyshm struct {cls.__name__}>", "exec"), scope)  # noqa: S102 - made from names alone
    for name in ("__init__", "pack_into", "unpack_from"):
        function = scope[name]
        function.__qualname__ = f"{cls.__qualname__}.{name}"
        function.__module__ = cls.__module__
        setattr(cls, name, staticmethod(function) if name == "unpack_from" else function)
    setattr(cls, "__match_args__", tuple(names))  # noqa: B010 - mypy keeps it for itself


def _copied(default: Any) -> Any:
    if isinstance(default, Struct):
        return type(default).from_bytes(default.to_bytes())
    return list(default)


def _zero(kind: FieldType) -> Callable[[], Any]:
    if isinstance(kind, NestedStruct):
        return kind.struct
    if isinstance(kind, ByValArray):
        zeros = [_zero(kind.element)()] * kind.count
        return zeros.copy
    assert isinstance(kind, Primitive)
    return bool if kind.true else float if kind.code in "fd" else int


def _flat_values(layout: Layout, owner: str) -> list[str]:
    """The expressions that give the flat values of ``owner``, in order."""
    values = []
    for field in layout.fields:
        path = f"{owner}.{field.name}"
        kind = field.type
        if isinstance(kind, NestedStruct):
            values += _flat_values(kind.struct.layout, path)
        elif isinstance(kind, ByValArray):
            true = kind.element.true
            values.append(f"*({true} if item else 0 for item in {path})" if true else f"*{path}")
        else:
            assert isinstance(kind, Primitive)
            values.append(f"({kind.true} if {path} else 0)" if kind.true else path)
    return values


def _arrays(layout: Layout, owner: str) -> list[tuple[str, int]]:
    found = []
    for field in layout.fields:
        path = f"{owner}.{field.name}"
        if isinstance(field.type, NestedStruct):
            found += _arrays(field.type.struct.layout, path)
        elif isinstance(field.type, ByValArray):
            found.append((path, field.type.count))
    return found


def _length_checks(layout: Layout) -> list[str]:
    # The codec counts all values, which is enough for one array; of two, one could make up
    # for what the other lacks.
    arrays = _arrays(layout, "self")
    if len(arrays) < 2:
        return []
    condition = " and ".join(f"len({path}) == {count}" for path, count in arrays)
    return [f"if not ({condition}): raise TypeError('count')"]


# --- saying what went wrong ---------------------------------------------------------------


def _truncated(cls: type[Struct], size: int) -> TruncatedError:
    return TruncatedError(
        f"{cls.__name__} needs {cls.layout.size} bytes; the buffer has {max(size, 0)}",
        field=cls.__name__,
        offset=0,
        value=max(size, 0),
        limit=cls.layout.size,
    )


def _negative(offset: int) -> NoReturn:
    # The struct module would count it from the buffer's end.
    raise ArgumentOutOfRangeError(
        f"offset must not be negative, but is {offset}", field="offset", value=offset, limit=0
    )


def _unpack_failed(cls: type[Struct], buffer: Any, offset: int, error: Exception) -> NoReturn:
    if isinstance(error, CodecError):
        raise _truncated(cls, memoryview(buffer).nbytes - offset) from None
    raise error


def _pack_failed(self: Struct, buffer: Any, offset: int, error: Exception) -> NoReturn:
    cls = type(self)
    _check_values(self, 0, "")
    memory = memoryview(buffer)
    if memory.readonly:
        raise UnsupportedError(f"writing {cls.__name__} into a read-only buffer") from None
    if memory.nbytes - offset < cls.layout.size:
        available = max(memory.nbytes - offset, 0)
        raise DoesNotFitError(
            f"{cls.__name__} needs {cls.layout.size} bytes; the buffer has {available}",
            field=cls.__name__,
            offset=0,
            value=cls.layout.size,
            limit=available,
        ) from None
    raise error


def _check_values(value: Struct, base: int, prefix: str) -> None:
    """Raise for the first field, in declaration order, that can't be stored."""
    for field in value.layout.fields:
        held = getattr(value, field.name)
        name = prefix + field.dotnet_name
        kind = field.type
        offset = base + field.offset
        if isinstance(kind, NestedStruct):
            if not isinstance(held, kind.struct):
                raise _bad_value(name, offset, held, kind)
            _check_values(held, offset, name + ".")
        elif isinstance(kind, ByValArray):
            _check_array(name, offset, held, kind)
        else:
            assert isinstance(kind, Primitive)
            _check_number(name, offset, held, kind)


def _check_array(name: str, offset: int, held: Any, kind: ByValArray) -> None:
    try:
        items = [] if held is None else list(held)
    except TypeError:
        raise _bad_value(name, offset, held, kind) from None
    if len(items) != kind.count:
        raise StructValueError(
            f"{name} needs exactly {kind.count} elements, not {len(items)}",
            kind="wrong-count",
            field=name,
            offset=offset,
            value=len(items),
            limit=kind.count,
        )
    for index, item in enumerate(items):
        _check_number(f"{name}[{index}]", offset + index * kind.element.size, item, kind.element)


def _check_number(name: str, offset: int, held: Any, kind: Primitive) -> None:
    if kind.true:
        return
    try:
        Codec("<" + kind.code).pack(held)
    except (CodecError, OverflowError, TypeError):
        raise _bad_value(name, offset, held, kind) from None


def _bad_value(name: str, offset: int, held: Any, kind: FieldType) -> StructValueError:
    bounds = kind.bounds if isinstance(kind, Primitive) else None
    limit = None
    expected = f"a {kind.name}"
    if bounds is not None:
        expected += f" ({bounds[0]} to {bounds[1]})"
        if isinstance(held, int):
            limit = bounds[0] if held < bounds[0] else bounds[1]
    return StructValueError(
        f"{name} must be {expected}, not {held!r}",
        field=name,
        offset=offset,
        value=held,
        limit=limit,
    )


# --- cffi ---------------------------------------------------------------------------------

_ffis: dict[type[Struct], Any] = {}


def _ffi(cls: type[Struct]) -> Any:
    """The FFI that knows ``cls``, made and checked on first use."""
    ffi = _ffis.get(cls)
    if ffi is None:
        from cffi import FFI
        from cffi.error import CDefError, FFIError

        ffi = FFI()
        try:
            _declare(ffi, cls, set())
        except (CDefError, FFIError) as error:
            raise LayoutError(f"{cls.__name__} has no C declaration: {error}") from error
        ours = {field.name: (field.offset, field.size) for field in cls.layout.fields}
        theirs = {
            name: (field.offset, ffi.sizeof(field.type))
            for name, field in ffi.typeof(cls.__name__).fields
        }
        # Size may add room behind the last field, which C can't express.
        if ours and (ours != theirs or ffi.sizeof(cls.__name__) > cls.layout.size):
            raise LayoutError(
                f"{cls.__name__}: by C's rules it has {ffi.sizeof(cls.__name__)} bytes, its fields "
                f"at {theirs}; by .NET's {cls.layout.size}, and {ours}"
            )
        _ffis[cls] = ffi
    return ffi


def _declare(ffi: Any, cls: type[Struct], declared: set[type[Struct]]) -> None:
    for field in cls.layout.fields:
        if isinstance(field.type, NestedStruct) and field.type.struct not in declared:
            _declare(ffi, field.type.struct, declared)
    declared.add(cls)
    # .NET's natural alignment is each type's size, on every system; C's would be 4 for a
    # double on 32-bit Linux, but never above 8.
    ffi.cdef(cls.cdef(), pack=cls.layout.pack or 8)
