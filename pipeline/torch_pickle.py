"""Read weights that PyTorch saved, without PyTorch, and without running what a pickle may contain.

Before version 1.6, `torch.save` wrote four pickles (a magic number, a protocol number, facts about the
machine, the state dict), then a pickled list of storage keys, then for each storage its number of elements
and its bytes. A pickle is a program: whoever wrote it can call any function that the reader admits. This
reader admits three names, none of which does anything but describe a tensor.
"""

import math
import pickle
import pickletools
import struct
from collections import OrderedDict
from dataclasses import dataclass
from io import BytesIO
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from pipeline.errors import WeightsError

Array = npt.NDArray[Any]

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001

# Plain strings: a pickle can neither call them nor set an attribute on them.
STORAGE_TYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "|i1",
    "ByteStorage": "|u1",
    "BoolStorage": "|b1",
}


class _RefusedError(Exception):
    """Why the file is not read; `read_state_dict` adds which file it is."""


@dataclass(frozen=True, slots=True)
class _Storage:
    key: str
    dtype: str
    elements: int


@dataclass(frozen=True, slots=True)
class _Tensor:
    storage: _Storage
    offset: int  # elements
    shape: tuple[int, ...]
    strides: tuple[int, ...]  # elements


def read_state_dict(content: bytes, name: str) -> dict[str, Array]:
    """Return the named arrays of a state dict that PyTorch saved in its format before version 1.6.

    `content` is the whole file, `name` what to call it in an error. Raises WeightsError if it is anything
    else, asks for any function that a state dict does not need, is cut short, or describes a tensor that
    reaches beyond its storage. Nothing in the file is ever executed.
    """
    try:
        return _read(content)
    except _RefusedError as refusal:
        reason = str(refusal)
    except MemoryError:  # the machine's trouble, not the file's: its sizes were checked
        raise
    except Exception as error:  # damaged pickles raise errors of many types, all with the same meaning
        reason = f"it is damaged or cut short ({type(error).__name__}: {error})"
    raise WeightsError(f"{name} cannot be read as PyTorch weights: {reason}; fetch the file again")


def _read(content: bytes) -> dict[str, Array]:
    if content.startswith(b"PK"):
        _refuse(
            "it has the zip format of PyTorch 1.6 and later, so save it with "
            "`torch.save(..., _use_new_zipfile_serialization=False)`"
        )
    stream = BytesIO(content)
    if _load_pickle(stream) != MAGIC_NUMBER or _load_pickle(stream) != PROTOCOL_VERSION:
        _refuse("it does not begin with PyTorch's magic number")
    machine = _load_pickle(stream)
    if not (isinstance(machine, dict) and machine.get("little_endian") is True):
        _refuse("it was not written by a little-endian machine")
    tensors = _checked_tensors(_load_pickle(stream))
    storages = _read_storages(stream, content, tensors)
    return {name: _array(name, tensor, storages[tensor.storage.key]) for name, tensor in tensors.items()}


def _refuse(reason: str) -> NoReturn:
    raise _RefusedError(reason)


def _load_pickle(stream: BytesIO) -> Any:
    _check_memo(stream)
    return _Unpickler(stream).load()


def _check_memo(stream: BytesIO) -> None:
    """Refuse a memo index beyond any honest one: the unpickler would reserve memory up to that index."""
    start = stream.tell()
    limit = len(stream.getbuffer())
    for opcode, argument, _ in pickletools.genops(stream):
        if opcode.name in ("LONG_BINPUT", "PUT") and argument is not None and argument > limit:
            _refuse("its pickle asks for an absurd amount of memory")
    stream.seek(start)


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return self._describe_tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return self._parameter_data
        if module == "torch" and name in STORAGE_TYPES:
            return STORAGE_TYPES[name]
        return _refuse(f"it asks to run {module}.{name}, which weights never need")

    def persistent_load(self, pid: Any) -> _Storage:
        if not (isinstance(pid, tuple) and len(pid) == 6 and pid[0] == "storage" and pid[5] is None):
            _refuse("it refers to something other than a whole storage")
        _, dtype, key, _, elements, _ = pid
        if dtype not in STORAGE_TYPES.values() or not isinstance(key, str) or not _is_count(elements):
            _refuse("a storage in it is not well described")
        return _Storage(key, dtype, elements)

    @staticmethod
    def _describe_tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> _Tensor:
        whole = isinstance(storage, _Storage) and _is_count(offset) and _are_counts(shape, strides)
        if not whole or len(shape) != len(strides):
            _refuse("a tensor in it is not well described")
        return _Tensor(storage, offset, shape, strides)

    @staticmethod
    def _parameter_data(tensor: Any, *_: Any) -> Any:
        return tensor


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**40


def _are_counts(*values: Any) -> bool:
    return all(isinstance(value, tuple) and all(map(_is_count, value)) for value in values)


def _checked_tensors(state: Any) -> dict[str, _Tensor]:
    if not isinstance(state, dict):
        _refuse("it does not hold a state dict")
    for name, tensor in state.items():
        if not (isinstance(name, str) and isinstance(tensor, _Tensor)):
            _refuse(f"its entry {name!r:.80} is not a named tensor")
    return dict(state)


def _read_storages(stream: BytesIO, content: bytes, tensors: dict[str, _Tensor]) -> dict[str, Array]:
    described = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    keys = _load_pickle(stream)
    if not isinstance(keys, list) or set(map(str, keys)) != set(described):
        _refuse("its storages are not those that its tensors use")
    storages = {}
    for key in keys:
        storage = described[key]
        (elements,) = struct.unpack("<q", stream.read(8))
        if elements != storage.elements:
            _refuse(f"storage {key} holds {elements} elements instead of {storage.elements}")
        storages[key] = np.frombuffer(content, storage.dtype, elements, stream.tell())
        stream.seek(storages[key].nbytes, 1)
    return storages


def _array(name: str, tensor: _Tensor, storage: Array) -> Array:
    elements = math.prod(tensor.shape)
    last = tensor.offset + sum(
        (size - 1) * stride for size, stride in zip(tensor.shape, tensor.strides, strict=True)
    )
    # No more elements than stored: strides of 0 could otherwise blow a few bytes up to any size.
    if elements > storage.size or (elements and last >= storage.size):
        _refuse(f"tensor {name} reaches beyond its storage")
    if not elements:
        return np.empty(tensor.shape, storage.dtype)
    strides = [stride * storage.itemsize for stride in tensor.strides]
    return np.lib.stride_tricks.as_strided(storage[tensor.offset :], tensor.shape, strides).copy()
