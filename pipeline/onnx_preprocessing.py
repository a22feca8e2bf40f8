"""The way from an image to the input of a network, as nodes of an ONNX graph: Pillow's own arithmetic.

ONNX has an operator for it, Resize with `antialias`, but at the borders of an image and where it enlarges,
ONNX Runtime's is up to 26 of 255 away from Pillow. So the filters are matrices: Pillow resizes along one
axis, rounds, and resizes along the other, and each of the two is a product with the weights of its filter.
The formulas are those of Pillow's `Resample.c`; sides and weights are computed in float64, as there.
"""

from typing import Any

import numpy as np
import onnx

from pipeline.arrays import Array
from pipeline.onnx_nodes import Nodes
from pipeline.records import Preprocessing

_DOUBLE, _FLOAT, _INT64 = onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT, onnx.TensorProto.INT64
_BICUBIC = -0.5  # Pillow's coefficient


def add_pixels(nodes: Nodes, images: str, how: Preprocessing) -> str:
    """Add nodes from images, uint8 (N, H, W, 3), to resized ones, float32 (N, 3, S, S); return their name.

    Their values are whole numbers, 0..255.
    """
    planes = nodes.add("Cast", nodes.add("Transpose", images, perm=[0, 3, 1, 2]), to=_FLOAT)
    size = _integers(how.size, how.size)
    sides = nodes.add("Slice", nodes.add("Shape", planes), _integers(2), _integers(4))
    if how.resize == "squash":
        return _resized(nodes, planes, sides, size, how)
    scaled = _scaled_sides(nodes, sides, how.short_side)
    corner = nodes.add("Div", nodes.add("Sub", scaled, size), _integers(2))
    resized = _resized(nodes, planes, sides, scaled, how)
    return nodes.add("Slice", resized, corner, nodes.add("Add", corner, size), _integers(2, 3))


def add_normalised(nodes: Nodes, pixels: str, target: str, how: Preprocessing) -> str:
    """Add the nodes from pixels, float32 (N, 3, S, S), to the network's input, called `target`."""
    mean, std = np.array(how.mean), np.array(how.std)
    scale, shift = (1 / (255 * std)).astype(np.float32), (-mean / std).astype(np.float32)
    scaled = nodes.add("Mul", pixels, scale[:, None, None])
    return nodes.add("Add", scaled, shift[:, None, None], output=target)


def _scaled_sides(nodes: Nodes, sides: str, short_side: int) -> str:
    """Add the height and width, int64 (2,), of which the shorter is `short_side`."""
    shortest = nodes.add("Cast", nodes.add("ReduceMin", sides, keepdims=1), to=_DOUBLE)
    factor = nodes.add("Div", np.array([short_side], np.float64), shortest)
    exact = nodes.add("Mul", nodes.add("Cast", sides, to=_DOUBLE), factor)
    return nodes.add("Cast", nodes.add("Round", exact), to=_INT64)  # half to even, as Python does it


def _resized(nodes: Nodes, planes: str, sides: str, wanted: str | Array, how: Preprocessing) -> str:
    """Add both passes, in Pillow's order: rows first, unless the height shrinks, and far more than the width.

    In between values are rounded, so the order counts. That of Pillow 13: by over twice as many pixels.
    """
    height, width = (_weights(nodes, _at(nodes, sides, n), _at(nodes, wanted, n), how) for n in (0, 1))
    less = nodes.add("Sub", sides, wanted)
    lower, narrower = (_at(nodes, less, n) for n in (0, 1))
    far_more = nodes.add("Greater", lower, nodes.add("Mul", narrower, np.array(2, np.int64)))
    shrinks = nodes.add("Greater", lower, np.array(0, np.int64))
    branches = {
        "then_branch": _passes("columns_first", planes, height, width, columns_first=True),
        "else_branch": _passes("rows_first", planes, height, width, columns_first=False),
    }
    return nodes.add("If", nodes.add("And", shrinks, far_more), **branches)


def _passes(name: str, planes: str, height: str, width: str, *, columns_first: bool) -> Any:
    """Return a graph of the two passes, each rounded."""
    nodes = Nodes(name)
    values, order = planes, (height, width) if columns_first else (width, height)
    for weights in order:
        if weights == height:
            values = nodes.add("MatMul", height, values)
        else:
            values = nodes.add("MatMul", values, nodes.add("Transpose", width, perm=[1, 0]))
        values = _rounded(nodes, values)
    shape = ["batch", 3, f"{name}_height", f"{name}_width"]
    output = onnx.helper.make_tensor_value_info(values, _FLOAT, shape)
    return onnx.helper.make_graph(nodes.nodes, name, [], [output], nodes.constants)


def _weights(nodes: Nodes, side: str, wanted: str, how: Preprocessing) -> str:
    """Add the weights of one axis, float32 (pixels wanted, pixels there): each row adds up to 1."""
    scale = nodes.add("Div", nodes.add("Cast", side, to=_DOUBLE), nodes.add("Cast", wanted, to=_DOUBLE))
    stretch = nodes.add("Max", scale, _number(1))
    centres = nodes.add("Mul", _middles(nodes, wanted), scale)
    away = nodes.add("Sub", _middles(nodes, side), nodes.add("Unsqueeze", centres, _integers(1)))
    distance = nodes.add("Abs", nodes.add("Div", away, stretch))
    values = (_triangle if how.interpolation == "bilinear" else _cubic)(nodes, distance)
    total = nodes.add("ReduceSum", values, _integers(1), keepdims=1)
    return nodes.add("Cast", nodes.add("Div", values, total), to=_FLOAT)


def _triangle(nodes: Nodes, distance: str) -> str:
    return nodes.add("Max", nodes.add("Sub", _number(1), distance), _number(0))


def _cubic(nodes: Nodes, distance: str) -> str:
    """Add the bicubic filter, which is 0 from 2 on: one polynomial up to 1, another one up to 2."""
    near = _polynomial(nodes, distance, (_BICUBIC + 2, -(_BICUBIC + 3), 0, 1))
    far = _polynomial(nodes, distance, (_BICUBIC, -5 * _BICUBIC, 8 * _BICUBIC, -4 * _BICUBIC))
    outside = nodes.add("Where", nodes.add("Less", distance, _number(2)), far, _number(0))
    return nodes.add("Where", nodes.add("Less", distance, _number(1)), near, outside)


def _polynomial(nodes: Nodes, x: str, coefficients: tuple[float, ...]) -> str:
    """Add a polynomial, the highest power first, by Horner's rule."""
    value: str | Array = _number(coefficients[0])
    for coefficient in coefficients[1:]:
        value = nodes.add("Add", nodes.add("Mul", value, x), _number(coefficient))
    assert isinstance(value, str)
    return value


def _middles(nodes: Nodes, side: str) -> str:
    """Add the middle of each pixel of an axis, float64 (side,): 0.5, 1.5, ..."""
    numbers = nodes.add("Range", np.array(0, np.int64), side, np.array(1, np.int64))
    return nodes.add("Add", nodes.add("Cast", numbers, to=_DOUBLE), _number(0.5))


def _rounded(nodes: Nodes, values: str) -> str:
    """Add rounding to whole numbers, half up, 0..255."""
    whole = nodes.add("Floor", nodes.add("Add", values, np.array(0.5, np.float32)))
    return nodes.add("Clip", whole, np.array(0, np.float32), np.array(255, np.float32))


def _at(nodes: Nodes, values: str | Array, position: int) -> str:
    return nodes.add("Gather", values, np.array(position, np.int64), axis=0)


def _number(value: float) -> Array:
    return np.array(value, np.float64)


def _integers(*values: int) -> Array:
    return np.array(values, np.int64)
