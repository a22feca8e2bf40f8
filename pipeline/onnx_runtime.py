"""Run an ONNX model on the CPU with ONNX Runtime. Nothing here needs MXNet, nor may it."""

import importlib.metadata
from collections.abc import Callable
from pathlib import Path

import onnxruntime

from pipeline.arrays import Array
from pipeline.evaluate import Forward
from pipeline.processors import computing_threads

_ERRORS_ONLY = 3  # ONNX Runtime's level; its warnings are about graphs and helpers of its own


def runtime_version() -> str:
    """Return the version of ONNX Runtime."""
    return importlib.metadata.version("onnxruntime")


def open_model(model: bytes | Path) -> Forward:
    """Return a function from normalised images, float32 (N, 3, S, S), to the model's first output.

    A row depends on its image alone: neither the number of threads nor the rest of the batch changes a bit.

    Args:
        model: a serialised ONNX model of one input, or the file that holds it.

    Raises:
        Exception: whatever ONNX Runtime raises for a model that it cannot run.
    """
    run = open_outputs(model)
    return lambda images: run(images)[0]


def open_outputs(model: bytes | Path) -> Callable[[Array], tuple[Array, ...]]:
    """Return the same for a model of which all outputs are wanted, and that may take any images."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = computing_threads()
    options.log_severity_level = _ERRORS_ONLY
    # Threads that wait in a loop take the processors from the threads that decode the next images.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    source = model if isinstance(model, bytes) else str(model)
    session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    (name,) = (item.name for item in session.get_inputs())
    return lambda images: tuple(session.run(None, {name: images}))
