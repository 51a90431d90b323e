"""The custom attributes that change a layout or a binding."""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from . import signatures
from .metadata import Metadata
from .rows import CustomAttribute, Field, MemberRef, TypeDef

__all__ = ["Attributes"]

_COMPILER = "System.Runtime.CompilerServices."
_INLINE_ARRAY = _COMPILER + "InlineArrayAttribute"
_FIXED_BUFFER = _COMPILER + "FixedBufferAttribute"
_BY_REF_LIKE = _COMPILER + "IsByRefLikeAttribute"
_GENERATED = _COMPILER + "CompilerGeneratedAttribute"
_FLAGS = "System.FlagsAttribute"
_REFERENCE = _COMPILER + "ReferenceAssemblyAttribute"
_BEST_FIT = "System.Runtime.InteropServices.BestFitMappingAttribute"
_KNOWN = frozenset(
    {_INLINE_ARRAY, _FIXED_BUFFER, _BY_REF_LIKE, _GENERATED, _FLAGS, _REFERENCE, _BEST_FIT}
)

_ON_FIELD, _ON_TYPE, _ON_ASSEMBLY = 1, 3, 14  # HasCustomAttribute: MethodDef, Field, …
_BY_METHOD_DEF, _BY_MEMBER_REF = 2, 3  # CustomAttributeType
_OF_TYPE_DEF, _OF_TYPE_REF = 0, 1  # MemberRefParent


class BestFit(NamedTuple):
    """[BestFitMapping]: of a type, or of an assembly for all its types."""

    best_fit: bool = True
    throw_on_unmappable: bool = False

    @classmethod
    def read(cls, value: bytes) -> BestFit:
        """Return what the value of the attribute says: a bool, and one named bool."""
        return cls(value[2:3] != b"\0", b"ThrowOnUnmappableChar" in value and value[-1] != 0)


class Attributes:
    """The facts in the custom attributes of one assembly, by the row numbers of its types."""

    def __init__(self, metadata: Metadata) -> None:
        self._metadata = metadata
        self.inline_arrays: dict[int, int] = {}
        self.by_ref_like: set[int] = set()
        self.fixed_buffers: set[int] = set()
        """The structs that the C# compiler made for ``fixed`` fields."""
        self.generated: set[int] = set()
        self.flags: set[int] = set()
        self._best_fit: dict[int, BestFit] = {}
        self._best_fit_of_all = BestFit()
        self.is_reference = False
        """Whether it is a reference assembly: one for compilers, without the real fields."""
        names: dict[int, str] = {}
        for row in metadata.each_row(CustomAttribute):
            target = row.parent & 0x1F
            if target not in (_ON_FIELD, _ON_TYPE, _ON_ASSEMBLY):
                continue
            name = names.get(row.constructor)
            if name is None:
                name = names[row.constructor] = self._attribute(row.constructor)
            if name in _KNOWN:
                self._add(name, target, row.parent >> 5, row.value)

    def _add(self, name: str, target: int, row: int, value: int) -> None:
        if target == _ON_FIELD:
            if name == _FIXED_BUFFER:
                self._add_fixed_buffer(row)
        elif name == _BEST_FIT:
            found = BestFit.read(self._metadata.blob(value))
            if target == _ON_ASSEMBLY:
                self._best_fit_of_all = found
            else:
                self._best_fit[row] = found
        elif target == _ON_ASSEMBLY:
            self.is_reference |= name == _REFERENCE
        elif name == _INLINE_ARRAY:
            try:
                count = signatures.fixed_argument_int(self._metadata.blob(value))
            except signatures.Damaged as error:
                raise self._metadata.damage(f"TypeDef {row}: {name}: {error}") from error
            self.inline_arrays[row] = count
        elif name == _BY_REF_LIKE:
            self.by_ref_like.add(row)
        elif name == _GENERATED:
            self.generated.add(row)
        elif name == _FLAGS:
            self.flags.add(row)

    def best_fit(self, row: int) -> BestFit:
        """Return the [BestFitMapping] of a type."""
        return self._best_fit.get(row, self._best_fit_of_all)

    def _add_fixed_buffer(self, row: int) -> None:
        signature = self._metadata.field_type(row, self._metadata.row(Field, row))
        if isinstance(signature, signatures.Instance):
            signature = signature.definition
        if isinstance(signature, signatures.Named) and signature.table == _OF_TYPE_DEF:
            self.fixed_buffers.add(signature.row)

    def _attribute(self, constructor: int) -> str:
        """Return the full name of the attribute with that constructor; "" if it is not known."""
        metadata = self._metadata
        table, row = constructor & 7, constructor >> 3
        if table == _BY_METHOD_DEF:
            types = metadata.rows(TypeDef)
            owner = bisect_right(types, row, key=lambda found: found.first_method)
            return metadata.full_name(owner) if owner else ""
        if table != _BY_MEMBER_REF:
            return ""
        parent = metadata.row(MemberRef, row).parent
        if parent & 7 == _OF_TYPE_REF:
            return metadata.outermost(parent >> 3)[1]
        if parent & 7 == _OF_TYPE_DEF:
            return metadata.full_name(parent >> 3)
        return ""
