"""Struct: the base of Python classes that C# declares with ``[StructLayout]``.

    class Point(Struct, pack=1):
        x: Int32
        y: Int32

What depends only on the type - the declaration, the layout, the code that reads and writes - is
made once for each class.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from keyword import iskeyword
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, Self, dataclass_transform

from .._support.names import identifier, is_identifier, written_name
from ..errors import LayoutError
from ..layout.declarations import TypeDeclaration
from ..layout.forms import HOST, Layout, Target
from ..layout.layouts import native
from .contents import _restored, comparable, field_text, state_of
from .declare import annotated_names, declaration_of
from .deprecated import REPLACEMENTS, DeprecatedName
from .fields import attribute_of
from .leaves import fields_text
from .packing import Packing, Packings, strict_from
from .registry import PYTHON_TYPES

if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined,unused-ignore]

    from .codec import StructCodec

__all__ = ["Struct", "StructType", "python_names"]

_CLASS_KEYWORDS = frozenset(
    ["pack", "size", "charset", "layout", "kind", "name", "target", "verbatim", "best_fit",
     "throw_on_unmappable"]
)  # fmt: skip
# Names that each struct class gets when it is made, and the first parameter of its methods.
_RESERVED = frozenset(["layout", "managed", "pack_into", "self", "unpack_from"])
# Names that a view (view.py) and ctypes use.
_OF_VIEWS = re.compile(
    r"_(fields|pack|layout|align|anonymous|swappedbytes|b_base|b_needsfree|packed|memory|pad"
    r"|at_\d+|raw_\d+)_|_keeps|_objects"
)


class StructType(type):
    """Turns a class body with annotated fields into a class with slots and a layout."""

    # To call a struct class is to call its __make__. There is no __init__, so that the call of
    # `type` makes an empty object as fast as possible; unpack_from relies on it.
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
        target: Target | None = None,
        **options: Any,
    ) -> StructType:
        """Make the class; ``laid_out`` is the layout of one that was declared elsewhere."""
        if not bases:
            return super().__new__(mcls, name, bases, namespace)
        if laid_out is None:
            names = tuple(annotated_names(namespace))
        else:
            fields = laid_out.declaration.fields
            names = tuple(python_names((field.name for field in fields), bases[0]))
        if target is not None:
            options["target"] = target
        _check_body(name, bases, names, namespace, options)
        defaults = {field: namespace.pop(field) for field in names if field in namespace}
        namespace["__slots__"] = names
        cls: Any = super().__new__(mcls, name, bases, namespace)
        if laid_out is None and _extends(bases[0]):
            above: Layout = bases[0].layout  # type: ignore[attr-defined]
            laid_out = native(replace(above.declaration), above.target)
        elif laid_out is None:
            declaration = declaration_of(cls, _declaration(bases[0]), names, options)
            laid_out = _native(names, declaration, target or HOST)
        _complete(cls, names, defaults, laid_out)
        return cls  # type: ignore[no-any-return]

    def __init__(cls, *_: Any, **__: Any) -> None:
        """Ignore the class keywords, which are for __new__."""

    @property
    def managed(cls) -> StructCodec:
        """The layout in .NET's own memory, which accessor.Read<T>, Write<T> and ReadArray<T> use.

        Raises ArgumentError for a struct that holds references, as .NET does.
        """
        from .codec import codec_of

        packing: Packing = cls.__dict__["__packing__"]
        return codec_of(packing.managed)

    @property
    def __signature__(cls) -> Any:
        from inspect import Parameter, Signature

        defaults: dict[str, Any] = cls.__dict__.get("__defaults__", {})
        kind = Parameter.POSITIONAL_OR_KEYWORD
        return Signature([Parameter(name, kind, default=defaults[name]) for name in defaults])


class _OfDataclass:
    """An attribute that the functions of ``dataclasses`` read."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: Any) -> Any:
        from .dataclass_fields import model_of

        return getattr(model_of(owner), self._name)


@dataclass_transform(eq_default=True)
class Struct(metaclass=StructType):
    """Base of all declared structs. Subclass it with annotated fields from :mod:`pyshm.types`.

    Class keywords are those of StructLayoutAttribute: ``pack`` (0 to 128; 0 means no limit),
    ``size`` (bytes, a minimum), ``charset`` ("ansi", "unicode", "auto") and ``layout``
    ("sequential", or "explicit" with a FieldOffset for each field). ``kind="class"`` declares a
    class with layout, which can derive from another one. ``name`` is the reflection full name in
    .NET, by default the name of the class. The field ``top_speed`` is ``TopSpeed`` in .NET unless
    it has a FieldName; with ``verbatim=True`` all names stay as they are. ``target`` is the system
    that the bytes are for, by default this one. ``best_fit=False`` and ``throw_on_unmappable=True``
    are [BestFitMapping], which matters for Ansi text on Windows with ``strict=False``.

    A class-level value is the default of the field; without one the default is zero. Raises
    LayoutError, with .NET's reason, for what .NET does not marshal.

    The bytes are those of Marshal.StructureToPtr. ``layout`` says where each field is. Fields that
    share bytes are one memory: to assign one changes what the others read, and values for several
    of them are written in order of declaration.

    By default a value that its field can't hold is an error. With ``strict=False`` the methods do
    what .NET does, also where that loses something.
    """

    __slots__ = ()

    __match_args__: ClassVar[tuple[str, ...]] = ()

    __packings__: ClassVar[Packings]
    __packing__: ClassVar[Packing]
    __bare__: ClassVar[Callable[[], Any]]
    __defaults__: ClassVar[dict[str, Any]]

    layout: ClassVar[Layout]
    """Where each field is, in the marshalled layout."""

    if TYPE_CHECKING:

        @classmethod
        def unpack_from(
            cls,
            buffer: Buffer,
            offset: int = 0,
            exact: bool | None = None,
            *,
            strict: bool = True,
        ) -> Self:
            """Return a copy of the struct at ``offset`` of ``buffer``.

            Numbers and nested structs are converted at once; text, arrays and dates when the
            attribute is read, which raises FormatError for bytes without a meaning. With
            ``strict=False`` such bytes are read as .NET reads them: text has U+FFFD there.

            Raises TruncatedError if the buffer ends before the struct does. ``exact`` is
            deprecated. .NET: Marshal.PtrToStructure.
            """

        def pack_into(
            self,
            buffer: Buffer,
            offset: int = 0,
            exact: bool | None = None,
            *,
            strict: bool = True,
        ) -> None:
            """Write the struct into a writable ``buffer`` at ``offset``.

            Raises StructValueError for a value that its field can't hold, DoesNotFitError for a
            buffer that is too small and UnsupportedError for a read-only one; then nothing was
            written. With ``strict=False`` such values are written as .NET writes them: text and
            arrays that are too long are cut, None is zeros, a character that the ANSI code page
            does not have is replaced, a date loses its microseconds. ``exact`` is deprecated.
            .NET: Marshal.StructureToPtr.
            """

        # Deprecated (deprecated.py).
        cdef: ClassVar[Callable[[], str]]
        codec: ClassVar[Any]
        declaration: ClassVar[TypeDeclaration]
        ffi: ClassVar[Callable[[], Any]]
        for_target: ClassVar[Callable[[Target], StructCodec]]
        numpy_dtype: ClassVar[Callable[[], Any]]
        snapshot: ClassVar[Callable[..., Any]]
        snapshot_type: ClassVar[Callable[[], type[bytes]]]
        unpack_flat: ClassVar[Callable[..., tuple[Any, ...]]]
        view_array: ClassVar[Callable[..., Any]]

    @staticmethod
    def __make__() -> None:
        raise LayoutError("Struct itself has no fields; subclass it")

    def to_bytes(self, exact: bool | None = None, *, strict: bool = True) -> bytes:
        """Return the bytes of the struct, ``layout.size`` of them. Raises StructValueError.

        For ``strict`` see :meth:`pack_into`; ``exact`` is deprecated.
        """
        if exact is not None:
            strict = strict_from(exact)
        packing = self.__packing__
        if not strict:
            packing = packing.with_strict(False)
        return packing.to_bytes(self)

    @classmethod
    def from_bytes(cls, buffer: Buffer, exact: bool | None = None, *, strict: bool = True) -> Self:
        """Return a copy of the struct at the beginning of ``buffer``; see :meth:`unpack_from`."""
        if exact is not None:
            strict = strict_from(exact)
        if strict:
            return cls.unpack_from(buffer)
        return cls.unpack_from(buffer, strict=False)

    @classmethod
    def view(cls, buffer: Buffer, offset: int = 0) -> Any:
        """Return a view: its attributes read and write the memory of ``buffer`` at ``offset``.

        Nothing is copied, and the memory remains valid as long as the view exists. Nested structs
        are views, arrays are sequences that write through. The attributes of a view of read-only
        memory can't be assigned (UnsupportedError). Raises TruncatedError.
        """
        return _view_of()(cls.__packing__, buffer, offset)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return comparable(self) == comparable(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        fields = fields_text(self.__packing__, lambda shape: field_text(self, shape))
        return f"{type(self).__name__}({fields})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), state_of(self))

    def __replace__(self, /, **changes: Any) -> Self:
        # For copy.replace, from Python 3.13 on. Fields that are not named keep their bytes.
        names = self.__match_args__
        for name in changes:
            if name not in names:
                raise TypeError(f"{type(self).__name__} has no field {name!r}")
        struct: Self = _restored(type(self), state_of(self))
        for name in names:
            if name in changes:
                setattr(struct, name, changes[name])
        return struct

    if not TYPE_CHECKING:  # type checkers know it from dataclass_transform
        __dataclass_fields__ = _OfDataclass("__dataclass_fields__")
        __dataclass_params__ = _OfDataclass("__dataclass_params__")
        __source__ = property(lambda self: self)  # dataclass_fields.py


for _name in REPLACEMENTS:
    setattr(Struct, _name, DeprecatedName(_name))


@cache
def _view_of() -> Callable[..., Any]:
    # An import statement takes as long as the view itself, even if the module is loaded.
    from .view import view_of

    return view_of


# --- making a class -----------------------------------------------------------------------


def python_names(names: Iterable[str], base: type = Struct) -> list[str]:
    """Return a name for each .NET field that a Python struct can have, if it derives from ``base``.

    ``base`` is another class than Struct for a class with layout: no field hides one of its base.
    """
    taken: dict[str, None] = {}
    for name in names:
        plain = identifier(written_name(name), "field")
        if plain.startswith("__"):
            plain = f"field{plain}"
        while iskeyword(plain) or plain in taken or _is_reserved(plain, base):
            plain += "_"
        taken[plain] = None
    return list(taken)


def _is_reserved(name: str, base: type) -> bool:
    """Return whether a struct class with this base can't have a field ``name``."""
    if name in _RESERVED or _OF_VIEWS.fullmatch(name):
        return True
    for each in (*base.__mro__, *type.mro(StructType)):
        if name in each.__dict__:
            return not isinstance(each.__dict__[name], DeprecatedName)
    return False


def _declaration(base: type) -> TypeDeclaration | None:
    """Return the declaration of a struct class; None for Struct itself, and for other classes."""
    layout = base.__dict__.get("layout")
    return layout.declaration if isinstance(layout, Layout) else None


def _extends(base: type) -> bool:
    """Return whether a class with this base is the same C# struct with more methods."""
    above = _declaration(base)
    return above is not None and above.kind != "class"


def _check_body(
    name: str,
    bases: tuple[type, ...],
    names: tuple[str, ...],
    namespace: dict[str, Any],
    options: dict[str, Any],
) -> None:
    """Raise LayoutError for a class body that can't be the body of a struct."""
    for option in options:
        if option not in _CLASS_KEYWORDS:
            raise LayoutError(
                f"{name}: {option!r} is not a class keyword of a struct; those are "
                f"{', '.join(sorted(_CLASS_KEYWORDS))}",
                field=option,
            )
    base = bases[0]
    if len(bases) != 1 or (base is not Struct and _declaration(base) is None):
        raise LayoutError(f"{name}: a struct derives from Struct or from one other struct alone")
    if _extends(base) and (names or options):
        raise LayoutError(
            f"{name}: a class that derives from the struct {base.__name__} can have methods and "
            f"properties, but not {', '.join((*names, *options))}; only a class can have more "
            "fields than its base, if both are declared with kind='class'",
            field=next(iter((*names, *options))),
        )
    inherited = () if base is Struct else base.__match_args__  # type: ignore[attr-defined]
    for field in inherited:
        if field in namespace:
            raise LayoutError(
                f"{name}.{field}: {base.__name__} has a field of this name; use another one",
                field=field,
            )
    for field in names:
        if field.startswith("__") or _is_reserved(field, base):
            raise LayoutError(
                f"{name}.{field}: a field can't have this name, which is taken or private; "
                "use another one, and FieldName for the name in .NET",
                field=field,
            )
        if not is_identifier(field):
            raise LayoutError(
                f"{name}.{field}: this is not a name in Python; use "
                f"{python_names([field])[0]!r}, and FieldName({field!r}) for the name in .NET",
                field=field,
            )
    for method in ("__init__", "__new__"):
        if method in namespace:
            raise LayoutError(
                f"{name}.{method}: a struct can't have it, because it is made from the fields; use "
                "a class method instead"
            )


def _native(names: tuple[str, ...], declaration: TypeDeclaration, target: Target) -> Layout:
    """Return the marshalled layout. Raises LayoutError, with the Python name of the field."""
    try:
        return native(declaration, target)
    except LayoutError as error:
        python = {field.name: name for field, name in zip(declaration.fields, names, strict=True)}
        field = python.get(error.field or "", error.field)
        raise LayoutError(error.message, field=field, value=error.value) from None


def _complete(cls: Any, names: tuple[str, ...], defaults: dict[str, Any], laid_out: Layout) -> None:
    """Give a new class its layout, the attributes of its fields, and its methods."""
    base = cls.__mro__[1]
    inherited = tuple(field.name for field in base.layout.fields) if base is not Struct else ()
    all_names = inherited + names
    layout = laid_out._replace(
        fields=tuple(
            field._replace(name=name)
            for field, name in zip(laid_out.fields, all_names, strict=True)
        )
    )
    PYTHON_TYPES[layout.declaration] = cls
    cls.__bare__ = type.__call__.__get__(cls)
    cls.__packings__ = Packings(cls, layout)
    cls.__packing__ = packing = cls.__packings__.own
    cls.layout = packing.layout
    _install_fields(cls, packing)
    setattr(cls, "__match_args__", all_names)  # noqa: B010 - mypy does not let it be assigned
    above = base.__dict__.get("__defaults__", {})
    cls.__defaults__ = {name: defaults.get(name, above.get(name)) for name in all_names}
    methods = ("__make__", "unpack_from", "pack_into")
    _install_methods(cls, {name: _compiling(cls, name) for name in methods})


def _compiling(cls: Any, name: str) -> Callable[..., Any]:
    """Return a method that compiles all three, and then calls the compiled one."""

    def first_call(*arguments: Any, **named: Any) -> Any:
        from .constructor import constructor_of

        functions = cls.__packing__.functions()
        compiled = {"__make__": constructor_of(cls.__packing__, cls.__defaults__)}
        for method in ("unpack_from", "pack_into"):
            compiled[method] = functions[method]
        _install_methods(cls, compiled)
        return getattr(cls, name)(*arguments, **named)

    return first_call


def _install_methods(cls: Any, functions: dict[str, Callable[..., Any]]) -> None:
    for name, function in functions.items():
        is_call = name == "__make__"
        function.__qualname__ = cls.__qualname__ if is_call else f"{cls.__qualname__}.{name}"
        function.__module__ = cls.__module__
        setattr(cls, name, function if name == "pack_into" else staticmethod(function))


def _install_fields(cls: Any, packing: Packing) -> None:
    """Rename the slots of fields that are not plain attributes, and add properties for them."""
    for shape in packing.alone:
        name = shape.field.name
        if not shape.is_plain and name in cls.__slots__:
            setattr(cls, shape.slot, cls.__dict__[name])
            setattr(cls, name, attribute_of(shape))
    for overlap in packing.overlaps:
        first, second = (shape.field.name for shape in overlap.shapes[:2])
        if first in cls.__slots__:
            # The overlap needs two slots. It has at least two fields, and each has a slot.
            setattr(cls, overlap.bytes_slot, cls.__dict__[first])
            setattr(cls, overlap.borrowed_slot, cls.__dict__[second])
            for shape in overlap.shapes:
                setattr(cls, shape.field.name, overlap.attribute(shape))
