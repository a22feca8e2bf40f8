"""The same work in PyTorch: frozen features with a logistic head, and an epoch of full fine-tuning.

PyTorch and the original EfficientNet-Lite go into a virtual environment in a temporary folder, as in
`efficientnet_reference`. Both sides read the same prepared batch from memory, so only computing is compared;
PyTorch runs with its best settings on a CPU: channels last, and bfloat16 where autocast takes it.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
BATCH_SIZE, BATCHES, ROUNDS = 32, 2, 3
SIZE = 224


def main(_photos: Path, device: str = "cpu") -> None:
    """Print images per second of both, and the ratio, for each kind of work and precision."""
    from benchmarks.efficientnet_reference import make_environment

    with tempfile.TemporaryDirectory() as folder:
        torch_python = make_environment(Path(folder))
        ours: list[dict[str, float]] = []
        theirs: list[dict[str, float]] = []
        for _ in range(ROUNDS):
            ours.append(measured(sys.executable, "whisker", device))
            theirs.append(measured(str(torch_python), "torch", device))
    print(f"efficientnet_lite0, device {device}, batches of {BATCH_SIZE}; medians of {ROUNDS}, in turn.\n")
    print("| work | Whisker, images/s | PyTorch, images/s | ratio |")
    print("|---|---|---|---|")
    for name in theirs[0]:
        work = name.split(",")[0]
        speeds = [median(one[key] for one in side) for side, key in ((ours, work), (theirs, name))]
        ratio = median(a[work] / b[name] for a, b in zip(ours, theirs, strict=True))
        print(f"| {name} | {speeds[0]:.1f} | {speeds[1]:.1f} | {ratio:.2f} |")
    if device == "cpu":
        print("\nGPU: not measured.")


def measured(python: str, side: str, device: str) -> Any:
    """Return the images per second of each kind of work, by a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [python, "-W", "ignore", __file__, side, device],
        stdout=subprocess.PIPE, text=True, check=True, env=environment,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def images_per_second(step: Callable[[], object]) -> float:
    """Return the speed of a step over one batch, after one step that does not count."""
    step()
    started = time.perf_counter()
    for _ in range(BATCHES):
        step()
    return BATCHES * BATCH_SIZE / (time.perf_counter() - started)


def whisker(device: str) -> dict[str, float]:
    import numpy as np

    from pipeline.backbones import backbone_named
    from pipeline.engine import try_onnxruntime
    from pipeline.gradients import Gradients
    from pipeline.network import forward_of, scratch_network
    from pipeline.runtime import mx

    context = mx.gpu() if device == "gpu" else mx.cpu()
    network = scratch_network(backbone_named("efficientnet_lite0"), 2, context, 0)
    images = np.random.default_rng(0).standard_normal((BATCH_SIZE, 3, SIZE, SIZE)).astype(np.float32)
    network.features.hybridize()
    onnxruntime = None
    if device == "cpu":
        onnxruntime = try_onnxruntime(network.features, images, context, timed=False).forward
    features = onnxruntime or forward_of(network.features, context)
    trainer = mx.gluon.Trainer(network.collect_params(), "sgd", {"learning_rate": 0.002})
    gradients = Gradients(network, SIZE, context)
    targets = mx.nd.array([0, 1] * (BATCH_SIZE // 2), ctx=context)

    def train() -> None:
        gradients(mx.nd.array(images, ctx=context), targets)
        trainer.step(BATCH_SIZE)
        mx.nd.waitall()

    return {"frozen": images_per_second(lambda: features(images)), "training": images_per_second(train)}


def pytorch(device: str) -> dict[str, float]:
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    device = "cuda" if device == "gpu" else device
    network = EfficientNet.from_name("efficientnet-lite0", num_classes=2)
    network = network.to(device, memory_format=torch.channels_last)
    images = torch.randn(BATCH_SIZE, 3, SIZE, SIZE, device=device).to(memory_format=torch.channels_last)
    targets = torch.arange(BATCH_SIZE, device=device) % 2
    optimizer = torch.optim.SGD(network.parameters(), lr=0.002)

    def frozen() -> None:
        with torch.no_grad():
            network.extract_features(images).mean((2, 3)).sum().item()

    def train() -> None:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(images), targets)
        loss.backward()
        optimizer.step()
        loss.item()

    speeds = {}
    for precision in (torch.float32, torch.bfloat16):
        name = str(precision).removeprefix("torch.")
        with torch.autocast(device, dtype=torch.bfloat16, enabled=precision is torch.bfloat16):
            network.eval()
            speeds[f"frozen, PyTorch in {name}"] = images_per_second(frozen)
            network.train()
            speeds[f"training, PyTorch in {name}"] = images_per_second(train)
    return speeds


if __name__ == "__main__":
    print(json.dumps({"whisker": whisker, "torch": pytorch}[sys.argv[1]](sys.argv[2])))
