import json
import os
import pickle
import random
import struct
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.backbones import backbone_named
from pipeline.errors import WeightsError
from pipeline.pretrained.torch_pickle import MAGIC_NUMBER, PROTOCOL_VERSION, read_state_dict
from pipeline.pretrained.weights import find_weights

TORCH_FILES = Path(__file__).parents[2] / "data" / "torch"


@pytest.fixture(scope="module")
def real_file() -> bytes:
    return find_weights(backbone_named("efficientnet_lite0"), Path("nowhere")).path.read_bytes()


class Call:
    """Pickles as the call of a function, as an attacker would write it."""

    def __init__(self, function: str, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments


class StorageReference:
    def __init__(self, key: str, elements: int) -> None:
        self.key, self.elements = key, elements


class LegacyPickler(pickle._Pickler):
    """Writes what `torch.save` wrote, without torch: names of functions need not exist."""

    def __init__(self, buffer: "Buffer") -> None:
        super().__init__(buffer, 2)
        self.buffer = buffer
        self.save_any: Any = super().save  # type: ignore[misc]  # typeshed does not list it

    def persistent_id(self, obj: Any) -> Any:
        if isinstance(obj, StorageReference):
            return ("storage", Name("torch FloatStorage"), obj.key, "cpu", obj.elements, None)
        return None

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        if isinstance(obj, Name):
            module, name = obj.value.split()
            self.buffer.write(pickle.GLOBAL + f"{module}\n{name}\n".encode())
        elif isinstance(obj, Call):
            self.save(Name(obj.function))
            self.save(obj.arguments)
            self.buffer.write(pickle.REDUCE)
        else:
            self.save_any(obj, save_persistent_id)


class Name:
    def __init__(self, value: str) -> None:
        self.value = value


class Buffer(list[bytes]):
    def write(self, data: bytes) -> int:
        self.append(bytes(data))
        return len(data)


def pickled(value: Any) -> bytes:
    buffer = Buffer()
    LegacyPickler(buffer).dump(value)
    return b"".join(buffer)


def saved(state: Any, storages: dict[str, np.ndarray[Any, Any]] | None = None, **machine: Any) -> bytes:
    """A file as `torch.save` wrote it."""
    storages = storages or {}
    machine = {"protocol_version": PROTOCOL_VERSION, "little_endian": True, **machine}
    parts = [pickled(part) for part in (MAGIC_NUMBER, PROTOCOL_VERSION, machine, state, list(storages))]
    return b"".join(parts + [struct.pack("<q", a.size) + a.tobytes() for a in storages.values()])


def tensor(elements: int, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> Call:
    arguments: tuple[Any, ...] = (
        StorageReference("0", elements),
        offset,
        shape,
        strides,
        False,
        OrderedDict(),
    )
    return Call("torch._utils _rebuild_tensor_v2", *arguments)


SIX = np.arange(6, dtype=np.float32)


def test_a_real_file_is_read_with_its_names_shapes_and_types(real_file: bytes) -> None:
    state = read_state_dict(real_file, "lite0.pth")
    assert len(state) == 296
    assert state["_fc.weight"].shape == (1000, 1280)
    assert state["_fc.weight"].dtype == np.float32
    assert state["_bn0.num_batches_tracked"].dtype == np.int64
    assert all(np.isfinite(array).all() for array in state.values())


def test_offsets_strides_and_shared_storages_are_honoured() -> None:
    state = {
        "whole": tensor(6, 0, (2, 3), (3, 1)),
        "transposed": tensor(6, 0, (3, 2), (1, 3)),
        "end": Call("torch._utils _rebuild_parameter", tensor(6, 4, (2,), (1,)), True, OrderedDict()),
        "scalar": tensor(6, 5, (), ()),
        "empty": tensor(6, 0, (0, 3), (3, 1)),
    }
    arrays = read_state_dict(saved(state, {"0": SIX}), "x.pth")
    assert np.array_equal(arrays["whole"], SIX.reshape(2, 3))
    assert np.array_equal(arrays["transposed"], SIX.reshape(2, 3).T)
    assert np.array_equal(arrays["end"], [4, 5])
    assert arrays["scalar"] == 5
    assert arrays["empty"].shape == (0, 3)


@pytest.mark.parametrize(
    "function", ["os system", "posix system", "builtins eval", "builtins getattr", "torch.hub load"]
)
@pytest.mark.parametrize("where", ["top", "nested", "machine", "storages"])
def test_an_exploit_is_refused_and_not_executed(function: str, where: str, tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    call = Call(function, f"touch {witness}")
    if where == "machine":
        content = saved({}, comment=[call])
    elif where == "storages":
        content = saved({})[: -len(pickled([]))] + pickled([call])
    else:
        content = saved(call if where == "top" else {"a": OrderedDict(b=(call,))})
    with pytest.raises(WeightsError, match=f"evil.pth .* asks to run {function.replace(' ', '.')}"):
        read_state_dict(content, "evil.pth")
    assert not witness.exists()


def test_the_exploit_of_these_tests_works_where_nothing_restricts_it(tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    pickle.loads(pickled(Call("os system", f"touch '{witness}'")))
    assert witness.exists()


def test_an_attribute_of_an_admitted_function_cannot_be_reached() -> None:
    content = saved(Call("torch._utils _rebuild_tensor_v2.__globals__"))
    with pytest.raises(WeightsError, match="asks to run"):
        read_state_dict(content, "evil.pth")


@pytest.mark.parametrize("share", [0, 0.0001, 0.001, 0.01, 0.5, 0.999999])
def test_a_truncated_file_is_refused(real_file: bytes, share: float) -> None:
    with pytest.raises(WeightsError, match="damaged or cut short"):
        read_state_dict(real_file[: int(len(real_file) * share)], "lite0.pth")


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_are_refused(seed: int) -> None:
    with pytest.raises(WeightsError, match=r"noise\.pth cannot be read as PyTorch weights"):
        read_state_dict(random.Random(seed).randbytes(2000), "noise.pth")


def test_a_file_with_a_few_changed_bytes_is_read_or_refused_but_never_crashes(real_file: bytes) -> None:
    draw = random.Random(1)
    head = 60_000  # the pickles; the rest are numbers
    for _ in range(100):
        content = bytearray(real_file)
        for _ in range(3):
            content[draw.randrange(head)] = draw.randrange(256)
        try:
            read_state_dict(bytes(content), "lite0.pth")
        except WeightsError as error:
            assert "lite0.pth" in str(error)


@pytest.mark.parametrize(
    ("described", "reason"),
    [
        (tensor(6, 0, (7,), (1,)), "beyond its storage"),
        (tensor(6, 5, (2,), (1,)), "beyond its storage"),
        (tensor(6, 0, (2, 2), (1, 5)), "beyond its storage"),
        (tensor(6, 0, (1000, 1000), (0, 0)), "far more memory"),
        (tensor(6, -1, (2,), (1,)), "not well described"),
        (tensor(6, 0, (2,), (-1,)), "not well described"),
        (tensor(6, 0, (2,), (1, 1)), "not well described"),
        (tensor(-6, 0, (2,), (1,)), "not well described"),
        (tensor(5, 0, (2,), (1,)), "holds 6 elements instead of 5"),
        (tensor(6, True, (2,), (1,)), "not well described"),
        (StorageReference("0", 6), "is not a named tensor"),
        ([1, 2], "is not a named tensor"),
    ],
)
def test_a_tensor_that_does_not_fit_its_storage_is_refused(described: Any, reason: str) -> None:
    with pytest.raises(WeightsError, match=reason):
        read_state_dict(saved({"a": described}, {"0": SIX}), "x.pth")


def test_a_storage_that_is_cut_short_is_refused() -> None:
    content = saved({"a": tensor(6, 0, (6,), (1,))}, {"0": SIX})
    with pytest.raises(WeightsError, match="cut short"):
        read_state_dict(content[:-1], "x.pth")


def test_a_memo_index_that_would_take_all_memory_is_refused() -> None:
    bomb = pickle.PROTO + b"\x02" + pickle.NONE + pickle.LONG_BINPUT + struct.pack("<I", 2**31) + pickle.STOP
    with pytest.raises(WeightsError, match="absurd amount of memory"):
        read_state_dict(pickled(MAGIC_NUMBER) + pickled(PROTOCOL_VERSION) + bomb, "x.pth")


def test_many_tensors_of_the_same_bytes_are_refused_before_they_take_the_memory() -> None:
    million = np.zeros(1_000_000, np.float32)
    state = {f"a{n}": tensor(million.size, 0, (million.size,), (1,)) for n in range(1000)}
    with pytest.raises(WeightsError, match="far more memory than the file has bytes"):
        read_state_dict(saved(state, {"0": million}), "bomb.pth")


@pytest.mark.parametrize("form", ["legacy", "zip"])
def test_what_pytorch_itself_has_saved_is_read_to_the_bit(form: str) -> None:
    values = json.loads((TORCH_FILES / "values.json").read_text())
    state = read_state_dict((TORCH_FILES / f"{form}.pth").read_bytes(), form)
    assert list(state) == list(values)
    for name, value in values.items():
        assert np.array_equal(state[name], np.array(value, state[name].dtype)), name
    assert [str(state[name].dtype) for name in ("half", "1.num_batches_tracked")] == ["float16", "int64"]


def test_other_formats_are_refused_with_the_way_out() -> None:
    with pytest.raises(WeightsError, match="damaged or cut short"):
        read_state_dict(b"PK\x03\x04" + os.urandom(100), "new.pth")
    with pytest.raises(WeightsError, match="magic number"):
        read_state_dict(pickle.dumps({"a": 1}, protocol=2), "plain.pickle")
    with pytest.raises(WeightsError, match="little-endian"):
        read_state_dict(saved({}, little_endian=False), "big.pth")
    with pytest.raises(WeightsError, match="state dict"):
        read_state_dict(saved([1]), "list.pth")
