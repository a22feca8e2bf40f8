"""The preprocessing as an ONNX graph, held against Pillow's."""

from typing import Any

import numpy as np
import onnx
import pytest
from PIL import Image

from pipeline.decode import normalise, to_pixels
from pipeline.onnx_file import resizing
from pipeline.onnx_nodes import IR_VERSION, OPSET, Nodes
from pipeline.onnx_preprocessing import add_normalised, add_pixels
from pipeline.onnx_runtime import open_model
from pipeline.records import Preprocessing
from tests.pipeline.pictures import picture

SIZES = [(64, 64), (65, 64), (640, 480), (481, 641), (1001, 77), (30, 20), (16, 200), (72, 72), (333, 999)]
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def how_of(resize: Any, interpolation: Any) -> Preprocessing:
    return Preprocessing(64, resize, 73, interpolation, MEAN, STD)


def noisy(size: tuple[int, int]) -> Image.Image:
    """Return a picture with edges that filters overshoot at."""
    random = np.random.default_rng(sum(size))
    pixels = np.asarray(picture(7, size)).copy()
    pixels[random.random(pixels.shape[:2]) < 0.3] = 255
    pixels[random.random(pixels.shape[:2]) < 0.3] = 0
    return Image.fromarray(pixels)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("resize", ["squash", "crop"])
def test_images_of_any_size_become_the_pixels_that_pillow_makes(resize: str, interpolation: str) -> None:
    how = how_of(resize, interpolation)
    model = open_model(resizing(how))
    for size in SIZES:
        image = noisy(size)
        found = model(np.asarray(image)[np.newaxis])[0].transpose(1, 2, 0).astype(int)
        apart = np.abs(found - to_pixels(image, how))
        assert found.shape == (64, 64, 3)
        assert apart.max() <= 2, size


def test_the_scaled_side_is_rounded_half_to_even_as_python_does_it() -> None:
    """Of these some lie between two pixels: 36.5 becomes 36 and 37.5 becomes 38."""
    how = Preprocessing(16, "crop", 16, "bilinear", MEAN, STD)
    model = open_model(resizing(how))
    for width in range(64, 96):
        image = noisy((width, 32))
        found = model(np.asarray(image)[np.newaxis])[0].transpose(1, 2, 0).astype(int)
        assert np.abs(found - to_pixels(image, how)).max() <= 2, width


def test_several_images_of_one_size_are_resized_each_by_itself() -> None:
    how = how_of("crop", "bicubic")
    model = open_model(resizing(how))
    images = np.stack([np.asarray(noisy((100, 80))), np.asarray(picture(3, (100, 80)))])
    assert (model(images) == np.concatenate([model(image[np.newaxis]) for image in images])).all()


def test_pixels_are_normalised_to_the_same_numbers() -> None:
    how = how_of("squash", "bilinear")
    nodes = Nodes("x")
    target = add_normalised(nodes, "pixels", "normalised", how)
    graph = onnx.helper.make_graph(
        nodes.nodes,
        "normalising",
        [onnx.helper.make_tensor_value_info("pixels", onnx.TensorProto.FLOAT, ["n", 3, 64, 64])],
        [onnx.helper.make_tensor_value_info(target, onnx.TensorProto.FLOAT, ["n", 3, 64, 64])],
        nodes.constants,
    )
    opset = onnx.helper.make_opsetid("", OPSET)
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    found = open_model(model.SerializeToString())(pixels.transpose(0, 3, 1, 2).astype(np.float32))
    assert found == pytest.approx(normalise(pixels, how), abs=1e-6)


def test_each_name_is_given_once() -> None:
    nodes = Nodes("x")
    add_normalised(
        nodes, add_pixels(nodes, "images", how_of("crop", "bicubic")), "normalised", how_of("crop", "bicubic")
    )
    names = [*(node.output[0] for node in nodes.nodes), *(constant.name for constant in nodes.constants)]
    assert len(set(names)) == len(names)
