"""Write parts of an ONNX graph."""

from dataclasses import dataclass, field
from typing import Any

import onnx

from pipeline.arrays import Array

# MXNet 1.9.1 translates to the operators of opset 13, whatever it writes into the file: it would name the
# newest that `onnx` knows, which an older ONNX Runtime refuses. Both are old enough for every reader.
OPSET = 13
IR_VERSION = 8


@dataclass
class Nodes:
    """Nodes of a graph that is being written, and their constants."""

    prefix: str  # of all names that nobody chooses
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def add(self, operator: str, *inputs: str | Array, output: str = "", **attributes: Any) -> str:
        """Add a node; return the name of its output. An array among the inputs is a constant."""
        name = output or f"{self.prefix}_{len(self.nodes)}_{operator}"
        names = [self._name(value) for value in inputs]
        self.nodes.append(onnx.helper.make_node(operator, names, [name], **attributes))
        return name

    def _name(self, value: str | Array) -> str:
        if isinstance(value, str):
            return value
        name = f"{self.prefix}_constant_{len(self.constants)}"
        self.constants.append(onnx.numpy_helper.from_array(value, name))
        return name
