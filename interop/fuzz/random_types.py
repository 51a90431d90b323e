"""Hypothesis strategies that draw C# declarations, usual and unusual ones, and their values.

.NET may refuse what is drawn; pyshm then has to refuse it at the same point. Every type of an
example has a name of its own, so that a failure shrinks to few and small types.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from pyshm.layout.builtins import (
    BUILT_IN_TYPES,
    FIXED_BUFFER_ELEMENTS,
    SCALARS,
    fixed_buffer_element,
    managed_scalar,
)
from pyshm.layout.compute import managed_layout
from pyshm.layout.declarations import (
    Array,
    BuiltIn,
    FieldDeclaration,
    FunctionPointer,
    MarshalAs,
    Nullable,
    Pointer,
    TypeDeclaration,
    TypeReference,
    needed_types,
)
from pyshm.layout.forms import Scalar, Target
from pyshm.layout.layouts import native, refusal
from pyshm.layout.traits import is_blittable, is_reference
from pyshm.testing.values import from_python, is_address, overlaps, sensible

__all__ = ["declarations", "examples"]

_NUMBERS = [
    name
    for name, row in BUILT_IN_TYPES.items()
    if row.kind == "primitive" and name not in ("bool", "char")
]
_INTEGERS = [name for name in _NUMBERS if name in SCALARS and SCALARS[name].kind == "int"]
# Numbers come first: hypothesis shrinks towards the first element.
_VALUES = [
    *_NUMBERS,
    *(name for name, row in BUILT_IN_TYPES.items() if row.managed and name not in _NUMBERS),
]
_WITHOUT_VALUE = [name for name, row in BUILT_IN_TYPES.items() if row.managed is None]
# The [MarshalAs] that .NET accepts for a type. Others are drawn as well, but less often.
_FITTING = {
    name: [unmanaged for unmanaged in row.marshalled if unmanaged]
    for name, row in BUILT_IN_TYPES.items()
    if row.marshalled
} | {
    "string": ["LPStr", "LPWStr", "LPTStr", "LPUTF8Str", "BStr", "ByValTStr"],
    "object": ["Struct", "IUnknown", "IDispatch", "Interface"],
}
_UNMANAGED = [
    "Bool", "I1", "U1", "I2", "U2", "I4", "U4", "I8", "U8", "R4", "R8", "Currency", "BStr",
    "LPStr", "LPWStr", "LPTStr", "LPUTF8Str", "IUnknown", "IDispatch", "Struct", "Interface",
    "SysInt", "SysUInt", "VariantBool", "FunctionPtr", "Error", "LPStruct",
]  # fmt: skip
# A subtype that is narrower than the element makes .NET write beyond the end of the array, so
# none of those is drawn.
_SUB_TYPES = {
    "bool": ["Bool", "I1", "U1", "VariantBool", "I4"],
    "char": ["I2", "U2"],
    "string": ["LPStr", "LPWStr", "LPTStr", "BStr", "LPUTF8Str"],
    "decimal": ["Currency", "Struct"],
    "DateTime": ["Struct", "I8"],
    "object": ["IUnknown", "IDispatch", "Struct"],
}
_PACKS = [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128]
_DEPTH = 3
# All characters except surrogates and NUL. (Hypothesis versions differ in the name of the argument
# that excludes a category.)
_CHARACTERS = st.characters(min_codepoint=1, max_codepoint=0xD7FF) | st.characters(
    min_codepoint=0xE000
)
_ASCII = st.characters(min_codepoint=1, max_codepoint=0x7F)


@st.composite
def declarations(draw: Any, compound: bool = False) -> TypeDeclaration:
    """Draw a struct or layout class with all types that it consists of.

    With ``compound`` there are more structs, nullables and inline arrays in each other.
    """
    return _Drawing(draw, compound).declared(_DEPTH, root=True)


class _Drawing:
    """Draws the types of one example and numbers them."""

    def __init__(self, draw: Any, compound: bool) -> None:
        self._draw = draw
        self._compound = compound
        self._count = 0

    def _one(self, options: list[Any]) -> Any:
        return self._draw(st.sampled_from(options))

    def _chance(self, percent: int) -> bool:
        # Shrinks towards "no".
        return bool(self._draw(st.integers(0, 99)) >= 100 - percent)

    def _name(self) -> str:
        self._count += 1
        return f"T{self._count}"

    def declared(
        self,
        depth: int,
        *,
        root: bool = False,
        kind: str = "struct",
        sequential: bool = False,
        mixed: bool = False,
    ) -> TypeDeclaration:
        """Draw a struct, or with ``kind`` a class; the root may be either.

        A class of a field that has sequential layout after explicit layout crashes the runtime. The
        root, and with ``mixed`` a base class of it, may be such a class.
        """
        mixed = mixed or root
        if root and self._chance(8):
            kind = "class"
        layout = "explicit" if not sequential and self._chance(25) else "sequential"
        if not root and self._chance(4):
            layout = "auto"
        base = None
        if kind == "class" and depth > 1 and self._chance(30):
            sequential = layout == "sequential" and not mixed
            base = self.declared(depth - 2, kind="class", sequential=sequential, mixed=mixed)
        inline_array = None
        if kind == "struct" and self._chance(30 if self._compound else 5):
            inline_array = self._one([1, 2, 3, 5, 16])
            layout = "auto" if not root and self._chance(20) else "sequential"
        # So do some uses of an empty class.
        count = 1 if inline_array else self._draw(st.integers(kind == "class", 6))
        sized = self._chance(40 if self._compound else 12)
        size = self._draw(st.integers(1, 80)) if sized and not inline_array else 0
        name = self._name()
        # .NET writes a base class's text in the CharSet of the derived class, which may not fit.
        charset = base.charset if base else self._one(["ansi", "ansi", "unicode", "auto"])
        return TypeDeclaration(
            name,
            kind,  # type: ignore[arg-type]
            layout=layout,  # type: ignore[arg-type]
            pack=self._one(_PACKS),
            size=size,
            charset=charset,
            fields=tuple(self._field(f"{name}F{i}", depth, layout) for i in range(count)),
            base=base,
            inline_array=inline_array,
            generic=kind == "struct" and not root and self._chance(4),
        )

    def _field(self, name: str, depth: int, layout: str) -> FieldDeclaration:
        kind, marshal_as = self._kind(depth)
        offset = None
        if layout == "explicit":
            # Mostly aligned, so that aligned and misaligned overlaps are both drawn.
            offset = self._draw(st.integers(0, 12)) * self._one([8, 8, 4, 2, 1])
        return FieldDeclaration(name, kind, offset, marshal_as)

    def _kind(self, depth: int) -> tuple[TypeReference, MarshalAs | None]:
        if self._compound and depth > 0 and self._chance(40):
            inner = self.declared(depth - 1)
            count = self._draw(st.integers(1, 4))
            several = Array(inner), MarshalAs("ByValArray", count)
            return self._one([(inner, None), (Nullable(inner), None), several])  # type: ignore[no-any-return]
        which = self._draw(st.integers(0, 99))
        if which < 45:
            return self._marked(self._one(_VALUES))
        if which < 55:
            return self._marked(self._one(_WITHOUT_VALUE if self._chance(40) else ["string"]))
        if which < 60:
            # Reflection.Emit has no function pointers; the peer uses void* instead.
            kind = self._one([Pointer(), FunctionPointer()])
            return kind, self._rarely_marked() if isinstance(kind, Pointer) else None
        if which < 65:
            return self._enum(), self._rarely_marked()
        if which < 68:
            name = self._name()
            kind_of_type = self._one(["delegate", "delegate", "interface"])
            return TypeDeclaration(name, kind_of_type), self._rarely_marked()
        if which < 72:
            return Nullable(self._value(depth)), self._rarely_marked()
        if which < 84:
            return self._array(depth)
        if which < 88:
            return self._fixed_buffer(), None
        if depth <= 0:
            return self._marked(self._one(_NUMBERS))
        if which < 91:
            return self.declared(depth - 1, kind="class"), self._rarely_marked()
        return self.declared(depth - 1), self._rarely_marked()

    def _marked(self, name: str) -> tuple[BuiltIn, MarshalAs | None]:
        if name == "string" and self._chance(50):
            return BuiltIn(name), MarshalAs("ByValTStr", self._draw(st.integers(0, 20)))
        if name in _FITTING and self._chance(50):
            chosen = self._one(_FITTING[name])
            count = self._draw(st.integers(1, 20)) if chosen == "ByValTStr" else None
            return BuiltIn(name), MarshalAs(chosen, count)
        return BuiltIn(name), self._rarely_marked()

    def _rarely_marked(self) -> MarshalAs | None:
        return MarshalAs(self._one(_UNMANAGED)) if self._chance(4) else None

    def _value(self, depth: int) -> TypeReference:
        if depth > 0 and self._chance(15):
            return self.declared(depth - 1)
        if self._chance(10):
            return self._enum()
        return BuiltIn(self._one(_VALUES))

    def _enum(self) -> TypeDeclaration:
        return TypeDeclaration(
            self._name(),
            "enum",
            underlying=self._one(_INTEGERS),
            members=(("Zero", 0), ("One", 1)),
        )

    def _array(self, depth: int) -> tuple[TypeReference, MarshalAs | None]:
        element: TypeReference
        sub_type = None
        if self._chance(70):
            name = self._one([*_VALUES, "string", "object"])
            element = BuiltIn(name)
            if name in _SUB_TYPES and self._chance(50):
                sub_type = self._one(_SUB_TYPES[name])
        elif self._chance(10):
            element = Array(BuiltIn("int"))
        else:
            element = self._value(depth)
            if isinstance(element, TypeDeclaration) and element.layout == "auto":
                element = BuiltIn("int")  # such an array crashes the .NET runtime
        if self._chance(6):
            return Array(element), self._rarely_marked()
        return Array(element), MarshalAs("ByValArray", self._draw(st.integers(0, 9)), sub_type)

    def _fixed_buffer(self) -> TypeDeclaration:
        name = self._one(sorted(FIXED_BUFFER_ELEMENTS))
        return TypeDeclaration(
            self._name(),
            size=SCALARS[name].size * self._draw(st.integers(1, 12)),
            fields=(FieldDeclaration("FixedElementField", BuiltIn(name)),),
            fixed_buffer=True,
        )


# --- values -------------------------------------------------------------------------------

# Types that allow fewer numbers than their bytes can hold.
_RANGES = {"DateOnly": (0, 3652058), "TimeOnly": (0, 863999999999)}
# The days of .NET's calendar that an OLE automation date can hold; DateTime has more.
_OLE_DAYS = (36160, 3652058)
_MILLISECOND = 10_000  # in ticks
_DAY = 86_400_000 * _MILLISECOND


@st.composite
def examples(draw: Any, target: Target) -> tuple[TypeDeclaration, list[Any], list[bytes]]:
    """Draw a type that .NET marshals, two values of it as JSON, and bytes of its size.

    There are no values if fields overlap in .NET's own memory, where the field that is set last
    would win, and no bytes if such a type is not blittable.
    """
    declaration = draw(declarations().filter(lambda drawn: _is_marshalled(drawn, target)))
    layout = native(declaration, target)
    if overlaps(layout) or _overlaps_in_memory(declaration, target):
        if not is_blittable(declaration, target):
            return declaration, [], []
        drawn = []
    else:
        drawn = [draw(values(declaration, target)) for _ in range(2)]
    data = draw(st.binary(min_size=layout.size, max_size=layout.size))
    return declaration, drawn, [sensible(data, layout)]


def _overlaps_in_memory(declaration: TypeDeclaration, target: Target) -> bool:
    """Return whether fields share bytes in .NET's own memory, also those of objects within."""
    return any(
        overlaps(managed_layout(part, target))
        for part in needed_types(declaration)
        if part.kind in ("struct", "class")
    )


def _is_marshalled(declaration: TypeDeclaration, target: Target) -> bool:
    # An InlineArray by itself is a list in Python, not a struct. What only Windows marshals needs
    # COM, for which random bytes can mean anything, even an endless wait.
    return declaration.inline_array is None and not any(
        refusal(declaration, system) for system in (target, target._replace(windows=False))
    )


@st.composite
def values(draw: Any, declaration: TypeDeclaration, target: Target) -> dict[str, Any]:
    """Draw a value of ``declaration`` as JSON, in which objects are null."""
    return _Values(draw, target).struct(declaration)


class _Values:
    """Draws one value."""

    def __init__(self, draw: Any, target: Target) -> None:
        self._draw = draw
        self._target = target
        # Windows and Python replace a character that a code page lacks in different ways.
        self._characters = _ASCII if target.windows else _CHARACTERS

    def struct(self, declaration: TypeDeclaration) -> dict[str, Any]:
        """Draw a value of every field, by its name; a base class's fields come first."""
        drawn = self.struct(declaration.base) if declaration.base is not None else {}
        for field in declaration.fields:
            drawn[field.name] = None if is_address(field) else self._field(field)
        return drawn

    def _field(self, field: FieldDeclaration) -> Any:
        marshal_as = field.marshal_as
        kind = field.type
        if isinstance(kind, BuiltIn) and kind.name == "string":
            assert marshal_as is not None
            return self._text(marshal_as.size_const or 1)
        if isinstance(kind, Array):
            assert marshal_as is not None
            if is_reference(kind.element):
                return [None] * (marshal_as.size_const or 0)
            element = FieldDeclaration("", kind.element, None, _as_field(marshal_as))
            return [self._field(element) for _ in range(marshal_as.size_const or 0)]
        if marshal_as is not None and marshal_as.unmanaged_type == "Currency":
            number = self._draw(st.integers(-(2**63), 2**63 - 1))
            return _decimal(number, 4)
        return self._value(kind)

    def _value(self, kind: TypeReference) -> Any:
        if isinstance(kind, Nullable):
            return None if self._draw(st.booleans()) else self._value(kind.value)
        if isinstance(kind, (Pointer, FunctionPointer)):
            return _integer(self._draw(st.integers(0, 2**47)))
        if isinstance(kind, BuiltIn):
            return self._built_in(kind.name)
        assert isinstance(kind, TypeDeclaration)
        if kind.kind == "enum":
            return self._built_in(kind.underlying)
        if kind.kind in ("delegate", "interface"):
            return None
        if kind.inline_array or kind.fixed_buffer:
            element = kind.fields[0]
            count = kind.inline_array or fixed_buffer_element(kind)[1]
            if is_address(element):
                return [None] * count
            return [self._field(element) for _ in range(count)]
        return self.struct(kind)

    def _built_in(self, name: str) -> Any:
        form = managed_scalar(name, self._target)
        if form is None:
            return None  # an element that is an object
        match form.kind:
            case "int" | "int128" | "uint128" | "timespan" | "dateonly" | "timeonly":
                return _integer(self._draw(st.integers(*_RANGES.get(name) or _range(form))))
            case "float":
                # Python keeps no bits of a NaN, so that NaNs can't be compared.
                width: Any = 8 * form.size
                number = self._draw(st.floats(width=width, allow_nan=False))
                return from_python(BuiltIn(name), number)
            case "bool":
                return self._draw(st.booleans())
            case "char16":
                return self._draw(st.integers(0, 127))
            case "guid":
                return str(self._draw(st.uuids()))
            case "decimal":
                number = self._draw(st.integers(-(2**96) + 1, 2**96 - 1))
                return _decimal(number, self._draw(st.integers(0, 28)))
            case "datetime":
                day = self._draw(st.integers(*_OLE_DAYS))
                ticks = self._draw(st.integers(0, 86_399_999)) * _MILLISECOND
                return {"ticks": _integer(day * _DAY + ticks), "kind": 0}
        raise NotImplementedError(f"no values of {name} are drawn")

    def _text(self, count: int) -> Any:
        text = self._draw(st.text(self._characters, max_size=count + 2))
        return {"utf16": text.encode("utf-16-le").hex()}


def _range(form: Scalar) -> tuple[int, int]:
    """Return the smallest and the largest integer of a form."""
    bits = 8 * form.size
    if form.kind == "uint128" or (form.code is not None and form.code.isupper()):
        return 0, 2**bits - 1
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


def _as_field(marshal_as: MarshalAs) -> MarshalAs | None:
    """Return the [MarshalAs] of an array's elements as that of a field."""
    return MarshalAs(marshal_as.array_sub_type) if marshal_as.array_sub_type else None


def _decimal(number: int, scale: int) -> list[int]:
    digits = abs(number)
    flags = (scale << 16) | (0x80000000 if number < 0 else 0)
    return [digits & 0xFFFFFFFF, digits >> 32 & 0xFFFFFFFF, digits >> 64, flags]


def _integer(value: int) -> int | str:
    return value if abs(value) < 2**53 else str(value)
