"""A training that several processes share, on one host or on many, by MXNet's parameter server.

The processes find each other by the variables DMLC_* of the environment. Servers add up what all workers
send them and hand it back, gradients and other numbers alike; updates are made by the workers, so every one
of them holds all of the optimiser's state. Source: Li et al. (2014), "Scaling Distributed Machine Learning
with the Parameter Server", OSDI; https://mxnet.apache.org/versions/1.9.1/api/faq/distributed_training
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipeline.arrays import Array
from pipeline.runtime import mx
from pipeline.sharing import Sharing

FIRST_KEY = 1_000_000  # before it are those of Gluon's trainer: the numbers of the parameters


@dataclass(frozen=True)
class SharedByServers(Sharing):
    """The devices of a worker; `kvstore` is of the kind `dist_sync`."""

    _keys: dict[int, int] = field(default_factory=dict)  # how many numbers -> the key of their sum

    def trainer(self, parameters: Any, options: Mapping[str, float]) -> Any:
        """Return a trainer by SGD, whose updates are the same in all processes; see `Sharing.trainer`.

        Servers keep one array under a key: first the parameter, which all fetch to begin alike, then sums of
        gradients. MXNet keeps the order of two transfers under a key only where they use one array here. So
        nobody sends a gradient before all that he fetches has come: what comes later would be that sum.
        """
        if not self.is_shared:
            return super().trainer(parameters, options)
        trainer = mx.gluon.Trainer(
            parameters, "sgd", dict(options), kvstore=self.kvstore, update_on_kvstore=False
        )
        trainer._init_kvstore()
        trainer._init_params()
        mx.nd.waitall()
        return trainer

    def total(self, values: Array) -> Array:
        """Return sums over all processes, float64; each must ask for the same sums in the same order."""
        flat = np.ravel(values).astype(np.float64)
        sums = mx.nd.zeros(flat.shape, dtype="float64")
        if flat.size not in self._keys:
            self._keys[flat.size] = FIRST_KEY + len(self._keys)
            self.kvstore.init(self._keys[flat.size], sums)
        # An array that is pushed is not ours any more: MXNet pulls into it.
        self.kvstore.push(self._keys[flat.size], mx.nd.array(flat, dtype="float64"))
        self.kvstore.pull(self._keys[flat.size], out=sums)
        summed: Array = sums.asnumpy().reshape(np.shape(values))
        return summed


def to_plain_layout(network: Any) -> None:
    """Give the parameters new arrays of the same values, since MXNet's parameter server cannot send these.

    A pass on a processor leaves the weights of convolutions in oneDNN's own order. To send such an array
    fails without a word: others then wait for it, or end the server by asking for it.
    """
    for parameter in network.collect_params().values():
        values = parameter.list_data()[0].asnumpy()
        parameter.reset_ctx(parameter.list_ctx())
        parameter.set_data(mx.nd.array(values))
    network.hybridize(static_alloc=True)
