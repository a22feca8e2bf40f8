"""`predict` over a folder against the same model in a plain loop over ONNX Runtime, in turn.

The plain loop is what one writes first: Pillow, one image after the other into batches of 32, default session
options. Both are processes of their own and write nothing but the number of answers; start-up counts.
"""

import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.timed import CLI, run_now, timed

TURNS = 3
PLAIN = """
import json, sys
from pathlib import Path
import numpy as np, onnxruntime
from PIL import Image
model, folder = Path(sys.argv[1]), Path(sys.argv[2])
how = json.loads((model / "model.json").read_text())["preprocessing"]
session = onnxruntime.InferenceSession(str(model / "network.onnx"))
mean, std, side, size = np.float32(how["mean"]), np.float32(how["std"]), how["short_side"], how["size"]
def read(path):
    image = Image.open(path).convert("RGB")
    scale = side / min(image.size)
    image = image.resize([round(x * scale) for x in image.size], Image.Resampling.BICUBIC)
    left, top = ((x - size) // 2 for x in image.size)
    pixels = np.asarray(image.crop((left, top, left + size, top + size)), np.float32)
    return ((pixels / 255 - mean) / std).transpose(2, 0, 1)
files = sorted(folder.rglob("*.jpg"))
answers = 0
for start in range(0, len(files), 32):
    images = np.stack([read(path) for path in files[start : start + 32]])
    answers += len(session.run(None, {"data": images})[0])
print(answers)
"""


def main(photos: Path) -> None:
    """Print a table with a row for each way."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name) / "home"
        _, result = run_now(home, photos, "--no-baseline")
        model = home / "models" / f"run-{result['finetune']['id']:04}"
        folder = photos / "train"
        ways = {
            "plain loop over ONNX Runtime": [sys.executable, "-c", PLAIN, model, folder],
            "predict": [sys.executable, CLI, "--home", home, "predict", "--format", "jsonl", folder],
        }
        taken: dict[str, list[float]] = {way: [] for way in ways}
        memory = dict.fromkeys(ways, 0.0)
        for way, command in list(ways.items()) * TURNS:
            done = timed(command)
            taken[way].append(done.seconds)
            memory[way] = max(memory[way], done.peak_mb)
    images = sum(1 for _ in folder.rglob("*.jpg"))
    print(f"{images:,} photos, EfficientNet-Lite0, medians of {TURNS} runs in turn, start-up included.\n")
    print("| way | images/s | ratio to the plain loop | peak memory |")
    print("|---|---|---|---|")
    plain = statistics.median(taken["plain loop over ONNX Runtime"])
    for way, seconds in taken.items():
        median = statistics.median(seconds)
        print(f"| {way} | {images / median:.0f} | {plain / median:.2f} | {memory[way]:,.0f} MB |")
