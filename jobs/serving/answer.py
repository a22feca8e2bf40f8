"""What the champion says of one image, and where it sees that."""

from dataclasses import dataclass

import numpy as np

from jobs.serving.champion import Opened
from pipeline.arrays import Array
from pipeline.decode import normalise, read_image, thumbnail_jpeg, to_pixels
from pipeline.evaluate import softmax
from pipeline.evidence import EvidenceModel, map_values
from pipeline.pictures import Placed, Thumbnail, data_uri, map_png, placed_map

PICTURE_SIDE = 640  # pixels


@dataclass(frozen=True)
class ImageAnswer:
    """What is said of an image."""

    run_id: int
    classes: tuple[str, ...]
    probabilities: tuple[float, ...]  # calibrated, in the order of the classes
    width: int  # pixels, upright
    height: int
    heat_map: Placed | None  # evidence for the most probable class, in pixels of the image
    picture: str | None  # the image, small, as a data: URI

    @property
    def label(self) -> str:
        """The most probable class, the first of equal ones."""
        return self.classes[self.probabilities.index(max(self.probabilities))]


def answer(opened: Opened, data: bytes, *, heat_map: bool, picture: bool) -> ImageAnswer:
    """Classify an image as `predict` does.

    Args:
        opened: the model.
        data: the bytes of the image's file.
        heat_map: whether to say where the class is seen.
        picture: whether to give the image back as any browser can show it.

    Raises:
        BadImage: it cannot be used; the reason is a short phrase.
    """
    image, model = read_image(data), opened.model
    images = normalise(to_pixels(image, model.preprocessing)[None], model.preprocessing)
    with opened.turn:
        logits = model.forward(images) / model.temperature
        probabilities = tuple(softmax(logits)[0].tolist())
        seen = (
            _png(opened.evidence, images, int(np.argmax(logits[0]))) if heat_map and opened.evidence else None
        )
    whole = Thumbnail("", *image.size)
    return ImageAnswer(
        opened.run_id,
        model.classes,
        probabilities,
        image.width,
        image.height,
        placed_map(seen, whole, model.preprocessing) if seen else None,
        data_uri(thumbnail_jpeg(image, PICTURE_SIDE), "image/jpeg") if picture else None,
    )


def _png(model: EvidenceModel, images: Array, label: int) -> bytes | None:
    evidence = model.evidence(images)[0, label]
    return map_png(map_values(evidence), evidence.shape[1])
