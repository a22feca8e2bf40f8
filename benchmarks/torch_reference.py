"""Make tests/data/torch/: logits of torchvision's and timm's networks, and small files that PyTorch wrote.

    python benchmarks/torch_reference.py

PyTorch, torchvision and timm go into a virtual environment in a temporary folder. The networks get weights
that are drawn from the names of their parameters, so that the tests can make the same without PyTorch.
"""

import importlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
TARGET = REPOSITORY / "tests" / "data" / "torch"
MORE = ("torchvision==0.28.0", "timm==1.0.20")
CLASSES = 10
OPERATORS: list[Any] = []  # PyTorch forgets a library that nobody holds
SIZES = {"tf_efficientnet_lite0": 224, "tf_efficientnet_lite1": 240, "tf_efficientnet_lite2": 260}


def main() -> None:
    from benchmarks.efficientnet_reference import make_environment

    TARGET.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        python = make_environment(Path(folder), *MORE)
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        subprocess.run([python, __file__, "--in-environment"], check=True, env=environment)
    print(f"wrote {TARGET}")


def write_all() -> None:
    networks = {
        **{f"resnet{depth}_tv": torchvision_logits(depth) for depth in (18, 34, 50, 152)},
        **{name.removeprefix("tf_"): timm_logits(name, size) for name, size in SIZES.items()},
    }
    document = {"how": "benchmarks/torch_reference.py", "with": versions(), "logits": networks}
    (TARGET / "logits.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    write_small_files()


def versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("torch", "torchvision", "timm")}


def import_torchvision() -> Any:
    """Import torchvision, also where its compiled part is for another PyTorch: nothing here uses it."""
    import torch

    try:
        return importlib.import_module("torchvision")
    except RuntimeError:  # it describes operators that are not there
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        OPERATORS.append(library)
        return importlib.import_module("torchvision")


def torchvision_logits(depth: int) -> list[float]:
    torchvision = import_torchvision()
    return logits(getattr(torchvision.models, f"resnet{depth}")(num_classes=CLASSES), 224)


def timm_logits(name: str, size: int) -> list[float]:
    import timm

    return logits(timm.create_model(name, num_classes=CLASSES), size)


def logits(network: Any, size: int) -> list[float]:
    import torch

    from benchmarks.drawn_weights import drawn_weights, noise_images

    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    weights = {name: torch.from_numpy(array) for name, array in drawn_weights(shapes).items()}
    network.load_state_dict(weights)
    network.eval()
    with torch.no_grad():
        return [float(f"{value:.7g}") for value in network(torch.from_numpy(noise_images(size)))[0]]


def write_small_files() -> None:
    """Write one state dict in both formats of `torch.save`, with all that its tensors may be."""
    import torch

    torch.manual_seed(1)
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, bias=False), torch.nn.BatchNorm2d(4))
    state = network.state_dict()  # an OrderedDict with an attribute of its own
    numbers = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    state["transposed"] = numbers.T
    state["part"] = numbers[1:3, 2:5]
    state["half"] = numbers.half()
    state["parameter"] = torch.nn.Parameter(numbers)
    torch.save(state, TARGET / "zip.pth")
    torch.save(state, TARGET / "legacy.pth", _use_new_zipfile_serialization=False)
    values = {name: tensor.tolist() for name, tensor in state.items()}
    (TARGET / "values.json").write_text(json.dumps(values) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if "--in-environment" in sys.argv:
        write_all()
    else:
        main()
