"""The custom attributes that matter to a layout, or to what is shown of a type."""

from __future__ import annotations

from bisect import bisect_right

from . import signatures
from .reader import Metadata

__all__ = ["Attributes"]

_COMPILER = "System.Runtime.CompilerServices."
_INLINE_ARRAY = _COMPILER + "InlineArrayAttribute"
_FIXED_BUFFER = _COMPILER + "FixedBufferAttribute"
_BY_REF_LIKE = _COMPILER + "IsByRefLikeAttribute"
_GENERATED = _COMPILER + "CompilerGeneratedAttribute"
_FLAGS = "System.FlagsAttribute"
_KNOWN = frozenset({_INLINE_ARRAY, _FIXED_BUFFER, _BY_REF_LIKE, _GENERATED, _FLAGS})

_ON_FIELD, _ON_TYPE = 1, 3  # HasCustomAttribute: MethodDef, Field, TypeRef, TypeDef, …
_BY_METHOD_DEF, _BY_MEMBER_REF = 2, 3  # CustomAttributeType
_OF_TYPE_DEF, _OF_TYPE_REF = 0, 1  # MemberRefParent


class Attributes:
    """What the custom attributes of one assembly say, by row numbers of types."""

    def __init__(self, metadata: Metadata) -> None:
        self._metadata = metadata
        self.inline_arrays: dict[int, int] = {}
        self.by_ref_like: set[int] = set()
        self.fixed_buffers: set[int] = set()
        """The structs that C#'s compiler made for ``fixed`` fields."""
        self.generated: set[int] = set()
        self.flags: set[int] = set()
        names: dict[int, str] = {}
        for row in metadata.custom_attributes():
            carrier = row.parent & 0x1F
            if carrier not in (_ON_FIELD, _ON_TYPE):
                continue
            name = names.get(row.constructor)
            if name is None:
                name = names[row.constructor] = self._attribute(row.constructor)
            if name in _KNOWN:
                self._add(name, carrier, row.parent >> 5, row.value)

    def _add(self, name: str, carrier: int, row: int, value: int) -> None:
        if carrier == _ON_FIELD:
            if name == _FIXED_BUFFER:
                self._add_fixed_buffer(row)
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

    def _add_fixed_buffer(self, row: int) -> None:
        if not 1 <= row <= len(self._metadata.fields):
            raise self._metadata.damage(f"Field {row} of {len(self._metadata.fields)}")
        signature = self._metadata.field_type(row, self._metadata.fields[row - 1])
        if isinstance(signature, signatures.Instance):
            signature = signature.definition
        if isinstance(signature, signatures.Named) and signature.table == _OF_TYPE_DEF:
            self.fixed_buffers.add(signature.row)

    def _attribute(self, constructor: int) -> str:
        """The full name of the attribute that has that constructor; "" for none of interest."""
        metadata = self._metadata
        table, row = constructor & 7, constructor >> 3
        if table == _BY_METHOD_DEF:
            owner = bisect_right(metadata.type_defs, row, key=lambda found: found.first_method)
            return metadata.full_names[owner - 1] if owner else ""
        if table != _BY_MEMBER_REF:
            return ""
        if not 1 <= row <= len(metadata.member_refs):
            raise metadata.damage(f"MemberRef {row} of {len(metadata.member_refs)}")
        parent = metadata.member_refs[row - 1].parent
        if parent & 7 == _OF_TYPE_REF:
            return metadata.outermost(parent >> 3)[1]
        if parent & 7 == _OF_TYPE_DEF:
            metadata.type_def(parent >> 3)
            return metadata.full_names[(parent >> 3) - 1]
        return ""
