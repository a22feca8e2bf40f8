"""Images whose labels are doubtful, added to the drawn ones."""

import shutil
from pathlib import Path

from PIL import Image, ImageOps


def add_conflicts(images: Path) -> None:
    """Put two training images of cats under dogs, too: one as it is, and one as a mirror image."""
    cats, dogs = images / "train" / "cat", images / "train" / "dog"
    shutil.copy(cats / "drawn-0001.jpg", dogs / "exact.jpg")
    with Image.open(cats / "drawn-0002.jpg") as image:
        ImageOps.mirror(image).save(dogs / "near.jpg", quality=60)


def add_wrong_label(images: Path) -> Path:
    """Put another picture of a dog under cats; return its file."""
    wrong = images / "train" / "cat" / "wrong.jpg"
    with Image.open(images / "train" / "dog" / "drawn-0003.jpg") as image:
        image.rotate(25).save(wrong)
    return wrong
