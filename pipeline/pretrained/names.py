"""How the parameters of a backbone are called in files: by Gluon, by whoever published it, or by timm."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Naming:
    """One way to call the parameters of a network."""

    whose: str
    features: Mapping[str, str]  # our structural name, such as features.0.weight -> the name in the file
    heads: tuple[tuple[str, str | None], ...]  # weight and bias of the last layer, by the names it may have


def gluon_namings(legacy_names: Mapping[str, str], stored: Collection[str]) -> tuple[Naming, ...]:
    """Return the names that Gluon gives: those of `save_parameters`, and older ones, as in ONNX files.

    `legacy_names` are the older ones by structural name, without the prefix of their network; that prefix is
    found out from the names that a file has, `stored`.
    """
    prefix = _prefix(tuple(legacy_names.values()), stored)
    return (
        Naming(
            "Gluon's",
            {name: name for name in legacy_names},
            (("output.weight", "output.bias"), ("output.0.weight", None)),
        ),
        Naming(
            "Gluon's older",
            {name: f"{prefix}{legacy}" for name, legacy in legacy_names.items()},
            ((f"{prefix}dense0_weight", f"{prefix}dense0_bias"), (f"{prefix}output_pred_weight", None)),
        ),
    )


def _prefix(legacy_names: tuple[str, ...], stored: Collection[str]) -> str:
    """Return what stands before the legacy names in a file, such as `resnetv22_`, or ""."""
    first = legacy_names[0]
    prefixes = {"", *(name.removesuffix(first) for name in stored if name.endswith(first))}
    return max(sorted(prefixes), key=lambda prefix: sum(f"{prefix}{name}" in stored for name in legacy_names))


def best_naming(namings: Collection[Naming], stored: Collection[str]) -> Naming:
    """Return the naming of which a file has the most names; the first of equals."""
    return max(namings, key=lambda naming: sum(name in stored for name in naming.features.values()))
