"""Guess what somebody meant to write."""

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the question after the name that is most alike, or nothing."""
    alike = difflib.get_close_matches(name, list(known), 1)
    return f" (did you mean {alike[0]!r}?)" if alike else ""
