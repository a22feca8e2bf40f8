"""The JSON documents that other programs read; fields may be added, never renamed."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pipeline.differences import count_by_kind
from pipeline.records import Run, RunDetails, Snapshot, Suspect
from pipeline.shown import shown

if TYPE_CHECKING:  # listing runs must not import MXNet
    from jobs.cycle import Outcome
    from jobs.look import Look

Document = dict[str, Any]


def cycle_document(outcome: "Outcome") -> Document:
    """Return what `run-now` prints."""
    cycle = outcome.cycle
    if cycle is None:
        return {
            "cycle": None, "status": "nothing-new", "reason": outcome.look.reason,
            "snapshot": _snapshot(outcome.look.snapshot), "finetune": None, "scratch": None, "verdict": None,
            "report": None,
        }  # fmt: skip
    return {
        "cycle": cycle.id,
        "status": cycle.status,
        "snapshot": _snapshot(outcome.look.snapshot),
        "finetune": _details(cycle.finetune),
        "scratch": _details(cycle.scratch),
        "scratch_reused": cycle.scratch_reused,
        "verdict": asdict(cycle.verdict) if cycle.verdict else None,
        "report": str(outcome.report),
    }


def scan_document(look: "Look") -> Document:
    """Return what `scan` prints."""
    kinds = count_by_kind(look.changes)
    return {
        "images": len(look.snapshot.images),
        "new": kinds["added"],
        "changed": kinds["replaced"],
        "gone": kinds["removed"],
        "relabelled": kinds["relabelled"],
        "moved": kinds["moved"],
        "settling": len(look.scanned.settling),
        "quarantined": [{"path": shown(q.path), "reason": q.reason} for q in look.snapshot.quarantined],
        "would_run": look.would_run,
        "leaks": len(look.snapshot.leaks),
        "reason": look.reason,
        "rules": [asdict(rule) for rule in look.rules],
        "seconds": round(look.seconds, 3),
    }


def run_document(run: Run, *, epochs: bool) -> Document:
    """Return a run, with its epochs if asked for."""
    document = {
        "id": run.id,
        "cycle": run.cycle_id,
        "kind": run.kind,
        "status": run.status,
        "backbone": run.backbone,
        "recipe": run.recipe,
        "device": run.device,
        "started_at": run.started_at.isoformat(),
        "train_images": run.train_images,
        "test_images": run.test_images,
        "test_accuracy": run.test_accuracy,
        "test_log_loss": run.test_log_loss,
        "seconds": run.seconds,
        "images_per_second": run.images_per_second,
        "error": run.error,
    }
    return {**document, "epochs": [asdict(epoch) for epoch in run.epochs]} if epochs else document


def suspects_document(cycle_id: int | None, suspects: Sequence[Suspect]) -> Document:
    """Return what `suspects` prints."""
    return {"cycle": cycle_id, "suspects": [{**asdict(s), "path": shown(s.path)} for s in suspects]}


def show_document(details: RunDetails) -> Document:
    """Return what `show` prints: a run with its settings, environment, notes and files."""
    run = details.run
    return {
        **run_document(run, epochs=True),
        "seed": run.seed,
        "settings": dict(run.settings),
        "environment": dict(run.environment),
        "notes": list(run.notes),
        "artifacts": [asdict(artifact) for artifact in details.artifacts],
    }


def _details(details: RunDetails | None) -> Document | None:
    return run_document(details.run, epochs=True) if details else None


def _snapshot(snapshot: Snapshot) -> Document:
    return {
        "digest": snapshot.digest,
        "train": len(snapshot.part("train")),
        "test": len(snapshot.part("test")),
        "classes": list(snapshot.classes),
        "quarantined": len(snapshot.quarantined),
    }
