"""Reading what is measured from RESULTS.md."""

import re
from itertools import islice
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")


def section(results: str, name: str) -> str:
    """Return what a measurement has printed."""
    found = re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", results, re.MULTILINE | re.DOTALL)
    assert found is not None, f"RESULTS.md has no {name}: run `python -m benchmarks {name}`"
    return found[1]


def cell(results: str, name: str, row: str, column: int, after: str = "") -> str:
    """Return a cell of the first row with that beginning, without commas."""
    text = section(results, name)
    text = text[text.index(after) :]
    (cells,) = islice((_cells(at) for at in text.splitlines() if at.startswith(f"| {row} |")), 1)
    return cells[column].replace(",", "")


def facts(results: str, cycle: str, row: str, column: int) -> float:
    """Return a fact that `scale` has printed of a cycle; -3 is the largest number of images."""
    return float(cell(results, "scale", row, column, after=f"Of the {cycle} cycle"))


def phases(results: str, cycle: str) -> list[str]:
    """Return the phases of a cycle that `scale` has measured."""
    text = section(results, "scale")
    text = text[text.index(f"Of the {cycle} cycle") :].partition("\nOf the ")[0]
    rows = [_cells(row)[0] for row in text.splitlines() if row.startswith("| seconds: ")]
    return [row.removeprefix("seconds: ") for row in rows if "others could" not in row]


def numbers_of_images(results: str) -> list[int]:
    """Return for how many images `scale` has measured."""
    head = next(_cells(at) for at in section(results, "scale").splitlines() if at.startswith("| seconds |"))
    return [int(number.replace(",", "")) for number in head[1:-2]]


def largest(results: str) -> int:
    """Return the largest number of images that was measured."""
    return numbers_of_images(results)[-1]


def _cells(row: str) -> list[str]:
    return [part.strip() for part in row.strip().strip("|").split("|")]
