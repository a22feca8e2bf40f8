"""All that changes while a network is trained, as named arrays, so that a training can go on elsewhere."""

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.errors import WeightsError

Arrays = Mapping[str, Any]  # name -> NDArray

OPTIMISER = "optimiser:"


class TrainingState:
    """Parameters, the moving statistics of BatchNorm, and what the optimiser remembers of each parameter."""

    def __init__(self, blocks: Mapping[str, Any], trainer: Any) -> None:
        """Look at the parameters of some blocks, each under a name, and at their trainer, if there is one.

        Names are by the place in the block: those of MXNet count the networks that a process has made.
        """
        self._parameters = {
            f"{prefix}.{name}": parameter
            for prefix, block in blocks.items()
            for name, parameter in block._collect_params_with_prefix().items()
        }
        self._trainer = trainer

    def arrays(self) -> dict[str, Any]:
        """Return the arrays as they are now, which are the same on all devices; they are not copied."""
        arrays = {name: parameter.list_data()[0] for name, parameter in self._parameters.items()}
        for index, name in self._trained():
            for part, array in enumerate(_parts(self._updaters[0].states.get(index))):
                arrays[f"{OPTIMISER}{part}:{name}"] = array
        return arrays

    def restore(self, arrays: Arrays) -> None:
        """Give network and optimiser the values that `arrays` of a state like this one had.

        Raises:
            WeightsError: it is the state of another network or optimiser.
        """
        try:
            for name, parameter in self._parameters.items():
                parameter.set_data(arrays[name])
            if any(name.startswith(OPTIMISER) for name in arrays):
                self._restore_optimiser(arrays)
        except (KeyError, AssertionError) as error:  # Gluon asserts that shapes agree
            raise WeightsError(f"the state is that of another training ({error})") from error

    def _restore_optimiser(self, arrays: Arrays) -> None:
        for index, name in self._trained():
            for updater, weight in zip(self._updaters, self._parameters[name].list_data(), strict=True):
                state = updater.optimizer.create_state_multi_precision(index, weight)
                for part, array in enumerate(_parts(state)):
                    array[:] = arrays[f"{OPTIMISER}{part}:{name}"]
                updater.states[index], updater.states_synced[index] = state, True

    @property
    def _updaters(self) -> Any:
        # One for each device. Gluon's own way to save this is pickle, which runs what a file says.
        return self._trainer._updaters

    def _trained(self) -> Iterator[tuple[int, str]]:
        """Yield the index that the optimiser knows a parameter by, and its name here."""
        names = {id(parameter): name for name, parameter in self._parameters.items()}
        for index, parameter in enumerate(self._trainer._params if self._trainer else ()):
            if parameter.grad_req != "null":
                yield index, names[id(parameter)]


def _parts(state: Any) -> tuple[Any, ...]:
    """Return the arrays of an optimiser's state: None, one array or several."""
    if state is None:
        return ()
    return tuple(state) if isinstance(state, tuple | list) else (state,)
