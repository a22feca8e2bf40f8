"""One measurement of training steps in some precision, in a process of its own.

    python -m benchmarks.precision_step BACKBONE WAY

WAY is `float32`, `bfloat16`, or `mixed`: bfloat16 but for depthwise convolutions, which Whisker does not
offer. Prints a JSON document with the images per second and the peak memory.
"""

import json
import resource
import sys
from functools import partial
from importlib import import_module
from typing import Any

from benchmarks.steps import images_per_second, training_step
from pipeline.gradients import Gradients, in_training_form
from pipeline.runtime import mx

amp = import_module("mxnet.contrib.amp")


class Mixed(Gradients):
    """Gradients in bfloat16, those of depthwise convolutions in float32."""

    def __init__(self, network: Any, size: int, device: Any) -> None:
        super().__init__(network, size, device)
        images = mx.sym.var("data", dtype="float32")
        with in_training_form(network):
            symbol = self._graph(images)
        cast = amp.convert_symbol(
            symbol, "bfloat16", data_names=["data"], excluded_sym_names=_depthwise(symbol)
        )
        self._graph = mx.gluon.SymbolBlock(cast, [images], params=network.collect_params())
        self._graph.hybridize(static_alloc=True)


def _depthwise(symbol: Any) -> list[str]:
    """Return the names of the convolutions in groups."""
    nodes = json.loads(symbol.tojson())["nodes"]
    return [node["name"] for node in nodes if int(node.get("attrs", {}).get("num_group", 1)) > 1]


def main(backbone: str, way: str) -> None:
    """Measure and print."""
    make: Any = Mixed if way == "mixed" else partial(Gradients, precision=way)
    speed = images_per_second(training_step(backbone, make=make))
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(json.dumps({"speed": speed, "peak_gb": peak_gb}))


if __name__ == "__main__":
    main(*sys.argv[1:])
