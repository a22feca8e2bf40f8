"""The recipe `classic` as an ordinary user of Gluon would write it; what Whisker's speed is measured against.

    python -m benchmarks.plain_recipe FOLDER [BACKBONE] [EPOCHS] [WORKERS] [DEVICE] [IMAGES]

MXNet is imported first and as it is, so none of Whisker's settings of the process apply. Prints a JSON
document for each epoch (images per second, mean loss, accuracies), and last one with the peak memory.
IMAGES trains on so many images, drawn evenly; a network of the zoo starts from random weights, since its
file may not be there and speed does not depend on it.
"""

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import mxnet as mx
from mxnet.gluon.data.vision import ImageFolderDataset, transforms

BATCH_SIZE = 32


def main(
    folder: str,
    backbone: str = "resnet18_v2",
    epochs: int = 1,
    workers: int = 2,
    device: str = "cpu",
    images: int = 0,
) -> None:
    """Train on FOLDER/train and print the images per second and the test accuracy of each epoch."""
    context = mx.gpu() if device == "gpu" else mx.cpu()
    network, transform = (efficientnet if "efficientnet" in backbone else zoo_network)(backbone, context)
    network.hybridize()
    train = ImageFolderDataset(str(Path(folder) / "train"))
    if images:
        train.items = train.items[:: max(1, len(train.items) // images)][:images]
    test = ImageFolderDataset(str(Path(folder) / "test"))
    train_batches = loader(train, transform, workers, shuffle=True)
    test_batches = loader(test, transform, workers, shuffle=False)
    trainer = mx.gluon.Trainer(network.collect_params(), "sgd", {"learning_rate": 0.002})
    for epoch in range(1, epochs + 1):
        started = time.perf_counter()
        loss, accuracy = train_epoch(network, trainer, train_batches, context)
        speed = len(train) / (time.perf_counter() - started)
        tested = test_accuracy(network, test_batches, context) if not images else None
        report = {"epoch": epoch, "images_per_second": speed, "loss": loss, "train_accuracy": accuracy}
        print(json.dumps({**report, "test_accuracy": tested}), flush=True)
    print(json.dumps({"peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6}))


def zoo_network(name: str, context: Any) -> tuple[Any, Any]:
    """Return a network of Gluon's model zoo with a new last layer, and how its images are prepared."""
    pretrained = mx.gluon.model_zoo.vision.get_model(name)
    pretrained.initialize(mx.init.Xavier(), ctx=context)
    network = mx.gluon.model_zoo.vision.get_model(name, classes=2)
    network.features = pretrained.features
    network.output.initialize(mx.init.Xavier(), ctx=context)
    network.output.collect_params().setattr("lr_mult", 10)
    normalise = transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    return network, transforms.Compose([transforms.Resize(224), transforms.ToTensor(), normalise])


def efficientnet(name: str, context: Any) -> tuple[Any, Any]:
    """Return Whisker's port with its weights, and how its images are prepared."""
    from pipeline.backbones import backbone_named
    from pipeline.pretrained.weights import find_weights, load_pretrained

    backbone = backbone_named(name)
    network = backbone.build(2)
    load_pretrained(network, backbone, find_weights(backbone, Path("nowhere"), download=False), context)
    network.output.initialize(mx.init.Xavier(), ctx=context)
    network.output.collect_params().setattr("lr_mult", 10)
    wanted = backbone.preprocessing
    steps = [
        transforms.Resize(wanted.short_side, keep_ratio=True, interpolation=2),
        transforms.CenterCrop(wanted.size),
        transforms.ToTensor(),
        transforms.Normalize(wanted.mean, wanted.std),
    ]
    return network, transforms.Compose(steps)


def loader(dataset: Any, transform: Any, workers: int, *, shuffle: bool) -> Any:
    return mx.gluon.data.DataLoader(
        dataset.transform_first(transform), batch_size=BATCH_SIZE, shuffle=shuffle, num_workers=workers
    )


def train_epoch(network: Any, trainer: Any, batches: Any, context: Any) -> tuple[float, float]:
    """Make one pass; return the means of the batches' mean losses and accuracies, as the original does."""
    cross_entropy = mx.gluon.loss.SoftmaxCrossEntropyLoss()
    loss = accuracy = 0.0
    for images, labels in batches:
        images, labels = images.as_in_context(context), labels.as_in_context(context)
        with mx.autograd.record():
            outputs = network(images)
            losses = cross_entropy(outputs, labels)
        losses.backward()
        trainer.step(BATCH_SIZE)
        loss += losses.mean().asscalar()
        accuracy += right(outputs, labels) / len(labels)
    return loss / len(batches), accuracy / len(batches)


def test_accuracy(network: Any, batches: Any, context: Any) -> float:
    counts = [
        (right(network(images.as_in_context(context)), labels.as_in_context(context)), len(labels))
        for images, labels in batches
    ]
    return sum(count for count, _ in counts) / sum(images for _, images in counts)


def right(outputs: Any, labels: Any) -> float:
    return float((outputs.argmax(axis=1) == labels.astype("float32")).sum().asscalar())


if __name__ == "__main__":
    folder, *rest = sys.argv[1:]
    kinds = (str, int, int, str, int)
    main(folder, *(kind(value) for kind, value in zip(kinds, rest, strict=False)))
