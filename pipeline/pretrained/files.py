"""The kinds of files that hold weights: which one some bytes are, and the named arrays in it."""

from collections.abc import Callable

from pipeline.arrays import Array
from pipeline.errors import WeightsError
from pipeline.pretrained.refused import one_sentence, refuse
from pipeline.pretrained.torch_pickle import read_state_dict
from pipeline.pretrained.torch_zip import MAGIC as ZIP_MAGIC

GLUON_MAGIC = bytes.fromhex("1201000000000000")  # kMXAPINDArrayListMagic, little-endian
PICKLE_MAGIC = b"\x80"
ONNX_MAGIC = b"\x08"  # the first field of a model, the version of the format
ONNX = "ONNX"
MOST_ARRAYS = 10_000  # of a file; the largest backbone has a tenth of that


def read_arrays(content: bytes, file: str) -> tuple[str, dict[str, Array]]:
    """Return what kind of file it is, and its arrays by name.

    `file` is what errors call it. Raises WeightsError if it is of no known kind, or cannot be read.
    """
    for kind, fits, read in READERS:
        if fits(content):
            arrays = read(content, file)
            if len(arrays) > MOST_ARRAYS:
                raise WeightsError(
                    f"{file} holds {len(arrays):,} arrays, which no backbone has; pass another"
                )
            return kind, arrays
    raise WeightsError(
        f"{file} is not a weights file: it is neither Gluon's .params, nor PyTorch's .pth, nor .safetensors, "
        "nor ONNX; pass another"
    )


def _is_safetensors(content: bytes) -> bool:
    """Return whether it begins with the length of a header, and the header as JSON."""
    return content[8:9] == b"{" and int.from_bytes(content[:8], "little") <= len(content) - 8


def _read_gluon(content: bytes, file: str) -> dict[str, Array]:
    from pipeline.runtime import mx

    with one_sentence(file, "Gluon"):
        try:
            loaded = mx.nd.load_frombuffer(content)
        except MemoryError:  # MXNet believes whatever size a damaged file states
            refuse("its arrays are larger than the memory")
        if not isinstance(loaded, dict):
            refuse("it holds arrays without names, unlike a file that `save_parameters` wrote")
        return {name: array.asnumpy() for name, array in loaded.items()}


def _read_safetensors(content: bytes, file: str) -> dict[str, Array]:
    from safetensors.numpy import load

    with one_sentence(file, "safetensors"):
        arrays: dict[str, Array] = load(content)
        return arrays


def _read_onnx(content: bytes, file: str) -> dict[str, Array]:
    from pipeline.pretrained.onnx_arrays import read_initialisers

    return read_initialisers(content, file)


Reader = Callable[[bytes, str], dict[str, Array]]
READERS: tuple[tuple[str, Callable[[bytes], bool], Reader], ...] = (
    (
        "safetensors",
        _is_safetensors,
        _read_safetensors,
    ),  # the first, for its first byte may be that of others
    ("Gluon", lambda content: content.startswith(GLUON_MAGIC), _read_gluon),
    ("PyTorch", lambda content: content.startswith((PICKLE_MAGIC, ZIP_MAGIC)), read_state_dict),
    (ONNX, lambda content: content.startswith(ONNX_MAGIC), _read_onnx),
)
