"""The images on which an exported model is compared with the one it comes from."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from PIL import Image

from pipeline.decode import BadImage, read_file, read_image
from pipeline.evaluate import Progress
from pipeline.image_folder import ImageFolder
from pipeline.image_paths import image_paths
from pipeline.reader import read_picture
from pipeline.records import SnapshotImage

Images = Sequence[tuple[bytes, Callable[[], Image.Image]]]  # the path of each, and what reads it


@dataclass
class Comparison:
    """Images, and which of them could not be read."""

    called: str  # in words
    images: Images
    check_stop: Callable[[], None]
    progress: Progress
    unreadable: dict[bytes, str] = field(default_factory=dict)  # why not, by path; known when all were read

    def pictures(self) -> Iterator[Image.Image]:
        """Yield those that can be read, upright and in RGB, one at a time."""
        for number, (path, read) in enumerate(self.images, 1):
            self.check_stop()
            try:
                picture = read()
            except BadImage as error:
                self.unreadable[path] = str(error)
            else:
                yield picture
            self.progress("comparing", number, len(self.images))


def images_of_test(folder: ImageFolder, tested: Sequence[SnapshotImage]) -> Images:
    """Return the test images of a run."""
    return [(image.path, partial(read_picture, folder, image.path, image.sha256)) for image in tested]


def images_of_folder(folder: Path) -> Images:
    """Return all files of a folder."""
    return [(path, partial(_read, path)) for path in image_paths([os.fsencode(folder)])]


def _read(path: bytes) -> Image.Image:
    return read_image(read_file(path))
