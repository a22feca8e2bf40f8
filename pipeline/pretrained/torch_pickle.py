"""Read weights that PyTorch saved, without PyTorch, and without running what a pickle may contain.

Before version 1.6, `torch.save` wrote four pickles (a magic number, a protocol number, facts about the
machine, the state dict), then a pickled list of storage keys, then for each storage its number of elements
and its bytes. Since then it writes a zip archive, see `torch_zip`. A pickle is a program: whoever wrote it
can call any function that the reader admits. This reader admits three names, none of which does anything but
describe a tensor.
"""

import math
import pickle
import pickletools
import struct
from collections import OrderedDict
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np

from pipeline.arrays import Array
from pipeline.pretrained.refused import in_short, one_sentence, refuse
from pipeline.pretrained.torch_zip import MAGIC as ZIP_MAGIC
from pipeline.pretrained.torch_zip import TorchZip

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001
SHARED = 4  # how often the bytes of a file may be used on average: layers may share their weights

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


Tensors = dict[str, _Tensor]


def read_state_dict(content: bytes, name: str) -> dict[str, Array]:
    """Return the named arrays of a state dict that PyTorch saved, in either of its formats.

    `content` is the whole file, `name` what to call it in an error. Raises WeightsError if it is anything
    else, asks for any function that a state dict does not need, is cut short, or describes tensors that
    reach beyond their storages or take more than the file holds. Nothing in the file is ever executed.
    """
    with one_sentence(name, "PyTorch"):
        read = _read_zip if content.startswith(ZIP_MAGIC) else _read_legacy
        tensors, storages = read(content)
        _check_size(tensors, content)
        return {name: _array(name, tensor, storages[tensor.storage.key]) for name, tensor in tensors.items()}


def _read_zip(content: bytes) -> tuple[Tensors, dict[str, Array]]:
    archive = TorchZip(content)
    tensors = _checked_tensors(_load_pickle(BytesIO(archive.pickle())))
    storages = {}
    for storage in _storages_of(tensors).values():
        values = np.frombuffer(archive.storage(storage.key), storage.dtype)
        if values.size != storage.elements:
            refuse(f"storage {storage.key} holds {values.size} elements instead of {storage.elements}")
        storages[storage.key] = values
    return tensors, storages


def _read_legacy(content: bytes) -> tuple[Tensors, dict[str, Array]]:
    stream = BytesIO(content)
    if _load_pickle(stream) != MAGIC_NUMBER or _load_pickle(stream) != PROTOCOL_VERSION:
        refuse("it does not begin with PyTorch's magic number")
    machine = _load_pickle(stream)
    if not (isinstance(machine, dict) and machine.get("little_endian") is True):
        refuse("it was not written by a little-endian machine")
    tensors = _checked_tensors(_load_pickle(stream))
    return tensors, _read_storages(stream, content, tensors)


def _load_pickle(stream: BytesIO) -> Any:
    _check_memo(stream)
    return _Unpickler(stream).load()


def _check_memo(stream: BytesIO) -> None:
    """Refuse a memo index beyond any honest one: the unpickler would reserve memory up to that index."""
    start = stream.tell()
    limit = len(stream.getbuffer())
    for opcode, argument, _ in pickletools.genops(stream):
        if opcode.name in ("LONG_BINPUT", "PUT") and argument is not None and argument > limit:
            refuse("its pickle asks for an absurd amount of memory")
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
        return refuse(f"it asks to run {in_short(f'{module}.{name}')}, which weights never need")

    def persistent_load(self, pid: Any) -> _Storage:
        # The legacy format has a sixth part, which is None unless the storage is a view of another one.
        if not (isinstance(pid, tuple) and pid[:1] == ("storage",) and pid[5:] in ((), (None,))):
            refuse("it refers to something other than a whole storage")
        _, dtype, key, _, elements = pid[:5]
        if dtype not in STORAGE_TYPES.values() or not isinstance(key, str) or not _is_count(elements):
            refuse("a storage in it is not well described")
        return _Storage(key, dtype, elements)

    @staticmethod
    def _describe_tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> _Tensor:
        whole = isinstance(storage, _Storage) and _is_count(offset) and _are_counts(shape, strides)
        if not whole or len(shape) != len(strides):
            refuse("a tensor in it is not well described")
        return _Tensor(storage, offset, shape, strides)

    @staticmethod
    def _parameter_data(tensor: Any, *_: Any) -> Any:
        return tensor


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**40


def _are_counts(*values: Any) -> bool:
    return all(isinstance(value, tuple) and all(map(_is_count, value)) for value in values)


def _checked_tensors(state: Any) -> Tensors:
    if not isinstance(state, dict):
        refuse("it does not hold a state dict")
    for name, tensor in state.items():
        if not (isinstance(name, str) and isinstance(tensor, _Tensor)):
            refuse(f"its entry {name!r:.80} is not a named tensor, so save the state dict alone")
    return dict(state)


def _storages_of(tensors: Tensors) -> dict[str, _Storage]:
    return {tensor.storage.key: tensor.storage for tensor in tensors.values()}


def _check_size(tensors: Tensors, content: bytes) -> None:
    """Refuse too many tensors of the same bytes, for each becomes an array of its own."""
    needed = sum(math.prod(t.shape) * np.dtype(t.storage.dtype).itemsize for t in tensors.values())
    if needed > SHARED * len(content):
        refuse("its tensors take far more memory than the file has bytes")


def _read_storages(stream: BytesIO, content: bytes, tensors: Tensors) -> dict[str, Array]:
    described = _storages_of(tensors)
    keys = _load_pickle(stream)
    if not isinstance(keys, list) or set(map(str, keys)) != set(described):
        refuse("its storages are not those that its tensors use")
    storages = {}
    for key in keys:
        storage = described[key]
        (elements,) = struct.unpack("<q", stream.read(8))
        if elements != storage.elements:
            refuse(f"storage {key} holds {elements} elements instead of {storage.elements}")
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
        refuse(f"tensor {name} reaches beyond its storage")
    if not elements:
        return np.empty(tensor.shape, storage.dtype)
    strides = [stride * storage.itemsize for stride in tensor.strides]
    return np.lib.stride_tricks.as_strided(storage[tensor.offset :], tensor.shape, strides).copy()
