"""A moving average of a network's weights: it lies nearer to where they end than they do on their way.

Source: Polyak and Juditsky (1992), "Acceleration of Stochastic Approximation by Averaging", SIAM Journal on
Control and Optimization 30; here each update counts for less, the longer ago it was.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pipeline.training_state import Arrays

AVERAGE = "average:"  # begins the names of its arrays in a checkpoint


def weights_of(network: Any) -> dict[str, Any]:
    """Return copies of all parameters that are trained, by their place in the network."""
    return {name: parameter.list_data()[0].copy() for name, parameter in _trained(network)}


def set_weights(network: Any, weights: Arrays) -> None:
    """Give all parameters that are trained the values that `weights_of` returned."""
    for name, parameter in _trained(network):
        parameter.set_data(weights[name])


def _trained(network: Any) -> Iterator[tuple[str, Any]]:
    named = network._collect_params_with_prefix()  # names that do not count the networks of a process
    return ((name, parameter) for name, parameter in named.items() if parameter.grad_req != "null")


class WeightAverage:
    """The average of all parameters that are trained; it begins at their present values."""

    def __init__(self, network: Any, decay: float) -> None:
        """Begin with the weights as they are; of the average, the share `decay` stays at an update."""
        self.means = weights_of(network)
        self._network = network
        self._decay = decay

    def add(self, updates: int) -> None:
        """Take in the weights after so many updates.

        The first updates move it faster, so that what it began with does not count for long.
        """
        decay = min(self._decay, (1 + updates) / (10 + updates))
        for name, parameter in _trained(self._network):
            self.means[name] += (1 - decay) * (parameter.list_data()[0] - self.means[name])

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Let the network have the averaged weights meanwhile."""
        weights = weights_of(self._network)
        set_weights(self._network, self.means)
        try:
            yield
        finally:
            set_weights(self._network, weights)

    def arrays(self) -> dict[str, Any]:
        """Return what a checkpoint keeps of it."""
        return {f"{AVERAGE}{name}": mean for name, mean in self.means.items()}

    def restore(self, arrays: Arrays) -> None:
        """Take up the values that `arrays` of such an average had."""
        for name, mean in self.means.items():
            mean[:] = arrays[f"{AVERAGE}{name}"]
