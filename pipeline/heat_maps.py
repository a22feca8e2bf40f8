"""Class activation maps of many images by MXNet; `pipeline/evidence.py` says what they are."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from pipeline.decode import normalise
from pipeline.errors import WeightsError
from pipeline.evidence import EvidenceModel, map_values
from pipeline.image_folder import ImageFolder
from pipeline.manifest import PARAMETERS, SYMBOL, preprocessing_of, read_manifest, uses_test_time_flip
from pipeline.network import forward_of
from pipeline.reader import ImageReader
from pipeline.records import HeatMap, SnapshotImage
from pipeline.runtime import mx

BATCH = 8


def heat_maps(
    folder: Path,
    images: Sequence[SnapshotImage],
    labels: Sequence[str],
    images_folder: ImageFolder,
    device: Any,
) -> tuple[HeatMap, ...]:
    """Return a map for each image that can be read.

    Args:
        folder: of the published model.
        images: what to look at.
        labels: for each image, the class whose evidence is shown.
        images_folder: what the images' paths are relative to.
        device: an `mx.Context`.

    Raises:
        WeightsError: the model cannot be read, or does not end in average pooling and a dense layer.
    """
    model = open_evidence(folder, device)
    maps: list[HeatMap] = []
    with closing(ImageReader(images_folder, model.preprocessing).batches(images, BATCH)) as batches:
        for batch in batches:
            evidence = model.evidence(normalise(batch.pixels, model.preprocessing))
            for position, of_image in zip(batch.positions, evidence, strict=True):
                image, label = images[position], labels[position]
                of_class = of_image[model.classes.index(label)]
                maps.append(HeatMap(image.sha256, label, of_class.shape[1], map_values(of_class)))
    return tuple(maps)


def open_evidence(folder: Path, device: Any) -> EvidenceModel:
    """Open a published model for its evidence; raises WeightsError as `heat_maps` does."""
    manifest = read_manifest(folder)
    dense = mx.sym.load(str(folder / SYMBOL))
    pooling = _pooling_before(dense)
    if pooling is None:
        raise WeightsError(
            f"the network in {folder} does not end in global average pooling and a dense layer, so it has "
            "no heat maps; choose one of Whisker's backbones"
        )
    trunk = mx.gluon.SymbolBlock(pooling.get_children()[0], mx.sym.var("data", dtype="float32"))
    trunk.collect_params().load(str(folder / PARAMETERS), ctx=device, ignore_extra=True)
    trunk.hybridize(static_alloc=True)
    parameters = mx.nd.load(str(folder / PARAMETERS))
    weight, bias = (parameters[f"arg:{child.name}"].asnumpy() for child in dense.get_children()[1:])
    return EvidenceModel(
        tuple(manifest["classes"]),
        preprocessing_of(manifest),
        forward_of(trunk, device),
        weight,
        bias,
        uses_test_time_flip(manifest),
    )


def _pooling_before(dense: Any) -> Any:
    """Return the global average pooling whose flattened output enters a dense layer; None if it is not so."""
    if "num_hidden" not in dense.list_attr() or dense.list_attr().get("no_bias") == "True":
        return None
    for node in _inputs(dense):
        attributes = node.list_attr()
        if "pool_type" in attributes:
            is_mean = attributes["pool_type"] == "avg" and attributes.get("global_pool") == "True"
            return node if is_mean else None
        if "flatten" not in node.name:
            return None
    return None


def _inputs(node: Any) -> Iterator[Any]:
    """Yield the first input of a node, its first input, and so on."""
    while (children := node.get_children()) is not None:
        node = children[0]
        yield node
