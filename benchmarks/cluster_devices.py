"""A training step by one context on the CPU, by one with a batch in parts, and by several contexts.

Several contexts stand for several GPUs: the code is the same, and the processor is still one.
"""

from collections.abc import Callable
from statistics import median

import numpy as np

from benchmarks.steps import BATCH_SIZE, SIZE, images_per_second
from benchmarks.whisker_recipe import network_of
from pipeline.device import Device
from pipeline.gradients import Gradients
from pipeline.runtime import mx
from pipeline.sharing import Sharing, sharing_of

BACKBONE = "resnet18_v2"
WAYS = {  # name -> device, parts of each device's share
    "`cpu`": ("cpu", 1),
    "`cpu`, `gradient_parts = 2`": ("cpu", 2),
    "`cpu:0,1`": ("cpu:0,1", 1),
}


def main(rounds: int = 3) -> None:
    """Print the images per second of each way, and each one's share of the first."""
    steps = {name: step(sharing_of(Device(device)), parts) for name, (device, parts) in WAYS.items()}
    speeds: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(rounds):
        for name, one in steps.items():
            speeds[name].append(images_per_second(one))
    first, *_ = speeds.values()
    print(f"{BACKBONE}, batches of {BATCH_SIZE}, medians of {rounds} measurements in turn.\n")
    print("| device | images/s | against `cpu` |")
    print("|---|---|---|")
    for name, found in speeds.items():
        ratio = median(one / other for one, other in zip(found, first, strict=True))
        print(f"| {name} | {median(found):.1f} | {ratio:.2f} |")
    print()


def step(sharing: Sharing, parts: int) -> Callable[[], None]:
    """Return a function that makes one update of all layers and waits for its end."""
    network = network_of(BACKBONE, sharing.contexts)
    pixels = np.random.default_rng(0).standard_normal((BATCH_SIZE, 3, SIZE, SIZE)).astype(np.float32)
    targets = np.array([0, 1] * (BATCH_SIZE // 2), np.float32)
    trainer = sharing.trainer(network.collect_params(), {"learning_rate": 0.002})
    gradients = Gradients(network, SIZE, sharing.contexts[0], parts=parts * sharing.devices)

    def make_step() -> None:
        for part, device in sharing.parts(BATCH_SIZE, sharing.part_size(BATCH_SIZE // parts)):
            gradients(mx.nd.array(pixels[part], ctx=device), mx.nd.array(targets[part], ctx=device))
        gradients.update(trainer, BATCH_SIZE)
        mx.nd.waitall()

    return make_step
