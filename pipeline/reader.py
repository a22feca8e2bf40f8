"""Read images from their folder as batches of pixels, decoding ahead in threads.

Threads, not processes: Pillow releases the GIL while it decodes, the network is what takes the time, and
processes forked after MXNet has started hang.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from pipeline.arrays import Array
from pipeline.crops import Crop
from pipeline.decode import BadImage, read_image, to_pixels
from pipeline.image_folder import ImageFolder, read_from, reading_threads
from pipeline.records import Preprocessing, SnapshotImage

BATCHES_AHEAD = 2


@dataclass(frozen=True)
class Batch:
    """Some of the images that were asked for."""

    positions: Array  # int64 (N,): where each stands in the sequence that was asked for
    pixels: Array  # uint8 (N, size, size, 3), RGB


@dataclass
class ImageReader:
    """Reads the images of one folder; remembers those that have changed or vanished since the scan.

    Such an image is left out of the batch, never replaced by another picture.
    """

    folder: ImageFolder
    preprocessing: Preprocessing
    unreadable: dict[bytes, str] = field(default_factory=dict)  # path -> reason

    def batches(
        self,
        images: Sequence[SnapshotImage],
        batch_size: int,
        *,
        order: Sequence[int] | None = None,
        mirrored: Callable[[int], bool] = lambda position: False,
        cropped: Callable[[int], Crop | None] = lambda position: None,
    ) -> Generator[Batch, None, None]:
        """Yield all images in batches, in the given order, at most two batches ahead in memory.

        Args:
            images: what to read.
            batch_size: images in a batch; the last may be shorter.
            order: positions in `images`; as they stand by default.
            mirrored: tells which positions are flipped left to right.
            cropped: tells which part of the image at a position is taken; None: what the preprocessing says.
        """
        positions = list(range(len(images)) if order is None else order)
        groups = (positions[start : start + batch_size] for start in range(0, len(positions), batch_size))
        for batch in self.groups(images, groups, mirrored=mirrored, cropped=cropped):
            if len(batch.positions):
                yield batch

    def groups(
        self,
        images: Sequence[SnapshotImage],
        groups: Iterable[Sequence[int]],
        *,
        mirrored: Callable[[int], bool] = lambda position: False,
        cropped: Callable[[int], Crop | None] = lambda position: None,
    ) -> Generator[Batch, None, None]:
        """Yield a batch for each group of positions, also where none of it can be read; see `batches`."""
        with ThreadPoolExecutor(reading_threads(self.folder)) as pool:
            ahead: deque[list[tuple[int, Future[Array | None]]]] = deque()
            try:
                for chosen in groups:
                    ahead.append(
                        [(p, pool.submit(self._pixels, images[p], mirrored(p), cropped(p))) for p in chosen]
                    )
                    if len(ahead) > BATCHES_AHEAD:
                        yield self._complete(ahead.popleft())
                while ahead:
                    yield self._complete(ahead.popleft())
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _pixels(self, image: SnapshotImage, mirror: bool, crop: Crop | None) -> Array | None:
        """Return the pixels of one image, uint8 (size, size, 3); None if it is no longer what was scanned."""
        try:
            decoded = read_picture(self.folder, image.path, image.sha256)
        except BadImage as error:
            self.unreadable[image.path] = str(error)
            return None
        pixels = crop.pixels(decoded, self.preprocessing) if crop else to_pixels(decoded, self.preprocessing)
        return pixels[:, ::-1] if mirror else pixels

    def _complete(self, pending: list[tuple[int, "Future[Array | None]"]]) -> Batch:
        """Return the batch once its images are decoded, without those that could not be read."""
        read = [(position, future.result()) for position, future in pending]
        good = [(position, pixels) for position, pixels in read if pixels is not None]
        size = self.preprocessing.size
        pixels = np.stack([x for _, x in good]) if good else np.empty((0, size, size, 3), np.uint8)
        return Batch(np.array([p for p, _ in good], dtype=np.int64), pixels)


def read_picture(folder: ImageFolder, path: bytes, sha256: str) -> Image.Image:
    """Return an image, upright and in RGB; raises BadImage if it is no longer what was scanned."""
    data = read_from(folder, path, sha256)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise BadImage("changed since the scan")
    return read_image(data)
