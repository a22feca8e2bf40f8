"""Recipes: named, complete sets of training settings."""

from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

from pipeline.backbones import Backbone
from pipeline.did_you_mean import did_you_mean
from pipeline.errors import BadSettings, UnknownRecipe
from pipeline.precision import Precision
from pipeline.records import Preprocessing


@dataclass(frozen=True)
class Recipe:
    """All settings of a fine-tuning run and of its baseline; stored whole with each run."""

    name: str
    backbone: str
    trains: Literal["head", "all layers"]
    epochs: int  # full passes for "all layers"; the most iterations of the head's optimiser for "head"
    batch_size: int
    horizontal_flip: bool = False  # mirror half of the training images (only where all layers are trained)
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

    # "head": softmax regression on the frozen features
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
    validation_share: float = 0.2  # of the TRAINING images, for choosing C and judging the last stage
    last_stage_epochs: int = 0  # 0: the backbone stays frozen
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


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="fast", backbone="efficientnet_lite0", trains="head", epochs=100, batch_size=32,
            last_stage_epochs=0,
        ),
        Recipe(
            name="classic", backbone="resnet18_v2", trains="all layers", epochs=20, batch_size=32,
            baseline_epochs=0, baseline_batch_size=32, baseline_learning_rate=0.05,
        ),
    )
}  # fmt: skip

_AT_LEAST_ONE = {"epochs", "batch_size", "baseline_batch_size", "gradient_parts"}
_POSITIVE = {
    "learning_rate", "baseline_learning_rate", "last_stage_learning_rate", "head_learning_rate_factor",
}  # fmt: skip
_BELOW_ONE = {"momentum", "last_stage_momentum", "baseline_momentum", "validation_share"}


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
    epochs = recipe.baseline_epochs or (recipe.epochs if recipe.trains == "all layers" else 1)
    return Recipe(
        name=recipe.name,
        backbone=recipe.backbone,
        trains="all layers",
        epochs=epochs,
        batch_size=recipe.baseline_batch_size,
        gradient_parts=recipe.gradient_parts,
        horizontal_flip=recipe.horizontal_flip,
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
        name: _convert(name, value, hints[name], where) for name, value in changes.items()
    }
    changed = replace(recipe, **converted)
    if changed.last_stage_epochs and changed.test_time_flip:
        raise BadSettings(
            f"{where}: test_time_flip and last_stage_epochs cannot go together: the last stage reads stored "
            "activations, of which there are none of mirror images; set one of the two"
        )
    return changed


def _convert(name: str, value: object, hint: object, where: str) -> object:
    try:
        result = _typed(value, hint)
    except (TypeError, ValueError, KeyError, OverflowError):
        raise BadSettings(f"{where}: {name} = {value!r} is not {_in_words(hint)}") from None
    problem = _out_of_range(name, result)
    if problem:
        raise BadSettings(f"{where}: {name} = {value!r} {problem}")
    return result


def _typed(value: object, hint: object) -> object:
    if hint is bool:
        return (
            {"true": True, "false": False}[value.lower()] if isinstance(value, str) else _exactly(value, bool)
        )
    if hint is int:
        return int(value) if isinstance(value, str) else _exactly(value, int)
    if hint is float:
        return float(value if isinstance(value, str) else _number(value))
    if hint is str:
        return _exactly(value, str)
    if get_origin(hint) is Literal:
        return {choice: choice for choice in get_args(hint)}[value]
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(float(part) for part in parts)  # type: ignore[attr-defined]


def _exactly(value: object, kind: type) -> object:
    if type(value) is not kind:
        raise TypeError(kind)
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(value)
    return float(value)


def _out_of_range(name: str, value: object) -> str | None:
    """Return what is wrong with a value of the right type, None if it fits."""
    numbers = value if isinstance(value, tuple) else (value,)
    if not numbers:
        return "is empty"
    for number in numbers:
        if isinstance(number, str | bool):
            continue
        if not 0 <= number < float("inf"):
            return "is not a finite number of at least 0"
        if name in _AT_LEAST_ONE and number < 1:
            return "is not at least 1"
        if (name in _POSITIVE or isinstance(value, tuple)) and number == 0:
            return "is not greater than 0"
        if name in _BELOW_ONE and number >= 1:
            return "is not below 1"
    if name == "validation_share" and value == 0:
        return "is not greater than 0"
    return None


def _in_words(hint: object) -> str:
    if get_origin(hint) is Literal:
        return f"one of {', '.join(get_args(hint))}"
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    return words.get(hint, "a list of numbers")  # type: ignore[call-overload, no-any-return]
