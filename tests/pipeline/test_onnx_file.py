"""The ONNX file that is given away, for every backbone on offer."""

import json
from dataclasses import replace

import numpy as np
import onnx
import pytest

from pipeline.arrays import Array
from pipeline.backbones import BACKBONES
from pipeline.decode import normalise
from pipeline.evaluate import log_softmax, over_mirrors
from pipeline.network import forward_of
from pipeline.onnx_export import export_onnx
from pipeline.onnx_file import OnnxFacts, finished, resizing
from pipeline.onnx_nodes import OPSET
from pipeline.onnx_runtime import open_outputs
from pipeline.parity import MOST_WHOLE_APART, Exported, measure
from pipeline.records import Preprocessing
from pipeline.runtime import mx
from tests.pipeline.pictures import picture
from tests.pipeline.training import lively_network, small_backbone

CLASSES = ("cat", "dog", "horse")
METADATA = {"whisker": "0.1.0", "labels": json.dumps(CLASSES), "run": "7", "temperature": "1.5"}
# The deep networks are the others with more of the same blocks: 34 layers are the blocks of 18,
# 101 and 152 those of 50. What ONNX must be able to say is in each kind of block.
SAME_BLOCKS = {
    f"resnet{deep}_{form}": f"resnet{shallow}_{form}"
    for form in ("v1", "v2", "tv")
    for deep, shallow in ((34, 18), (101, 50), (152, 50))
}
TESTED = [name for name in BACKBONES if name not in SAME_BLOCKS]


def how_of(name: str) -> Preprocessing:
    """Return a backbone's preprocessing, for small images where the network takes any.

    EfficientNet-Lite does not: its padding follows from the size, and is odd at its own.
    """
    how = BACKBONES[name].preprocessing
    return how if name.startswith("efficientnet") else replace(how, size=32, short_side=37)


def facts_of(how: Preprocessing, temperature: float = 1.5, *, flips: bool = False) -> OnnxFacts:
    return OnnxFacts(CLASSES, temperature, how, flips, METADATA)


def noise(count: int, how: Preprocessing) -> Array:
    return np.random.default_rng(1).normal(size=(count, 3, how.size, how.size)).astype(np.float32)


def small_file(*, inside: bool = False) -> bytes:
    """Return the file of a small network; `inside` says whether it does the preprocessing, too."""
    how = small_backbone().preprocessing
    translated = export_onnx(lively_network(classes=len(CLASSES)), how.size)
    return finished(translated, facts_of(how), with_preprocessing=inside)


def test_every_backbone_is_tested_or_made_of_the_blocks_of_one_that_is() -> None:
    assert set(TESTED) | set(SAME_BLOCKS) == set(BACKBONES)
    assert set(SAME_BLOCKS.values()) <= set(TESTED)


@pytest.mark.parametrize("name", TESTED)
def test_the_file_of_every_backbone_says_what_mxnet_says(name: str) -> None:
    how = how_of(name)
    network = lively_network(replace(BACKBONES[name], preprocessing=how), len(CLASSES))
    translated = export_onnx(network, how.size)
    plain, whole = (
        finished(translated, facts_of(how), with_preprocessing=inside) for inside in (False, True)
    )
    for serialised in (plain, whole):
        model = onnx.load_from_string(serialised)
        onnx.checker.check_model(model, full_check=True)
        assert [opset.version for opset in model.opset_import] == [OPSET]
    run = open_outputs(whole)
    exported = Exported(open_outputs(plain), run, lambda images: open_outputs(resizing(how))(images)[0])
    pictures = [picture(seed, (90 + seed, 70)) for seed in range(2)]
    measured = measure(pictures, forward_of(network, mx.cpu()), exported, how, 1.5)
    assert measured is not None
    assert 0.1 < measured.network.largest_logit < 100, "there is something to compare"
    assert measured.network.is_close
    assert measured.network.same_class == 2
    assert measured.pixels is not None
    assert measured.pixels.largest <= 2
    assert measured.whole is not None
    assert measured.whole.probability_difference < MOST_WHOLE_APART


def test_the_number_of_images_is_free_and_each_is_answered_for_itself() -> None:
    how = small_backbone().preprocessing
    model = open_outputs(small_file())
    images = noise(5, how)
    together = model(images)
    assert [rows.shape for rows in together] == [(5, 3), (5, 3)]
    for rows, single in zip(
        together, zip(*(model(image[np.newaxis]) for image in images), strict=True), strict=True
    ):
        assert (rows == np.concatenate(single)).all()


@pytest.mark.parametrize("inside", [False, True])
def test_a_model_that_looks_at_mirror_images_too_does_so_inside_of_the_file(inside: bool) -> None:
    how = small_backbone().preprocessing
    network = lively_network(classes=len(CLASSES))
    translated = export_onnx(network, how.size)
    model = open_outputs(finished(translated, facts_of(how, flips=True), with_preprocessing=inside))
    pixels = np.random.default_rng(2).integers(0, 256, (3, how.size, how.size, 3), dtype=np.uint8)
    images = normalise(pixels, how)
    expected = over_mirrors(forward_of(network, mx.cpu()))(images)
    assert np.abs(expected - forward_of(network, mx.cpu())(images)).max() > 0.01, "mirror images count"
    probabilities, logits = model(pixels if inside else images)
    assert logits == pytest.approx(expected, abs=1e-4)
    assert probabilities == pytest.approx(np.exp(log_softmax(expected / 1.5)), abs=1e-4)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_probabilities_are_the_calibrated_ones_beside_the_networks_own_logits(temperature: float) -> None:
    how = small_backbone().preprocessing
    network = lively_network(classes=len(CLASSES))
    model = finished(export_onnx(network, how.size), facts_of(how, temperature), with_preprocessing=False)
    probabilities, logits = open_outputs(model)(noise(3, how))
    assert logits == pytest.approx(forward_of(network, mx.cpu())(noise(3, how)), abs=1e-5)
    assert probabilities == pytest.approx(np.exp(log_softmax(logits / temperature)), abs=1e-6)


@pytest.mark.parametrize("inside", [False, True])
def test_the_file_says_what_goes_in_and_comes_out_and_where_it_is_from(inside: bool) -> None:
    model = onnx.load_from_string(small_file(inside=inside))
    ends = [
        (
            end.name,
            end.type.tensor_type.elem_type,
            [d.dim_param or d.dim_value for d in end.type.tensor_type.shape.dim],
        )
        for end in (*model.graph.input, *model.graph.output)
    ]
    kinds = onnx.TensorProto
    taken = (kinds.UINT8, ["batch", "height", "width", 3]) if inside else (kinds.FLOAT, ["batch", 3, 64, 64])
    assert ends == [
        ("images", *taken),
        ("probabilities", kinds.FLOAT, ["batch", 3]),
        ("logits", kinds.FLOAT, ["batch", 3]),
    ]
    assert {prop.key: prop.value for prop in model.metadata_props} == METADATA
    assert (model.producer_name, model.producer_version) == ("whisker", "0.1.0")


@pytest.mark.parametrize("inside", [False, True])
def test_the_same_network_gives_the_same_bytes(inside: bool) -> None:
    one, other = (small_file(inside=inside) for _ in "ab")
    assert one == other
