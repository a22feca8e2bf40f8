"""How many altered copies of photos are found, how many pairs are false, and what a million images cost.

The yardstick is the package `imagehash` (its phash and dhash, 64 bits), if it is installed. It knows neither
symmetries nor a search, so each copy is hashed there in all eight positions and compared with its original.
"""

import io
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageEnhance

from pipeline.decode import read_image
from pipeline.near_duplicates import CERTAIN_DISTANCE, MAX_DISTANCE, find_pairs, groups
from pipeline.perceptual_hash import BITS, Words, as_words, perceptual_hash, variants

Signs = npt.NDArray[np.float32]  # bits as -1 and 1, so that a product of matrices counts where they differ
Copy = Callable[[Image.Image], Image.Image]
Method = Callable[[Image.Image], Signs]  # the hashes of an image in its eight positions
POSITIONS = (None, *Image.Transpose)


def encoded(image: Image.Image, quality: int = 85) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return read_image(buffer.getvalue())


def resized(image: Image.Image, factor: float) -> Image.Image:
    return image.resize((round(image.width * factor), round(image.height * factor)))


def cropped(image: Image.Image, share: float) -> Image.Image:
    across, down = image.width * share / 2, image.height * share / 2
    return image.crop((round(across), round(down), round(image.width - across), round(image.height - down)))


LEAKS: dict[str, Copy] = {
    "re-encoded, quality 30": lambda image: encoded(image, 30),
    "mirrored": lambda image: encoded(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
    "resized to 50 %": lambda image: encoded(resized(image, 0.5)),
    "mirrored, turned, 50 %, quality 30": lambda image: encoded(
        resized(image.transpose(Image.Transpose.TRANSPOSE), 0.5), 30
    ),
}
COPIES: dict[str, Copy] = LEAKS | {
    "re-encoded, quality 60": lambda image: encoded(image, 60),
    "re-encoded, quality 10": lambda image: encoded(image, 10),
    "resized to 25 %": lambda image: encoded(resized(image, 0.25)),
    "resized to 200 %": lambda image: encoded(resized(image, 2)),
    "squashed to 224 x 224": lambda image: encoded(image.resize((224, 224))),
    "quarter turn": lambda image: encoded(image.transpose(Image.Transpose.ROTATE_90)),
    "brightness + 20 %": lambda image: encoded(ImageEnhance.Brightness(image).enhance(1.2)),
    "contrast - 20 %": lambda image: encoded(ImageEnhance.Contrast(image).enhance(0.8)),
    "grey": lambda image: encoded(image.convert("L").convert("RGB")),
    "2 % cropped away": lambda image: encoded(cropped(image, 0.02)),
    "5 % cropped away": lambda image: encoded(cropped(image, 0.05)),
    "10 % cropped away": lambda image: encoded(cropped(image, 0.1)),
    "turned by 2 degrees": lambda image: encoded(image.rotate(2, Image.Resampling.BICUBIC)),
}


def main(photos: Path, every: int = 14) -> None:
    """Print what is found among the photos, copying every `every`-th of them, and what many images cost."""
    paths = sorted(photos.glob("*/*/*.jpg"))
    images = [read_image(path.read_bytes()) for path in paths]
    started = time.perf_counter()
    words = as_words([perceptual_hash(image) for image in images])
    each = (time.perf_counter() - started) / len(images) * 1e3
    print(f"{len(images)} photos; {each:.2f} ms for the hash of a decoded photo, {BITS // 8} bytes to store.")
    print(f"Pairs up to {MAX_DISTANCE} bits are reported, all up to {CERTAIN_DISTANCE} but in crowds.\n")
    in_test = np.array([path.parent.parent.name == "test" for path in paths])
    print_leaks(images, words, in_test)
    methods = {"this hash": own_positions} | imagehash_methods()
    limits = {name: print_nearest(name, method, images) for name, method in methods.items()}
    others = {name: (methods[name], limits[name]) for name in methods if name != "this hash"}
    print_copies(images, words, every, others)
    print_costs(words)


def print_leaks(images: list[Image.Image], words: Words, in_test: npt.NDArray[np.bool_]) -> None:
    """Plant copies of 20 test photos among the training photos and print what is found."""
    leaked = np.flatnonzero(in_test)[:: np.count_nonzero(in_test) // 20][:20]
    alterations = list(LEAKS.values())
    hashes = [perceptual_hash(alterations[k % 4](images[place])) for k, place in enumerate(leaked)]
    pairs = find_pairs(np.concatenate([words, as_words(hashes)]))
    planted = {(int(place), len(words) + k) for k, place in enumerate(leaked)}
    found = {(pair.left, pair.right) for pair in pairs}
    print(
        f"Leaks: {len(planted)} planted, {len(planted & found)} found, {len(found - planted)} false pairs, "
    )
    print(
        f"{len(groups(pairs, len(words) + 20))} groups; the photos alone: {len(find_pairs(words))} pairs.\n"
    )


def own_positions(image: Image.Image) -> Signs:
    return as_signs(variants(as_words([perceptual_hash(image)]))[:, 0])


def imagehash_methods() -> dict[str, Method]:
    """Return the hashes of the package `imagehash`, none if it is not installed."""
    try:
        import imagehash
    except ImportError:
        print("imagehash is not installed, so it is not compared.\n")
        return {}

    def positions(hash_of: Callable[[Image.Image], "imagehash.ImageHash"], image: Image.Image) -> Signs:
        turned = [image if step is None else image.transpose(step) for step in POSITIONS]
        return np.array([2.0 * hash_of(one).hash.ravel() - 1 for one in turned], np.float32)

    return {
        "imagehash.phash": lambda image: positions(imagehash.phash, image),
        "imagehash.dhash": lambda image: positions(imagehash.dhash, image),
    }


def print_nearest(name: str, method: Method, images: list[Image.Image]) -> int:
    """Print how near the nearest different photos are; return the largest distance without a false pair."""
    signs = np.stack([method(image) for image in images], axis=1)
    distances = np.min([signs.shape[2] - one @ signs[0].T for one in signs], axis=0) / 2
    nearest = np.sort(distances[np.triu_indices(len(images), 1)])[:5].astype(int)
    print(f"{name}, {signs.shape[2]} bits: the nearest pairs of different photos differ in {nearest} bits.")
    return int(nearest[0]) - 1


def print_copies(
    images: list[Image.Image], words: Words, every: int, others: dict[str, tuple[Method, int]]
) -> None:
    """Print for each kind of copy how many are found, here by the search among all photos."""
    originals = range(0, len(images), every)
    limits = "".join(f" {name}, up to {limit} bits |" for name, (_, limit) in others.items())
    print(f"\n| copy | planted | found | false |{limits}\n|---|---|---|---|{'---|' * len(others)}")
    for kind, copy in COPIES.items():
        copies = [copy(images[place]) for place in originals]
        both = np.concatenate([words, as_words([perceptual_hash(one) for one in copies])])
        expected = {(place, len(words) + k) for k, place in enumerate(originals)}
        pairs = find_pairs(both, first_new=len(words))
        found = [pair for pair in pairs if (pair.left, pair.right) in expected]
        rows = "".join(
            f" {near_originals(method, images[::every], copies, limit)} |"
            for method, limit in others.values()
        )
        print(f"| {kind} | {len(copies)} | {len(found)} | {len(pairs) - len(found)} |{rows}")


def near_originals(
    method: Method,
    originals: list[Image.Image],
    copies: list[Image.Image],
    limit: int,
) -> int:
    """Return how many copies are, in one of the eight positions, within `limit` bits of their original."""
    return sum(
        bool(np.count_nonzero(method(copy) != method(original)[0], axis=1).min() <= limit)
        for original, copy in zip(originals, copies, strict=True)
    )


def print_costs(words: Words) -> None:
    """Print time and memory of the search among random hashes, hashes like those of photos, and crowds."""
    print("\n| hashes | number | seconds | peak memory, MB | pairs |\n|---|---|---|---|---|")
    for count in (10_000, 100_000, 1_000_000):
        print_cost("random", random_words(count))
        print_cost("as correlated as those of the photos", photo_like(words, count))
        print_cost("the same, 1 % of them one picture with 5 % of noise", crowded(photo_like(words, count)))
    count = 1_000_000
    print_cost("1,000 new ones among random ones", random_words(count), first_new=count - 1_000)


def print_cost(kind: str, words: Words, first_new: int = 0) -> None:
    tracemalloc.start()
    started = time.perf_counter()
    pairs = find_pairs(words, first_new=first_new)
    seconds = time.perf_counter() - started
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    print(f"| {kind} | {len(words):,} | {seconds:.1f} | {peak:.0f} | {len(pairs):,} |", flush=True)


def random_words(count: int) -> Words:
    return np.random.default_rng(0).integers(0, 2**64, (count, 2), dtype=np.uint64)


def photo_like(words: Words, count: int) -> Words:
    """Return signs of Gaussian numbers that are as correlated as the bits of the photos' hashes."""
    signs = as_signs(words).astype(np.float64)
    correlation = np.sin(np.pi / 2 * np.corrcoef(signs.T))
    values, vectors = np.linalg.eigh(correlation)
    mixing = vectors * np.sqrt(np.maximum(values, 0))
    thresholds = np.quantile(np.random.default_rng(0).standard_normal(100_000), (1 - signs.mean(axis=0)) / 2)
    parts = [
        np.random.default_rng(k).standard_normal((10_000, BITS)) @ mixing.T > thresholds
        for k in range(count // 10_000)
    ]
    return np.concatenate([as_words([np.packbits(part, bitorder="little").tobytes()]) for part in parts])


def crowded(words: Words) -> Words:
    """Make every hundredth hash the same, but for one bit in twenty."""
    crowd = words[::100]
    noise = np.random.default_rng(1).random((len(crowd), BITS)) < 0.05
    words[::100] = words[0] ^ as_words([np.packbits(noise, bitorder="little").tobytes()])
    return words


def as_signs(words: Words) -> Signs:
    """Return (N, BITS) of the hashes (N, 2)."""
    as_bytes = np.ascontiguousarray(words.astype("<u8")).view(np.uint8)
    return 2 * np.unpackbits(as_bytes, axis=1, bitorder="little").astype(np.float32) - 1
