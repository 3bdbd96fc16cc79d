"""Writing a network as an ONNX graph, node by node."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

STANDARD: Final = 18
"""The ONNX operator set; since it, `Split` says into how many parts."""
FORMAT: Final = 10
"""The ONNX file format, which every onnxruntime since 1.20 reads."""
MICROSOFT: Final = "com.microsoft"
_MIDDLE: Final = 128
_MOST: Final = 127
_ROUNDED: Final = 4
"""The activations are rounded to 8 bits as well, in the same blocks."""


class Graph:
    """A graph that grows by one node at a time; values are known by their names."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}

    def constant(self, name: str, value: NDArray[Any]) -> str:
        """A weight."""
        if name not in self._constants:
            self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def add(self, operator: str, *inputs: str, outputs: int = 1, domain: str = "", **attributes: Any) -> list[str]:
        """The results of an operator on earlier values."""
        number = len(self._nodes)
        names = [f"v{number}_{one}" for one in range(outputs)]
        self._nodes.append(helper.make_node(operator, list(inputs), names, name=f"n{number}", domain=domain, **attributes))
        return names

    def one(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """The only result of an operator."""
        return self.add(operator, *inputs, domain=domain, **attributes)[0]

    def product(
        self, value: str, name: str, weights: NDArray[np.uint8], scales: NDArray[np.float32], *, bits: int, bias: str = ""
    ) -> str:
        """The product with a matrix of small integers around the middle of their range, times the scale of their block; `weights`
        has a row for each output, of blocks."""
        outputs, blocks, block = weights.shape
        packed = weights if bits == 8 else weights[..., 0::2] | weights[..., 1::2] << 4
        return self.one(
            "MatMulNBits",
            value,
            self.constant(f"{name}.q", packed),
            self.constant(f"{name}.s", scales.reshape(-1)),
            *(("", "", bias) if bias else ()),
            domain=MICROSOFT,
            K=blocks * block,
            N=outputs,
            bits=bits,
            block_size=block,
            accuracy_level=_ROUNDED,
        )

    def rounded_product(self, value: str, name: str, matrix: NDArray[np.float32], *, block: int) -> str:
        """The product with a matrix that is rounded to 8 bits in blocks of so many inputs."""
        blocks = matrix.T.reshape(matrix.shape[1], -1, block)
        scales = np.maximum(np.abs(blocks).max(axis=2) / _MOST, np.float32(1e-12)).astype(np.float32)
        weights = (np.round(blocks / scales[..., None]) + _MIDDLE).astype(np.uint8)
        return self.product(value, name, weights, scales, bits=8)

    def write(self, path: Path, *, inputs: dict[str, list[str | int]], output: str) -> None:
        """Writes the file. `inputs` are 32-bit floating point with these sizes, named where any size goes."""
        taken = [helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes) for name, sizes in inputs.items()]
        given = [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)]
        graph = helper.make_graph(self._nodes, "encoder", taken, given, list(self._constants.values()))
        sets = [helper.make_opsetid("", STANDARD), helper.make_opsetid(MICROSOFT, 1)]
        onnx.save(helper.make_model(graph, opset_imports=sets, ir_version=FORMAT), path)
