"""What people see in the terminal of an exported model."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Console

from pipeline.disk import in_words
from pipeline.shown import shown

if TYPE_CHECKING:
    from jobs.export import Given
    from pipeline.parity import Parity

MOST_SHOWN = 10  # images that could not be read


def show_given(console: Console, given: "Given") -> None:
    """Print what was written, and how far an ONNX file is from MXNet."""
    opset = "" if given.opset is None else f", opset {given.opset}"
    lines = [f"run {given.run_id}: {given.file} ({in_words(given.size)}{opset})", f"SHA-256 {given.sha256}"]
    console.print("\n".join([*lines, *_measured(given)]), markup=False)


def _measured(given: "Given") -> Iterator[str]:
    measured = given.measured
    if measured is None:
        return
    of, unreadable = measured.network.images, given.unreadable
    yield f"compared with MXNet on {of:,} of {of + len(unreadable):,} {given.compared_on}"
    yield from (f"  {shown(path)}: {why}" for path, why in list(unreadable.items())[:MOST_SHOWN])
    if len(unreadable) > MOST_SHOWN:
        yield f"  and {len(unreadable) - MOST_SHOWN:,} more that cannot be read"
    yield f"  on the same pixels {_in_words(measured.network)}"
    if measured.pixels:
        pixels = measured.pixels
        yield (
            f"  resized pixels differ from Pillow's by at most {pixels.largest} of 255 "
            f"({pixels.differing:.2%} of them differ)"
        )
    if measured.whole:
        yield f"  from the image on {_in_words(measured.whole)}"


def _in_words(parity: "Parity") -> str:
    return (
        f"probabilities differ by at most {parity.probability_difference:.1e}, logits by "
        f"{parity.logit_difference:.1e} (the largest is {parity.largest_logit:.1f}); "
        f"the same class for {parity.same_class:,} of {parity.images:,}"
    )
