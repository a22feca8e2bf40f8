"""What a frozen row depends on besides its image, as one key."""

import hashlib
import importlib.metadata
import json
import os
from dataclasses import asdict
from typing import Any

from pipeline.engine_settings import Engine
from pipeline.records import Preprocessing
from pipeline.runtime import mx


def block_digest(block: Any) -> str:
    """Return the SHA-256 of what a block computes: its graph without the names, and all parameters' values.

    So it changes with the weights, with the boundary at which a network is cut, and with the code that
    builds the network.
    """
    nodes = json.loads(block(mx.sym.var("data")).tojson())["nodes"]
    graph = [(node["op"], _own(node.get("attrs", {})), _sources(node)) for node in nodes]
    digest = hashlib.sha256(json.dumps(graph, sort_keys=True).encode())
    parameters = block.collect_params()
    for name in (node["name"] for node in nodes if node["name"] in parameters):
        digest.update(parameters[name].list_data()[0].asnumpy().tobytes())
    return digest.hexdigest()


def _own(attributes: dict[str, str]) -> dict[str, str]:
    """Leave out what Gluon notes for training, such as the way to draw initial values."""
    return {name: value for name, value in attributes.items() if not name.startswith("__")}


def _sources(node: dict[str, Any]) -> list[list[int]]:
    """Return node and output of each input, without the third number, a count that grows with each use."""
    return [source[:2] for source in node["inputs"]]


def row_shape(block: Any, size: int) -> tuple[int, ...]:
    """Return the shape of a block's output for one image of `size` x `size`, without computing it."""
    _, (shape,), _ = block(mx.sym.var("data")).infer_shape(data=(1, 3, size, size))
    return tuple(shape[1:])


def table_key(
    digest: str,
    preprocessing: Preprocessing,
    engine: Engine,
    devices: str,
    machine: str,
    *,
    test_time_flip: bool = False,
) -> str:
    """Return the name under which rows are kept, 32 hexadecimal digits.

    Equal keys promise equal bits. ONNX Runtime's rows do not depend on the number of threads; of MXNet that
    is not known.
    """
    facts = [digest, asdict(preprocessing), *_pixels(), *_engine_facts(engine, devices), machine]
    if test_time_flip:
        facts.append("over mirrors")
    return _short_hash(facts)


def choice_key(digest: str, setting: str, machine: str) -> str:
    """Return the name under which the choice of an engine is kept, 32 hexadecimal digits."""
    threads = os.environ.get("OMP_NUM_THREADS", "")
    return _short_hash([digest, setting, package_version("onnxruntime"), mx.__version__, threads, machine])


def package_version(package: str) -> str:
    """Return the installed version of a package; "" if it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _pixels() -> list[str]:
    """Return what decides about the pixels of a decoded image: our own code and Pillow's."""
    return [package_version("whisker"), package_version("pillow")]


def _engine_facts(engine: Engine, devices: str) -> list[str]:
    if engine == "onnxruntime":
        return [engine, package_version("onnxruntime")]
    return [engine, mx.__version__, devices, os.environ.get("OMP_NUM_THREADS", "")]


def _short_hash(facts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]
