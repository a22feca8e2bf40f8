"""Wrong labels on real photos: how many of those that were planted are found, and what else is suspected."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.photos import training_data
from pipeline.arrays import Array
from pipeline.backbones import backbone_named
from pipeline.features import Features, compute_features, held_out_part
from pipeline.head import held_out_losses
from pipeline.network import pretrained_network
from pipeline.pretrained.weights import find_weights
from pipeline.recipes import Recipe, recipe_named
from pipeline.runtime import mx
from pipeline.surroundings import Surroundings
from pipeline.suspects import out_of_fold_probabilities, suspects

# What people found when they looked at the photos: a plush toy, a shelter's logo, a drawing with a small dog.
KNOWN_ODD = (b"train/cat/0515.jpg", b"train/cat/0700.jpg", b"train/dog/0451.jpg")


def main(photos: Path, flips: int = 50, seeds: int = 10) -> None:
    """Print a table of what is found with planted wrong labels, and one of the suspects without any."""
    recipe = recipe_named("fast")
    features, classes = frozen_features(photos, recipe)
    print(f"{flips} of the labels of {len(features.images):,} training photos flipped, two classes.\n")
    print(
        "| seed | C | suspects | of these flipped | precision | recall "
        f"| precision = recall of the {flips} least probable labels "
        "| precision of labels below 1/2 | recall | seconds |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    shares = [measure(features, classes, recipe, flips, seed) for seed in range(seeds)]
    print("| mean | | | | " + " | ".join(f"{mean:.3f}" for mean in np.mean(shares, axis=0)) + " | |\n")
    print_clean(features, classes, recipe)


def frozen_features(photos: Path, recipe: Recipe) -> tuple[Features, tuple[str, ...]]:
    """Return the training photos' features of the recipe's backbone, and the names of the classes."""
    backbone = backbone_named(recipe.backbone)
    data = training_data(photos, backbone=recipe.backbone)
    around = Surroundings(mx.cpu(), 0, lambda: None)
    weights = find_weights(backbone, Path("weights"), download=False)
    network = pretrained_network(backbone, len(data.classes), weights, around.device, around.seed)
    features = compute_features(network, backbone.tail_start, replace(data, test=()), recipe, around)
    return features.train, data.classes


def judge(features: Features, recipe: Recipe, classes: int) -> tuple[float, Array]:
    """Return C, chosen as a run chooses it, and the out-of-fold probabilities, float64 (N, classes)."""
    held_out = held_out_part(features.images, recipe.validation_share)
    tried = held_out_losses(
        features.pooled, features.labels, held_out, classes, recipe.head_strengths, recipe.epochs
    )
    strength, _ = min(tried, key=lambda pair: pair[1])
    return strength, out_of_fold_probabilities(
        features.pooled, features.labels, classes,
        strength=strength, iterations=recipe.epochs, keys=keys_of(features),
    )  # fmt: skip


def keys_of(features: Features) -> list[str]:
    """Return the content hashes of the images."""
    return [image.sha256 for image in features.images]


def flipped(features: Features, classes: tuple[str, ...], flips: int, seed: int) -> tuple[Features, Array]:
    """Return the features with some labels of two classes flipped, and which, bool (N,)."""
    wrong = np.zeros(len(features.images), bool)
    wrong[np.random.default_rng(seed).choice(len(wrong), flips, replace=False)] = True
    labels = np.where(wrong, 1 - features.labels, features.labels)
    images = tuple(
        replace(image, label=classes[label]) for image, label in zip(features.images, labels, strict=True)
    )
    return replace(features, images=images, labels=labels), wrong


def measure(
    features: Features, classes: tuple[str, ...], recipe: Recipe, flips: int, seed: int
) -> tuple[float, ...]:
    """Plant wrong labels once, print the row of the table and return its shares."""
    started = time.perf_counter()
    noisy, wrong = flipped(features, classes, flips, seed)
    strength, probabilities = judge(noisy, recipe, len(classes))
    ranked = suspects(probabilities, noisy.images, classes)
    seconds = time.perf_counter() - started
    own = probabilities[np.arange(len(wrong)), noisy.labels]
    hashes = {suspect.sha256 for suspect in ranked}
    suspected = np.array([key in hashes for key in keys_of(noisy)])
    first = wrong[own.argsort()[:flips]].mean()
    shares = (*precision_recall(suspected, wrong), first, *precision_recall(own < 0.5, wrong))
    print(
        f"| {seed} | {strength:g} | {len(ranked)} | {int((suspected & wrong).sum())} | "
        + " | ".join(f"{share:.3f}" for share in shares)
        + f" | {seconds:.1f} |"
    )
    return shares


def precision_recall(suspected: Array, wrong: Array) -> tuple[float, float]:
    """Return the share of the suspected that are wrong, and the share of the wrong that are suspected."""
    return float(wrong[suspected].mean()), float(suspected[wrong].mean())


def print_clean(features: Features, classes: tuple[str, ...], recipe: Recipe) -> None:
    """Print the suspects among the labels as they are, and where the known odd photos rank."""
    strength, probabilities = judge(features, recipe, len(classes))
    ranked = suspects(probabilities, features.images, classes)
    print(f"Without any flip (C = {strength:g}): {len(ranked)} suspects.\n")
    print("| rank | photo | label | suggested | probability of its label | score |")
    print("|---|---|---|---|---|---|")
    for rank, suspect in enumerate(ranked, start=1):
        print(
            f"| {rank} | {suspect.path.decode()} | {suspect.label} | {suspect.suggested} "
            f"| {suspect.probability:.3f} | {suspect.score:.3f} |"
        )
    own = probabilities[np.arange(len(features.images)), features.labels]
    order = [features.images[position].path for position in own.argsort()]
    places = ", ".join(f"{path.decode()} {order.index(path) + 1}" for path in KNOWN_ODD if path in order)
    print(f"\nRanks of the known odd photos by the probability of their label: {places}.")
