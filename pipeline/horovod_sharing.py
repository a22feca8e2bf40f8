"""A training that several processes share without servers: Horovod adds up what all of them have.

The processes find each other by the variables HOROVOD_* of the environment. Source: Sergeev and Del Balso
(2018), "Horovod: fast and easy distributed deep learning in TensorFlow", arXiv:1802.05799;
https://horovod.readthedocs.io/en/v0.28.1/mxnet.html
"""

from collections.abc import Mapping
from typing import Any

import horovod.mxnet as hvd
import numpy as np

from pipeline.arrays import Array
from pipeline.runtime import mx
from pipeline.sharing import Sharing


def join() -> None:
    """Wait until all processes are there."""
    hvd.init()


class SharedByHorovod(Sharing):
    """The device of a worker, which has one."""

    def trainer(self, parameters: Any, options: Mapping[str, float]) -> Any:
        """Return a trainer by SGD, whose updates are the same in all processes; see `Sharing.trainer`."""
        if not self.is_shared:
            return super().trainer(parameters, options)
        hvd.broadcast_parameters(parameters)
        return _Trainer(parameters, "sgd", dict(options), kvstore=None)

    def total(self, values: Array) -> Array:
        """Return sums over all processes, float64; each must ask for the same sums in the same order."""
        sums = mx.nd.array(np.ravel(values), dtype="float64")
        hvd.allreduce_(sums, op=hvd.Sum, name=f"total of {sums.size}")
        summed: Array = sums.asnumpy().reshape(np.shape(values))
        return summed


class _Trainer(mx.gluon.Trainer):  # type: ignore[misc]  # MXNet has no types
    """Adds gradients up; Horovod's own takes their mean, as if all processes had as many images."""

    def _allreduce_grads(self) -> None:
        for number, parameter in enumerate(self._params):
            if parameter.grad_req != "null":
                # What the next pass needs first comes first.
                hvd.allreduce_(parameter.list_grad()[0], op=hvd.Sum, name=str(number), priority=-number)
