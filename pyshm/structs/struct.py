"""Declared structs: what C# writes as ``[StructLayout]``.

    class Point(Struct, pack=1):
        x: Int32
        y: Int32

Everything that depends on the type alone - the declaration, the layout, the code that packs and
unpacks - is made once, when the class is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache, partial
from keyword import iskeyword
from operator import attrgetter
from struct import Struct as Codec
from typing import TYPE_CHECKING, Any, ClassVar, Self, dataclass_transform

from ..errors import FormatError, LayoutError
from ..layout.declarations import TypeDeclaration
from ..layout.forms import HOST, Layout, Target
from ..layout.layouts import native
from .declare import annotated_names, declaration_of
from .fields import lazy_property
from .packing import Packing, Packings, flat_format
from .registry import PYTHON_TYPES

if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined,unused-ignore]

__all__ = ["Struct"]

# Names that every struct type gets when it is made, and the first parameter of its methods.
_TAKEN = frozenset(
    ["codec", "declaration", "layout", "managed", "pack_into", "self", "unpack_flat", "unpack_from"]
)


class StructType(type):
    """Turns a class body with annotated fields into a type with slots and a layout."""

    # Calling a struct type calls its __make__, and there is no __init__: type's own call then
    # makes an empty object in the quickest way there is, which unpack_from lives on.
    if not TYPE_CHECKING:
        __call__ = property(attrgetter("__make__"))

    def __new__(
        mcls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        /,
        *,
        laid_out: Layout | None = None,
        target: Target = HOST,
        **said: Any,
    ) -> StructType:
        if not bases:
            return super().__new__(mcls, name, bases, namespace)
        if laid_out is None:
            names = tuple(annotated_names(namespace))
        else:
            names = tuple(python_names(field.name for field in laid_out.declaration.fields))
        _check_body(name, bases, names, namespace, said)
        defaults = {field: namespace.pop(field) for field in names if field in namespace}
        namespace["__slots__"] = names
        cls: Any = super().__new__(mcls, name, bases, namespace)
        if laid_out is None:
            declaration = declaration_of(cls, bases[0].__dict__.get("declaration"), names, said)
            laid_out = _native(names, declaration, target)
        _complete(cls, names, defaults, laid_out)
        return cls  # type: ignore[no-any-return]

    def __init__(cls, *_: Any, **__: Any) -> None:
        """The keywords are for __new__ alone."""

    @property
    def managed(cls) -> Packing:
        """The type in .NET's own memory: accessor.Read<T>, Write<T> and ReadArray<T>.

        Raises ArgumentError for a type that holds references, as .NET does.
        """
        packings: Packings = cls.__dict__["__packings__"]
        return packings.own.managed

    @property
    def __signature__(cls) -> Any:
        from inspect import Parameter, Signature

        defaults: dict[str, Any] = cls.__dict__.get("__defaults__", {})
        kind = Parameter.POSITIONAL_OR_KEYWORD
        return Signature([Parameter(name, kind, default=defaults[name]) for name in defaults])


@dataclass_transform(eq_default=True)
class Struct(metaclass=StructType):
    """Base of all declared structs. Subclass it with annotated fields from :mod:`pyshm.types`.

    Class keywords are those of StructLayoutAttribute: ``pack`` (0 to 128; 0 is no cap), ``size``
    (bytes, a minimum), ``charset`` ("ansi", "unicode", "auto") and ``layout`` ("sequential", or
    "explicit", with a FieldOffset for each field). ``kind="class"`` is a class with layout, which
    may derive from another one. ``name`` is the reflection full name in .NET, the class's own by
    default. Fields are named in .NET as ``top_speed`` -> ``TopSpeed`` unless they have a
    FieldName; ``verbatim=True`` leaves all names alone. ``target`` is the system that the bytes
    are for, this one by default.

    A class-level value is the field's default; without one it is zero. Raises LayoutError, with
    .NET's reason, for what .NET does not marshal.

    The bytes are those of Marshal.StructureToPtr. ``layout`` holds every offset. Fields that
    overlap are one memory: each is a reading of it, assigning one changes what the others read,
    and values for several are written in order of declaration.
    """

    __slots__ = ()

    __match_args__: ClassVar[tuple[str, ...]] = ()

    __packings__: ClassVar[Packings]
    __packing__: ClassVar[Packing]
    __bare__: ClassVar[Callable[[], Any]]
    __defaults__: ClassVar[dict[str, Any]]

    declaration: ClassVar[TypeDeclaration]
    """What C# says of the type."""

    layout: ClassVar[Layout]
    codec: ClassVar[Codec]
    """The struct-module codec of the whole struct; its values are the flat tuple."""

    unpack_flat: ClassVar[Callable[..., tuple[Any, ...]]]
    """``unpack_flat(buffer, offset=0)``: all numbers as one flat tuple, arrays spread out.

    What the struct module has no code for, and fields that overlap, are bytes.
    """

    if TYPE_CHECKING:

        @classmethod
        def unpack_from(cls, buffer: Buffer, offset: int = 0, exact: bool = False) -> Self:
            """Read one struct from ``buffer`` at ``offset``, a copy: its fields are yours.

            Numbers and nested structs are there at once; text, arrays and dates are made when
            they are looked at, and so is the error for bytes that are none (FormatError).
            ``exact`` reads as .NET does where that loses something: U+FFFD for such bytes.

            Raises TruncatedError if it does not lie wholly in the buffer.
            .NET: Marshal.PtrToStructure.
            """

        def pack_into(self, buffer: Buffer, offset: int = 0, exact: bool = False) -> None:
            """Write the struct into a writable ``buffer`` at ``offset``.

            Raises StructValueError for a value that its field can't hold, DoesNotFitError for
            a buffer too small and UnsupportedError for a read-only one; then nothing was
            written. ``exact`` writes as .NET does what is refused otherwise: text and arrays
            that are too long are cut, None is zeros, what the ANSI code page lacks is replaced,
            a date loses its microseconds. .NET: Marshal.StructureToPtr.
            """

    @staticmethod
    def __make__() -> None:
        raise LayoutError("Struct itself has no fields; subclass it")

    def to_bytes(self, exact: bool = False) -> bytes:
        """The struct's bytes, ``layout.size`` of them. Raises StructValueError."""
        data = bytearray(self.layout.size)
        self.pack_into(data, 0, exact)
        return bytes(data)

    @classmethod
    def from_bytes(cls, buffer: Buffer, exact: bool = False) -> Self:
        """The struct at the beginning of ``buffer``; see :meth:`unpack_from`."""
        return cls.unpack_from(buffer, 0, exact)

    @classmethod
    def for_target(cls, target: Target) -> Packing:
        """The type as a program on another system has it: 32-bit, or Windows.

        Raises LayoutError where .NET does not marshal it there.
        """
        return cls.__packings__.for_target(target)

    @classmethod
    def view(cls, buffer: Buffer, offset: int = 0) -> Any:
        """A struct *in* ``buffer``: its attributes read and write the memory itself.

        No copy is made, and the memory stays valid as long as the view. Nested structs are
        views, arrays lists that write through. Of read-only memory the attributes can't be
        assigned (UnsupportedError). Raises TruncatedError.
        """
        return _view_of()(cls.__packing__, buffer, offset)

    @classmethod
    def snapshot(cls, buffer: Buffer, offset: int = 0) -> Any:
        """The struct's bytes as an immutable ``bytes`` with the fields as attributes.

        Nothing is unpacked until it is looked at, and then each time. :meth:`snapshot_type` makes
        the same of a buffer that holds the struct and nothing else, in a fraction of the time.
        Raises TruncatedError.
        """
        return _snapshot_of()(cls.__packing__, buffer, offset)

    @classmethod
    def snapshot_type(cls) -> type[bytes]:
        """The type of :meth:`snapshot`; calling it with exactly the struct's bytes is quickest."""
        from .snapshots import snapshot_type

        return snapshot_type(cls.__packing__)

    @classmethod
    def numpy_dtype(cls) -> Any:
        """The NumPy structured dtype: a record for each struct, itemsize and offsets included.

        Text of one byte a character is ``S``; of two it is an array of uint16, as NumPy's own
        has four. Raises ImportError without NumPy. ``Type.managed.numpy_dtype()`` is the same
        of the managed layout.
        """
        return cls.__packing__.numpy_dtype()

    @classmethod
    def view_array(cls, buffer: Buffer, offset: int = 0, count: int | None = None) -> Any:
        """A NumPy array of the structs in ``buffer``, the memory itself; as many as fit.

        Raises TruncatedError for a ``count`` that does not fit.
        """
        from .arrays import array_in

        return array_in(cls.__packing__, buffer, offset, count)

    @classmethod
    def cdef(cls) -> str:
        """The C declarations, as cffi's ``cdef`` takes them: nested types first, then this one.

        Where C needs a pack for it, the first line tells which: ``/* pack=1 */`` is
        ``ffi.cdef(…, pack=1)``. cffi agrees with every offset and size: :meth:`ffi`.
        """
        from .c_declarations import declaration_of

        return declaration_of(cls.__packing__)

    @classmethod
    def ffi(cls) -> Any:
        """A cffi FFI that knows the type under its name, with every offset compared.

        Raises LayoutError for what C lays out otherwise.
        """
        from .c_declarations import ffi_of

        return ffi_of(cls.__packing__)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return _state(self, getattr) == _state(other, getattr)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        fields = ", ".join(f"{f.name}={_shown(self, f.name)}" for f in self.layout.fields)
        return f"{type(self).__name__}({fields})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), _state(self, None))


# An import statement takes as long as what it is for, also when nothing is left to import.


@cache
def _view_of() -> Callable[..., Any]:
    from .view import view_of

    return view_of


@cache
def _snapshot_of() -> Callable[..., Any]:
    from .snapshots import snapshot_of

    return snapshot_of


def _state(struct: Any, read: Callable[[Any, str], Any] | None) -> tuple[Any, ...]:
    """What a struct consists of: its fields by ``read``, or else as they are kept."""
    packing = type(struct).__packing__
    overlapped = {shape.field.name for o in packing.overlaps for shape in o.shapes}
    fields = [
        read(struct, shape.field.name) if read else getattr(struct, shape.slot)
        for shape in packing.shapes
        if shape.field.name not in overlapped
    ]
    return (*fields, *(overlap.settled(struct) for overlap in packing.overlaps))


def _restored(cls: Any, state: tuple[Any, ...]) -> Any:
    """The struct of which ``state`` was told."""
    packing: Packing = cls.__packing__
    made = cls.__bare__()
    overlapped = {shape.field.name for o in packing.overlaps for shape in o.shapes}
    slots = [shape.slot for shape in packing.shapes if shape.field.name not in overlapped]
    slots += [overlap.bytes_slot for overlap in packing.overlaps]
    for slot, value in zip(slots, state, strict=True):
        setattr(made, slot, value)
    for overlap in packing.overlaps:
        setattr(made, overlap.loans_slot, None)
    return made


def _shown(struct: Struct, name: str) -> str:
    try:
        return repr(getattr(struct, name))
    except FormatError as error:
        return f"<{error}>"


# --- making a type ------------------------------------------------------------------------


def python_names(names: Iterable[str]) -> list[str]:
    """Names of .NET fields as a Python struct can have them."""
    made: list[str] = []
    for name in names:
        # What the compiler makes of an automatic property is <Name>k__BackingField.
        plain = re.sub(r"\W", "_", re.sub(r"^<(\w+)>k__BackingField$", r"\1", name))
        if not plain or plain[0].isdigit() or plain.startswith("__"):
            plain = f"field{plain}"
        while iskeyword(plain) or plain in _TAKEN or plain in made or hasattr(Struct, plain):
            plain += "_"
        made.append(plain)
    return made


def _check_body(
    name: str,
    bases: tuple[type, ...],
    names: tuple[str, ...],
    namespace: dict[str, Any],
    said: dict[str, Any],
) -> None:
    """Raise LayoutError for a class body that can't be a struct's."""
    known = {"pack", "size", "charset", "layout", "kind", "name", "verbatim"}
    for word in said:
        if word not in known:
            raise LayoutError(f"{name}: a struct has no {word!r}", field=word)
    base = bases[0]
    is_class = "declaration" in base.__dict__ and base.__dict__["declaration"].kind == "class"
    if len(bases) != 1 or (base is not Struct and not is_class):
        raise LayoutError(f"{name}: a struct derives from Struct alone, as in C#")
    for field in names:
        if field in _TAKEN or hasattr(base, field) or field.startswith("__"):
            raise LayoutError(f"{name}.{field}: this name is taken or private", field=field)
        if iskeyword(field) or not field.isidentifier():
            raise LayoutError(f"{name}.{field}: Python has no such name", field=field)
    for method in ("__init__", "__new__"):
        if method in namespace:
            raise LayoutError(
                f"{name}.{method} is made from the fields; use a class method instead"
            )


def _complete(cls: Any, names: tuple[str, ...], defaults: dict[str, Any], laid_out: Layout) -> None:
    base = cls.__mro__[1]
    above = tuple(field.name for field in base.layout.fields) if base is not Struct else ()
    layout = laid_out._replace(
        fields=tuple(
            field._replace(name=name)
            for field, name in zip(laid_out.fields, above + names, strict=True)
        )
    )
    declaration = cls.declaration = layout.declaration
    PYTHON_TYPES[declaration] = cls
    cls.__bare__ = type.__call__.__get__(cls)
    cls.__packings__ = Packings(cls, layout)
    cls.__packing__ = packing = cls.__packings__.own
    cls.layout = packing.layout
    cls.codec = Codec(flat_format(packing))
    cls.unpack_flat = cls.codec.unpack_from
    _install_fields(cls, packing)
    names = tuple(field.name for field in packing.layout.fields)
    setattr(cls, "__match_args__", names)  # noqa: B010 - mypy keeps it for itself
    inherited = getattr(cls.__mro__[1], "__defaults__", {})
    cls.__defaults__ = {name: defaults.get(name, inherited.get(name)) for name in names}

    # Compiled when one of them is first called.
    def compile_all() -> None:
        from .constructor import constructor_of

        functions = packing.generate()
        # The exact ones are made when they are first asked for, if ever.
        exactly = partial(cls.__packings__.of, laid_out, exact=True)
        functions["_exactly"] = lambda *where: exactly().unpack_from(*where)
        functions["_exactly_into"] = lambda *where: exactly().pack_into(*where)
        made = {"__make__": constructor_of(packing, cls.__defaults__)}
        for name in ("unpack_from", "pack_into"):
            made[name] = functions[name]
        _install_methods(cls, made)

    def late(name: str) -> Callable[..., Any]:
        def first_call(*arguments: Any, **named: Any) -> Any:
            compile_all()
            return getattr(cls, name)(*arguments, **named)

        return first_call

    _install_methods(cls, {name: late(name) for name in ("__make__", "unpack_from", "pack_into")})


def _install_methods(cls: Any, functions: dict[str, Any]) -> None:
    for name, function in functions.items():
        function.__qualname__ = f"{cls.__qualname__}.{name}"
        function.__module__ = cls.__module__
        setattr(cls, name, function if name == "pack_into" else staticmethod(function))


def _native(names: tuple[str, ...], declaration: TypeDeclaration, target: Target) -> Layout:
    """The marshalled layout. Raises LayoutError, with the name that the field has in Python."""
    try:
        return native(declaration, target)
    except LayoutError as error:
        python = {field.name: name for field, name in zip(declaration.fields, names, strict=True)}
        field = python.get(error.field or "", error.field)
        raise LayoutError(error.message, field=field, value=error.value) from None


def _install_fields(cls: Any, packing: Packing) -> None:
    """Move the slots of fields that are no plain attributes, and put properties in their place."""
    overlapped = {shape.field.name for o in packing.overlaps for shape in o.shapes}
    for shape in packing.shapes:
        name = shape.field.name
        if not shape.is_plain and name not in overlapped and name in cls.__slots__:
            setattr(cls, shape.slot, cls.__dict__[name])
            setattr(cls, name, lazy_property(shape))
    for overlap in packing.overlaps:
        first, second = (shape.field.name for shape in overlap.shapes[:2])
        if first in cls.__slots__:
            # Two slots are all they need, and each field brings one.
            setattr(cls, overlap.bytes_slot, cls.__dict__[first])
            setattr(cls, overlap.loans_slot, cls.__dict__[second])
            for shape in overlap.shapes:
                setattr(cls, shape.field.name, overlap.accessor(shape))
