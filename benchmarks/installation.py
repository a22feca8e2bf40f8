"""The installation that `capacity` works out: what is assumed of it, and what others have published."""

from dataclasses import dataclass

GB, MB = 1e9, 1e6
ROW = 1_280 * 4  # bytes of the features of EfficientNet-Lite0
Line = tuple[str, str, str]  # what, the arithmetic, the result


@dataclass(frozen=True)
class Assumed:
    """The installation. None of it was measured."""

    images: float = 10e6
    test_share: float = 0.2
    new_share: float = 0.01  # of the images, in each cycle
    cycles_a_day: float = 1
    looks_a_day: float = 144  # every ten minutes
    image_bytes: float = 100e3
    hosts: int = 8
    gpus: int = 4  # of a host
    cores: int = 32  # of a host
    network: float = 25e9 / 8  # bytes/s of each host, in each direction
    storage: float = 25e9 / 8  # bytes/s of the file server
    batch: int = 32  # images for each GPU in a step
    epochs: int = 20  # of `classic`
    model_bytes: float = 11.2e6 * 4  # resnet18_v2: 11.2 million parameters, float32


@dataclass(frozen=True)
class Published:
    """NVIDIA, DeepLearningExamples, MxNet/Classification/RN50v1.5, README: ResNet-50, V100 16 GB, float32.

    Of S3: Amazon, "Performance guidelines for Amazon S3" and "Amazon S3 pricing" for us-east-1.
    """

    training: float = 384  # images/s of one GPU
    forward: float = 3057 / 2.38  # images/s of one GPU, batches of 256
    gets: float = 5_500  # requests/s for each prefix
    listed: float = 1_000  # keys in an answer
    list_price: float = 0.005 / 1_000  # dollars a request
    get_price: float = 0.0004 / 1_000


def in_words(value: float) -> str:
    """Return a number as people write it."""
    return (
        f"{value:,.0f}" if value >= 1_000 else f"{value:g}" if value >= 0.001 else f"{value:.7f}".rstrip("0")
    )


def line(what: str, arithmetic: str, value: float, unit: str) -> Line:
    """Return a row; the value with three figures that mean something."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return what, arithmetic, f"{value:,.{digits}f} {unit}"
