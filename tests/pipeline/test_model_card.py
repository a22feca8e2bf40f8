"""The model card: true, harmless, and with code that works."""

import ast
import re
import subprocess
import sys
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from markdown_it import MarkdownIt

from pipeline.decode import normalise, read_image, to_pixels
from pipeline.evaluate import log_softmax
from pipeline.manifest import CARD
from pipeline.model_card import as_markdown, model_card
from pipeline.records import Preprocessing
from pipeline.trained_model import open_trained
from tests.docs.markdown import blocks
from tests.pipeline.pictures import picture
from tests.pipeline.published import facts_of, publish
from tests.pipeline.training import lively_network, small_backbone

HOSTILE = (
    "<script>alert(1)</script>", "[cat](javascript:alert(1))", "![](http://x/y.png)", "`cat`", "cat | dog",
    "**cat**", "# cat", "\\", "&lt;b&gt;", "https://example.org", "_cat_ ~~dog~~ $x$", "<!-- cat",
    "@cat", "1. cat", "- cat", "cat\u202edog", "www.example.org",
)  # fmt: skip
CLASSIC = {"name": "classic", "trains": "all layers", "epochs": 20}


def manifest(**changes: Any) -> dict[str, Any]:
    known = {
        **facts_of(),
        "classes": ["cat", "dog"],
        "preprocessing": vars(small_backbone().preprocessing),
        "temperature": 1.25,
        "test_time_flip": False,
        "sha256": {"network-0000.params": "a" * 64, "network.onnx": "b" * 64},
    }
    return known | changes


def rendered(text: str) -> str:
    html: str = MarkdownIt("gfm-like", {"linkify": False}).render(text)
    return html


def text_of(html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", html))


@pytest.mark.parametrize("label", HOSTILE)
def test_a_hostile_class_name_is_shown_as_it_is_and_means_nothing(label: str) -> None:
    plain = rendered(model_card(manifest()))
    html = rendered(model_card(manifest(**facts_of(("cat", label)), classes=["cat", label])))
    tags, plain_tags = (re.findall(r"<[^>]*>", page) for page in (html, plain))
    assert tags == plain_tags, "the very elements that a card of plain names has"
    shown = label.replace("\u202e", "\\u202e")
    assert f"Image classifier: cat, {shown}" in text_of(html)
    assert f"<td>{as_html(shown)}</td>" in html


def as_html(text: str) -> str:
    return (
        rendered(f"`{text}`" if "`" not in text else f"`` {text} ``").split("<code>")[1].split("</code>")[0]
    )


@pytest.mark.parametrize("text", ["a\nb", "a\r\n# b", "\N{LINE SEPARATOR}", "a\0b"])
def test_no_text_of_strangers_begins_a_new_line(text: str) -> None:
    assert len(as_markdown(text).splitlines()) == 1


def test_the_card_says_what_the_model_says() -> None:
    text = text_of(rendered(model_card(manifest())))
    facts = facts_of()
    for expected in (
        "mobilenet0.25", facts["snapshot"], "2026-03-01", "run 1", "a" * 64, "b" * 64, "5" * 64,
        f"{facts['metrics']['accuracy']['low']:.4f} to 1.0000", "temperature 1.2500", "Apache-2.0",
        "The folders train and test decided", "regularised", "squashed to 64 x 64",
    ):  # fmt: skip
        assert expected in text, expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (facts_of(weights=None, kind="scratch"), "All layers were trained from random values, 100 times"),
        (facts_of(weights=None, kind="scratch"), "no pretrained weights are in it"),
        (facts_of(settings=CLASSIC), "trained further, 20 times"),
        ({"calibration": None}, "No temperature was fitted"),
        ({"metrics": None}, "No test image could be read"),
        (facts_of(train_images=3), "trained on 3 of the training images"),
        ({"data": {**facts_of()["data"], "split": "drawn by content"}}, "drawn by their content"),
        ({"sha256": {"network-0000.params": "a" * 64}}, "with MXNet"),
    ],
)  # fmt: skip
def test_it_says_how_this_one_came_about(changes: dict[str, Any], expected: str) -> None:
    text = text_of(rendered(model_card(manifest(**changes))))
    assert expected in text
    assert ("onnxruntime" in text) == ("network.onnx" in manifest(**changes)["sha256"])


@pytest.mark.parametrize(("resize", "flips"), [("squash", False), ("crop", True)])
def test_the_code_of_the_card_gives_the_probabilities_of_predict(
    tmp_path: Path, resize: Any, flips: bool
) -> None:
    how = Preprocessing(64, resize, 72, "bicubic", (0.5, 0.4, 0.3), (0.2, 0.3, 0.4))
    folder = publish(tmp_path / "run", lively_network(), preprocessing=how, test_time_flip=flips)
    picture(5, (211, 130)).save(folder / "photo.jpg")
    read, onnxruntime, mxnet, answer = (
        block.text for block in blocks(folder / CARD) if block.language == "python"
    )
    pixels = to_pixels(read_image((folder / "photo.jpg").read_bytes()), how)
    model = open_trained(folder)
    logits = model.forward(normalise(pixels[np.newaxis], how))
    expected = np.exp(log_softmax(logits / model.temperature))[0]
    for engine in (onnxruntime, mxnet):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", read + engine + answer],
            capture_output=True, text=True, cwd=folder, check=True,
        )  # fmt: skip
        found = ast.literal_eval(done.stdout)
        assert list(found) == ["cat", "dog"]
        assert list(found.values()) == pytest.approx(expected, abs=1e-5)
