"""A published model that nobody had to train, with all that it says of itself."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.bundle import publish_model
from pipeline.model_facts import model_facts
from pipeline.pretrained.weights import WeightsFile
from pipeline.records import Calibration, Findings, Preprocessing, Run, RunDetails, Snapshot
from tests.db.samples import NOON, evaluation, snapshot
from tests.pipeline.training import lively_network, small_backbone

WEIGHTS = WeightsFile(Path("weights.pth"), "imported", "5" * 64)
RECIPE = {"name": "fast", "trains": "head", "epochs": 100, "last_stage_epochs": 0}


def run_of(snapshot: Snapshot, **changes: Any) -> Run:
    """Return a finished run on a snapshot."""
    known: dict[str, Any] = {
        "id": 1, "cycle_id": 1, "kind": "finetune", "status": "finished", "backbone": "mobilenet0.25",
        "recipe": "fast", "settings": RECIPE, "environment": {}, "device": "cpu", "seed": 7,
        "train_images": len(snapshot.part("train")), "test_images": len(snapshot.part("test")),
        "started_at": NOON, "seconds": 1.0, "images_per_second": 1.0, "error": None,
    }  # fmt: skip
    return Run(**(known | changes))


def facts_of(
    classes: Sequence[str] = ("cat", "dog"), *, weights: WeightsFile | None = WEIGHTS, **changes: Any
) -> dict[str, Any]:
    """Return what a model says of itself."""
    of = snapshot("abcdef", tuple(classes))
    findings = Findings(Calibration(1.25, 10, 0.5, 0.25))
    return model_facts(RunDetails(run_of(of, **changes), evaluation(of), findings=findings), of, weights)


FACTS = facts_of()


def publish(
    folder: Path,
    network: Any = None,
    *,
    classes: tuple[str, ...] = ("cat", "dog"),
    preprocessing: Preprocessing | None = None,
    temperature: float = 1.25,
    facts: dict[str, Any] = FACTS,
    test_time_flip: bool = False,
) -> Path:
    """Publish a network, a small one of random weights unless one is given; return its folder."""
    publish_model(
        lively_network() if network is None else network,
        folder,
        classes=classes,
        preprocessing=preprocessing or small_backbone().preprocessing,
        temperature=temperature,
        facts=facts,
        test_time_flip=test_time_flip,
    )
    return folder
