"""How far an exported model is from MXNet on the test photos, and how long an export takes.

The network is that of `fast`; what is printed is what `export` measures each time.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.timed import CLI, run_now, timed

FORMS = {
    "`params`": ("--format", "params"),
    "`onnx`": ("--format", "onnx"),
    "`onnx`, with the preprocessing inside": ("--format", "onnx", "--with-preprocessing"),
}


def main(photos: Path) -> None:
    """Print a table with a row for each form."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name) / "home"
        run_now(home, photos, "--no-baseline")
        print("| form | MB | seconds | probabilities differ by | logits differ by | the same class |")
        print("|---|---|---|---|---|---|")
        for form, words in FORMS.items():
            done = timed([sys.executable, CLI, "--home", home, "--json", "export", *words, "--output", name])
            given = json.loads(done.output)
            parity = given["parity_with_preprocessing"] or given["parity"]
            print(f"| {form} | {given['bytes'] / 1e6:.1f} | {done.seconds:.1f} | {_in_cells(parity)} |")
    pixels = given["pixels"]
    print(
        f"\nResized inside of the file, values of pixels differ from Pillow's by at most {pixels['largest']} "
        f"of 255 on {pixels['images']:,} photos; {pixels['differing']:.2%} of them differ."
    )


def _in_cells(parity: dict[str, Any] | None) -> str:
    if parity is None:
        return "the same files | the same files | all"
    return (
        f"{parity['probability_difference']:.1e} | {parity['logit_difference']:.1e} "
        f"(largest {parity['largest_logit']:.1f}) | {parity['same_class']:,} of {parity['images']:,}"
    )
