"""One measurement of training steps in some precision, in a process of its own.

    python -m benchmarks.precision_step BACKBONE WAY

WAY is `float32`, `bfloat16`, or `clip in float32`: bfloat16 but for ReLU6, which Whisker does not offer.
Prints a JSON document: images per second, images per second of processor time, peak memory.
"""

import json
import resource
import sys
import time
from functools import partial
from importlib import import_module
from typing import Any

from benchmarks.steps import BATCH_SIZE, images_per_second, training_step
from pipeline.gradients import Gradients, in_training_form
from pipeline.runtime import mx

amp = import_module("mxnet.contrib.amp")


class ClipInFloat32(Gradients):
    """Gradients in bfloat16, those of ReLU6 in float32."""

    def __init__(self, network: Any, size: int, device: Any) -> None:
        super().__init__(network, size, device)
        images, parameters = mx.sym.var("data", dtype="float32"), network.collect_params()
        with in_training_form(network):
            symbol = self._graph(images)
        float32 = [*amp.lists.symbol_bf16.FP32_FUNCS, "clip"]
        cast = amp.convert_symbol(symbol, "bfloat16", fp32_ops=float32, data_names=["data"])
        trained = [name for name, parameter in parameters.items() if parameter.grad_req != "null"]
        cast = cast(**{name: mx.sym.identity(mx.sym.var(name, dtype="float32")) for name in trained})
        self._graph = mx.gluon.SymbolBlock(cast, [images], params=parameters)
        self._graph.hybridize(static_alloc=True)


def main(backbone: str, way: str) -> None:
    """Measure and print."""
    make: Any = ClipInFloat32 if "clip" in way else partial(Gradients, precision=way)
    step = training_step(backbone, make=make)
    speed = images_per_second(step)
    started = time.process_time()
    step()
    of_processor = BATCH_SIZE / (time.process_time() - started)
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(json.dumps({"speed": speed, "of_processor": of_processor, "peak_gb": peak_gb}))


if __name__ == "__main__":
    main(*sys.argv[1:])
