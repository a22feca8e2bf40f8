"""What a trained network says of any files, one after the other, in constant memory."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np

from pipeline.arrays import Array
from pipeline.decode import BadImage, normalise, read_file, read_image, to_pixels
from pipeline.evaluate import Forward, softmax
from pipeline.processors import usable_processors
from pipeline.records import Preprocessing
from pipeline.remote.opening import is_url

BATCHES_AHEAD = 2


@dataclass(frozen=True)
class Answer:
    """What is said of one file: probabilities, or why there are none."""

    path: bytes
    probabilities: tuple[float, ...] = ()  # one per class, in the order of the network's classes
    error: str | None = None


def predict(
    paths: Iterable[bytes],
    forward: Forward,
    preprocessing: Preprocessing,
    *,
    temperature: float = 1.0,
    batch_size: int = 32,
    check_stop: Callable[[], None] = lambda: None,
    read: Callable[[bytes], bytes] = read_file,
    threads: int | None = None,
) -> Generator[Answer, None, None]:
    """Yield an answer for each file, in the given order, while the next two batches are decoded in threads.

    Args:
        paths: any number of files; read lazily.
        forward: normalised images, float32 (N, 3, S, S) -> logits (N, classes).
        preprocessing: what the network expects of an image.
        temperature: divides the logits.
        batch_size: images in a forward pass.
        check_stop: called before each batch; raises to stop.
        read: returns the content of a file, or raises BadImage.
        threads: that read and decode at once; None: one for each processor.
    """
    waiting = iter(paths)

    def scaled(images: Array) -> Array:
        return forward(images) / temperature

    with ThreadPoolExecutor(threads or usable_processors()) as pool:
        ahead: deque[list[tuple[bytes, Future[Array | str]]]] = deque()
        try:
            while True:
                check_stop()
                some = list(islice(waiting, batch_size))
                if some:
                    ahead.append([(path, pool.submit(_read, path, preprocessing, read)) for path in some])
                if len(ahead) > BATCHES_AHEAD or not some:
                    if not ahead:
                        return
                    answered = [(path, future.result()) for path, future in ahead.popleft()]
                    yield from _answers(answered, scaled, preprocessing)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _read(path: bytes, preprocessing: Preprocessing, read: Callable[[bytes], bytes]) -> Array | str:
    """Return the pixels of one image, uint8 (S, S, 3), or why there are none."""
    try:
        return to_pixels(read_image(read(path)), preprocessing)
    except BadImage as error:
        is_known = is_url(os.fsdecode(path)) or os.path.lexists(path)
        return str(error) if is_known else "no such file"


def _answers(
    read: Sequence[tuple[bytes, Array | str]], forward: Forward, preprocessing: Preprocessing
) -> Iterator[Answer]:
    pixels = [found for _, found in read if not isinstance(found, str)]
    rows = iter(())
    if pixels:
        logits = forward(normalise(np.stack(pixels), preprocessing))
        rows = iter(softmax(logits).tolist())
    for path, found in read:
        yield Answer(path, error=found) if isinstance(found, str) else Answer(path, tuple(next(rows)))
