"""The one shape that every network here has: a backbone's `features`, then a new `output` layer."""

from typing import Any

from pipeline.runtime import mx

nn = mx.gluon.nn


class ImageClassifier(mx.gluon.HybridBlock):  # type: ignore[misc]
    """Images (N, 3, size, size), float32 and normalised, to logits (N, classes).

    `features` is a HybridSequential that ends in (N, F), `output` a Dense layer. The structural names of
    the parameters (`features.0.weight`) are those of Gluon's model zoo, whatever the backbone.
    """

    def __init__(self, features: Any, classes: int, prefix: str) -> None:
        super().__init__(prefix=prefix)
        self.features = features
        with self.name_scope():
            self.output = nn.Dense(classes)

    def hybrid_forward(self, F, x):  # type: ignore[no-untyped-def]  # noqa: N803 (Gluon's own name)
        """Return the logits (N, classes)."""
        return self.output(self.features(x))


def assemble(features: Any, classes: int, size: int, prefix: str) -> ImageClassifier:
    """Return an uninitialised classifier whose parameters know their whole shapes, for size x size images."""
    network = ImageClassifier(features, classes, prefix)
    network.infer_shape(mx.nd.zeros((1, 3, size, size)))
    return network


def build_zoo_network(name: str, size: int, classes: int, *, prefix: str | None = None) -> ImageClassifier:
    """Return an uninitialised classifier on the features of Gluon's model zoo network `name`.

    Of the zoo's network only `features` is kept: its output is not a Dense layer everywhere, and for
    some the features end in (N, F, 1, 1). What is added has no parameters, so pretrained files still fit.
    """
    prefix = prefix or f"{name}_"
    features = mx.gluon.model_zoo.vision.get_model(name, prefix=prefix).features
    return assemble(flattened(features), classes, size, prefix)


def flattened(features: Any) -> Any:
    """Return features of the zoo's form with an output (N, F), by a last layer that has no parameters."""
    if not isinstance(features[-1], nn.Flatten):
        with features.name_scope():
            features.add(nn.Flatten())
    return features
