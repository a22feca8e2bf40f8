"""The model card: what `model.json` says, as a page of Markdown for people."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pipeline.manifest import ONNX
from pipeline.shown import shown

TEMPLATE = "model-card.md"
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")  # all that can mean something in Markdown
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def model_card(manifest: Mapping[str, Any]) -> str:
    """Return the card of a model.

    Args:
        manifest: what its `model.json` says, with the hashes of all files but the card itself.
    """
    metrics, data = manifest["metrics"], manifest["data"]
    of_classes = [
        (label, data["train"][label], data["test"][label], metrics and metrics["classes"][label])
        for label in manifest["classes"]
    ]
    return (
        _environment()
        .get_template(TEMPLATE)
        .render(
            model=manifest,
            recipe=manifest["recipe"],
            how=manifest["preprocessing"],
            metrics=metrics,
            data=data,
            of_classes=of_classes,
            day=manifest["trained_at"][:10],
            has_onnx=ONNX in manifest["sha256"],
        )
    )


def as_markdown(text: str) -> Markup:
    r"""Return strangers' text so that Markdown shows it as it is: no link, no table, no HTML, no new line.

    CommonMark takes a backslash before any punctuation of ASCII away, and what it escapes means nothing;
    what HTML would understand is an entity besides, for readers that are not that strict.
    """
    return Markup(_PUNCTUATION.sub(lambda match: _escaped(match[0]), shown(text)))


def _escaped(character: str) -> str:
    return _ENTITIES.get(character, f"\\{character}")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("templates", ""),
        autoescape=False,  # that would be for HTML; `finalize` does it for Markdown
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(number=_number, interval=_interval, code=_code, ours=Markup)
    return environment


def _finalize(value: object) -> object:
    return as_markdown(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _number(value: float) -> Markup:
    return Markup(f"{value:.4f}")


def _interval(estimate: Mapping[str, float]) -> Markup:
    return Markup(f"{estimate['low']:.4f} to {estimate['high']:.4f}")


def _code(text: str) -> Markup:
    """Return a name of our own, such as that of a network, as code."""
    assert "`" not in text and text.isprintable()
    return Markup(f"`{text}`")
