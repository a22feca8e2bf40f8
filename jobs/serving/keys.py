"""Which key decides for which class."""

from collections.abc import Sequence

TAKEN = frozenset("ejkux")  # by the pages, see look-over.js


def keys_of(classes: Sequence[str]) -> dict[str, str]:
    """Return a key for each class: its first letter where that is its own, else a digit; "" beyond 9."""
    initials = [label[:1].lower() for label in classes]
    return {
        label: initial if _is_own(initial, initials) else str(number) if number <= 9 else ""
        for number, (label, initial) in enumerate(zip(classes, initials, strict=True), start=1)
    }


def _is_own(initial: str, initials: Sequence[str]) -> bool:
    is_letter = initial.isascii() and initial.isalpha()
    return is_letter and initial not in TAKEN and initials.count(initial) == 1
