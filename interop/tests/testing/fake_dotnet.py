"""A fake .NET peer: it implements the protocol, and an "assembly" is a Python file with structs.

fake_dotnet.py [FAULT …] serve
"""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

from interop.peers.python import PythonPeer
from interop.peers.serve import serve
from pyshm.structs import for_target
from pyshm.testing.manifest import manifest_json
from pyshm.testing.questions import ReflectedType
from pyshm.testing.values import from_python


class TypeLoadException(Exception):
    """The exception of .NET for a missing type."""


class FakeDotNet(PythonPeer):
    def __init__(self, *faults: str) -> None:
        super().__init__()
        self.faults = faults

    def _type(self, step: dict[str, Any]) -> Any:
        spec = importlib.util.spec_from_file_location("assembly", step["assembly"])
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        try:
            return getattr(module, step["type"])
        except AttributeError as error:
            raise TypeLoadException(f"Could not load type '{step['type']}'.") from error

    def _do_manifest(self, step: dict[str, Any]) -> list[dict[str, Any]]:
        if "assembly" not in step:
            return super()._do_manifest(step)
        return manifest_json(self._type(step).layout.declaration)

    def _do_reflect(self, step: dict[str, Any]) -> list[dict[str, Any]]:
        nothing = dict.fromkeys(ReflectedType._fields)
        return [{**nothing, "type": "Wheel", "fields": []}]

    def _do_marshal(self, step: dict[str, Any]) -> dict[str, Any]:
        struct = self._type(step)
        packing = struct.managed if step.get("managed") else for_target(struct)
        view: Any = self.objects[step["view"]] if "view" in step else None
        memory = view.buffer if view is not None else None
        if memory is None:
            data = bytes.fromhex(step["bytes"])
        else:
            start = step["position"]
            data = bytes(memory[start : start + packing.size])
        value = from_python(struct.layout.declaration, packing.from_bytes(data))
        if "wrong-value" in self.faults:
            value["Radius"] = "0x00000000"
        if "wrong-bytes" in self.faults:
            data = data[:-1] + b"\xff"
        if memory is not None and "accessor" in self.faults and step.get("managed"):
            data = b"\xff" + data[1:]
        if memory is not None and "other-map" not in self.faults:
            memory[step["to"] : step["to"] + len(data)] = data
        return {"value": value, "bytes": data.hex(), "overrun": "overrun" in self.faults}


if __name__ == "__main__":
    sys.exit(serve(sys.stdin.buffer, sys.stdout.buffer, FakeDotNet(*sys.argv[1:-1])))
