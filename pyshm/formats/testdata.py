"""TestData: the struct that the example programs exchange (docs/format.md, "TestData")."""

from __future__ import annotations

from typing import Annotated, Self

from ..structs.struct import Struct
from ..types import ByValArray, Int32

__all__ = ["TestData"]


class TestData(Struct, pack=1):
    """The struct of the example programs: 48 bytes, packed (docs/format.md, "TestData")."""

    __test__ = False  # pytest would collect a class whose name begins with Test

    id: Int32
    age: Int32
    scores: Annotated[list[int], ByValArray(Int32, 10)]

    @classmethod
    def standard(cls) -> Self:
        """Return the values that the example programs start with."""
        return cls(100, 20, list(range(60, 70)))

    def __str__(self) -> str:
        return f"Id={self.id},Age={self.age},Scores={','.join(map(str, self.scores))}"
