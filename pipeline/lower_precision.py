"""Train in bfloat16 or float16 by MXNet's automatic mixed precision (AMP), while all weights stay float32.

Convolutions and dense layers get casts of their inputs and weights before them, so they, and what lies
between them, compute in the lower precision; gradients reach the weights in float32. It is a property of a
graph: AMP's other way, `amp.init`, would change MXNet's operators for the whole process.
"""

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from pipeline.precision import Precision
from pipeline.runtime import mx

amp = import_module("mxnet.contrib.amp")  # not by `import`, so that `pipeline.runtime` is imported first


def in_lower_precision(graph: Any, precision: Precision) -> Any:
    """Return a block that computes the same in `precision`, with the parameters of the graph.

    Images go in and logits come out as float32.
    """
    images = mx.sym.var("data", dtype="float32")
    parameters = graph.collect_params()
    cast = amp.convert_symbol(graph(images), target_dtype=precision, data_names=["data"])
    # On a processor a cast of a parameter itself writes no gradient where gradients are to be added to those
    # before, and fails at depthwise weights that a float32 pass has left in oneDNN's own order.
    trained = [name for name, parameter in parameters.items() if parameter.grad_req != "null"]
    cast = cast(**{name: mx.sym.identity(mx.sym.var(name, dtype="float32")) for name in trained})
    return mx.gluon.SymbolBlock(cast, [images], params=parameters)


class LossScale:
    """A factor on the losses, which keeps small gradients from becoming zero in float16.

    It begins at 65,536, is halved when a gradient is not finite, and doubled after 2,000 updates without
    that. Source: Micikevicius et al. (2018), "Mixed Precision Training", arXiv 1710.03740, section 3.2.
    """

    def __init__(self) -> None:
        self._scaler = amp.loss_scaler.LossScaler()

    @property
    def factor(self) -> float:
        """Return what the next losses are to be multiplied by."""
        return float(self._scaler.loss_scale)

    def update(self, trainer: Any, parameters: Iterable[Any], images: float) -> None:
        """Make one update from scaled gradients, added up over devices; none where one is not finite."""
        factor = self.factor
        if not self._scaler.has_overflow(list(parameters)):
            trainer.update(images * factor)
