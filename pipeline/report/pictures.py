"""Test images as the page shows them: the picture, what each model says of it, and where it sees that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.backbones import BACKBONES
from pipeline.evaluation_tables import said_index
from pipeline.pictures import Placed, Thumbnail, map_png, placed_map, thumbnail_of
from pipeline.records import HeatMap, Prediction, Preprocessing, RunDetails
from pipeline.report.models import Model
from pipeline.report.plot_frame import Kind
from pipeline.shown import shown


@dataclass(frozen=True)
class Said:
    """What one model says of an image."""

    kind: Kind
    name: str
    label: str
    probability: float  # calibrated, 0..1
    right: bool


@dataclass(frozen=True)
class ShownMap:
    """Where one model sees the evidence for a class."""

    kind: Kind
    name: str
    label: str
    text: str  # for those who do not see it
    placed: Placed


@dataclass(frozen=True)
class ShownImage:
    """A test image; `thumbnail` is None if no picture of it is kept."""

    prediction: Prediction
    thumbnail: Thumbnail | None
    text: str  # for those who do not see it
    said: tuple[Said, ...]
    maps: tuple[ShownMap, ...]


def shown_images(
    hashes: Sequence[str], models: Sequence[Model], classes: Sequence[str], thumbnails: Mapping[str, bytes]
) -> tuple[ShownImage, ...]:
    """Return the images of these content hashes that a model was tested on, in this order.

    Args:
        hashes: of test images.
        models: whose words and maps are shown, in this order.
        classes: in the order of the probabilities.
        thumbnails: content hash -> JPEG.
    """
    by_model = [{p.sha256: p for p in model.evaluation.predictions} for model in models]
    maps = [_maps_of(model.details) for model in models]
    found = []
    for sha256 in hashes:
        seen = [
            (model, said[sha256], own.get(sha256, ()))
            for model, said, own in zip(models, by_model, maps, strict=True)
            if sha256 in said
        ]
        if seen:
            found.append(_shown(seen, classes, thumbnail_of(thumbnails, sha256)))
    return tuple(found)


def _shown(
    seen: Sequence[tuple[Model, Prediction, Sequence[HeatMap]]],
    classes: Sequence[str],
    thumbnail: Thumbnail | None,
) -> ShownImage:
    prediction = seen[0][1]
    said = tuple(_said(model, of, classes) for model, of, _ in seen)
    maps = tuple(
        placed
        for model, _, own in seen
        for heat_map in own
        if thumbnail and (placed := _placed(model, heat_map, thumbnail))
    )
    answers = ", ".join(f"{shown(one.name)} says {shown(one.label)}" for one in said)
    return ShownImage(prediction, thumbnail, f"A {shown(prediction.label)}: {answers}", said, maps)


def _said(model: Model, prediction: Prediction, classes: Sequence[str]) -> Said:
    index = said_index(prediction)
    label = classes[index]
    return Said(model.kind, model.name, label, prediction.probabilities[index], label == prediction.label)


def _maps_of(details: RunDetails) -> Mapping[str, list[HeatMap]]:
    maps: dict[str, list[HeatMap]] = {}
    for heat_map in details.heat_maps:
        maps.setdefault(heat_map.sha256, []).append(heat_map)
    return maps


def _placed(model: Model, heat_map: HeatMap, thumbnail: Thumbnail) -> ShownMap | None:
    """Return the map over what the network saw of the picture; None where that is not known."""
    preprocessing = preprocessing_of(model.details)
    png = map_png(heat_map.values, heat_map.width)
    if preprocessing is None or png is None:
        return None
    text = f"Where {shown(model.name)} sees {shown(heat_map.label)}"
    return ShownMap(model.kind, model.name, heat_map.label, text, placed_map(png, thumbnail, preprocessing))


def preprocessing_of(details: RunDetails) -> Preprocessing | None:
    """Return how the images of a run became its network's input; None for a backbone of another day."""
    backbone = BACKBONES.get(details.run.backbone)
    if backbone is None:
        return None
    own = backbone.preprocessing
    return replace(own, resize="crop") if details.run.settings.get("center_crop") else own
