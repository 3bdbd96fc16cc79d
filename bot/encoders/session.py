"""Running a graph on one thread."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray


class Session:
    """A graph that is ready to run, on the thread that asks: a process answers many people, and threads that wait busily for each
    other take more of the machine than they give. No memory is kept between two texts. Raises `ValueError` for another file."""

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3
        try:
            self._session: Any = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its own errors have no common class
            raise ValueError(f"{path.name} cannot be run: {error}") from error
        self._output = self._session.get_outputs()[0].name

    def run(self, **inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """What the graph makes of its inputs."""
        made: NDArray[np.float32] = self._session.run([self._output], inputs)[0]
        return made
