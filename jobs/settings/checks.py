"""Checks of the values of settings; the messages go on where `NAME = VALUE` ends."""

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipeline.did_you_mean import did_you_mean

Check = Callable[
    [Any], object
]  # raises ValueError with the end of a sentence, or WhiskerError with all of it


def between(low: float, high: float) -> Check:
    """Return a check for numbers from `low` to `high`, both included."""

    def check(value: float) -> None:
        if not low <= value <= high:  # also true of NaN
            raise ValueError(f"is not between {low:.15g} and {high:.15g}")

    return check


def that_holds(holds: Callable[[float], bool], otherwise: str) -> Check:
    """Return a check with a condition and the end of the sentence for what fails it."""

    def check(value: float) -> None:
        if not holds(value):
            raise ValueError(otherwise)

    return check


def one_of(*allowed: str) -> Check:
    """Return a check for a text, or a list of texts, out of some."""

    def check(value: str | tuple[str, ...]) -> None:
        for text in (value,) if isinstance(value, str) else value:
            if text not in allowed:
                raise ValueError(unknown(text, allowed))

    return check


def unknown(value: object, allowed: Sequence[str]) -> str:
    """Return the end of the sentence for a value that is none of those which are allowed."""
    question = did_you_mean(value, allowed) if isinstance(value, str) else ""
    return f"is unknown{question}; use one of {', '.join(allowed)}"


def unless_empty(*checks: Check) -> Check:
    """Return all of the checks in one, which also takes the empty text, list or path."""
    return lambda value: [check(value) for check in checks] if value else None


def readable(file: Path) -> None:
    """Check that a file is there and may be read."""
    if not (file.is_file() and os.access(file, os.R_OK)):
        raise ValueError("is not a file that can be read")


def web_address(text: str) -> None:
    """Check that a text is the address of a web server; the message does not repeat it."""
    try:
        parts = urlsplit(text)
        fits = (
            parts.scheme in ("https", "http")
            and parts.hostname
            and parts.port != 0
            and "@" not in parts.netloc
        )
    except ValueError:
        fits = False
    if not fits or re.search(r"[^!-~]", text):
        raise ValueError("is not an address that starts with https:// or http://, without a user name")


def addresses(texts: tuple[str, ...]) -> None:
    """Check that each of some texts is an address of some kind; the message does not repeat it."""
    if not all(re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*://.", text) for text in texts):
        raise ValueError("is not a list of addresses such as mailto://...")
