"""Recipes: named, complete sets of training settings."""

from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_type_hints

from pipeline.backbones import Backbone
from pipeline.did_you_mean import did_you_mean
from pipeline.errors import BadSettings, UnknownRecipe
from pipeline.precision import Precision
from pipeline.recipe_values import checked
from pipeline.records import Preprocessing

HEAD_ITERATIONS = 100  # of L-BFGS, at most


@dataclass(frozen=True)
class Recipe:
    """All settings of a fine-tuning run and of its baseline; stored whole with each run."""

    name: str
    backbone: str
    trains: Literal["head", "all layers", "head, then all layers"]
    epochs: int  # full passes over the images; for "head" the most iterations of its optimiser
    batch_size: int
    horizontal_flip: bool = False  # mirror half of the training images (only where all layers are trained)
    least_crop: float = 1.0  # train on a random part of each image, at least this share of it (as above)
    gradient_parts: int = 1  # compute a batch in so many parts, one after the other: less memory, more time
    center_crop: bool = False  # scale the short side and cut the centre, also where the backbone squashes
    test_time_flip: bool = False  # logits are means over an image and its mirror image, wherever it is judged

    # "all layers"
    precision: Precision = "float32"  # of computing; weights and judging are float32
    learning_rate: float = 0.002
    momentum: float = 0.0
    weight_decay: float = 0.0
    head_learning_rate_factor: float = 10.0  # the new last layer learns this much faster

    batch_norm_batches: int = 0  # average BatchNorm's statistics over so many before judging; 0: as they run

    # "head, then all layers": as "all layers" from the fitted head on, and besides
    warm_up_epochs: float = 1.0  # the rate rises for so long, then falls to 0 as half a cosine
    average_decay: float = 0.99  # judged and kept are averaged weights; so much of them stays at an update
    early_stop_epochs: int = 3  # end when so many epochs were no better on the held-out images; 0: never

    # "head", "head, then all layers": softmax regression on the frozen features
    head_strengths: tuple[float, ...] = (
        1e-4,
        3e-4,
        1e-3,
        3e-3,
        1e-2,
        3e-2,
        0.1,
        0.3,
        1.0,
    )  # C: 1 / L2 penalty
    validation_share: float = 0.2  # of the TRAINING images, for choosing C and judging what is trained then
    last_stage_epochs: int = 0  # "head" only; 0: the backbone stays frozen
    last_stage_learning_rate: float = 0.001
    last_stage_momentum: float = 0.9

    # the baseline: the same network, all parameters from Xavier
    baseline_epochs: int = 3  # 0: as many passes over the images as the fine-tuning makes
    baseline_batch_size: int = 12  # what decides the memory of a cycle, see docs/TRAINING.md
    baseline_learning_rate: float = 0.02
    baseline_momentum: float = 0.9
    baseline_batch_norm_batches: int = 16
    baseline_images: int = 0  # train it on so many images, drawn evenly from the classes; 0: on all
    baseline_reuse_growth: float = 0.2  # reuse it until the training images grew by this share

    @property
    def images_at_once(self) -> int:
        """How many images are in memory for one pass through the network: a part of a batch."""
        return -(-self.batch_size // self.gradient_parts)

    @property
    def head_iterations(self) -> int:
        """The most iterations of the head's optimiser."""
        return self.epochs if self.trains == "head" else HEAD_ITERATIONS


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="fast", backbone="efficientnet_lite0", trains="head", epochs=HEAD_ITERATIONS, batch_size=32,
        ),
        Recipe(
            name="classic", backbone="resnet18_v2", trains="all layers", epochs=20, batch_size=32,
            baseline_epochs=0, baseline_batch_size=32, baseline_learning_rate=0.05,
        ),
        Recipe(
            name="thorough", backbone="efficientnet_lite0", trains="head, then all layers", epochs=8,
            batch_size=12, horizontal_flip=True, least_crop=0.5, learning_rate=5e-5, momentum=0.9,
            head_learning_rate_factor=1.0,
        ),
    )
}  # fmt: skip


def recipe_named(name: str) -> Recipe:
    """Return the recipe of this name.

    Raises:
        UnknownRecipe: there is none; the message lists the names.
    """
    try:
        return RECIPES[name]
    except KeyError:
        raise UnknownRecipe(f"there is no recipe {name!r}; choose one of {', '.join(RECIPES)}") from None


def baseline_of(recipe: Recipe) -> Recipe:
    """Return the settings of the baseline: all layers from Xavier, at its own larger rate, all alike.

    What only the fine-tuning uses is left at its default, so that changing it costs no new baseline.
    """
    # A head is fitted on what one pass over the images gave.
    epochs = recipe.baseline_epochs or (1 if recipe.trains == "head" else recipe.epochs)
    return Recipe(
        name=recipe.name,
        backbone=recipe.backbone,
        trains="all layers",
        epochs=epochs,
        batch_size=recipe.baseline_batch_size,
        gradient_parts=recipe.gradient_parts,
        horizontal_flip=recipe.horizontal_flip,
        least_crop=recipe.least_crop,
        center_crop=recipe.center_crop,
        test_time_flip=recipe.test_time_flip,
        precision=recipe.precision,
        learning_rate=recipe.baseline_learning_rate,
        momentum=recipe.baseline_momentum,
        weight_decay=recipe.weight_decay,
        head_learning_rate_factor=1.0,
        batch_norm_batches=recipe.baseline_batch_norm_batches,
        baseline_batch_norm_batches=recipe.baseline_batch_norm_batches,
        baseline_epochs=epochs,
        baseline_batch_size=recipe.baseline_batch_size,
        baseline_learning_rate=recipe.baseline_learning_rate,
        baseline_momentum=recipe.baseline_momentum,
        baseline_images=recipe.baseline_images,
    )


def preprocessing_for(backbone: Backbone, recipe: Recipe) -> Preprocessing:
    """Return the backbone's preprocessing, with the centre crop if the recipe asks for it."""
    own = backbone.preprocessing
    return replace(own, resize="crop") if recipe.center_crop else own


def with_settings(recipe: Recipe, changes: dict[str, object], *, where: str) -> Recipe:
    """Return the recipe with some settings changed, each checked for its name, type and range.

    Args:
        recipe: what the changes apply to.
        changes: setting name -> value; numbers may also come as text.
        where: where the user wrote them, for the message.

    Raises:
        BadSettings: a name is unknown or a value does not fit.
    """
    known = {field.name for field in fields(Recipe)} - {"name", "trains"}
    for name in changes:
        if name not in known:
            question = did_you_mean(name, sorted(known))
            raise BadSettings(
                f"{where}: recipes have no setting {name!r}{question}; known are {', '.join(sorted(known))}"
            )
    hints = get_type_hints(Recipe)
    converted: dict[str, Any] = {
        name: checked(name, value, hints[name], where) for name, value in changes.items()
    }
    changed = replace(recipe, **converted)
    if problem := _contradiction(changed):
        raise BadSettings(f"{where}: {problem}")
    return changed


def _contradiction(recipe: Recipe) -> str | None:
    """Return which settings cannot go together, and why; None if all can."""
    if recipe.last_stage_epochs and recipe.test_time_flip:
        return (
            "test_time_flip and last_stage_epochs cannot go together: the last stage reads stored "
            "activations, of which there are none of mirror images; set one of the two"
        )
    if recipe.last_stage_epochs and recipe.trains == "head, then all layers":
        return f"last_stage_epochs is of no use to {recipe.name}, which trains all layers; leave it at 0"
    return None
