"""The JSON documents that other programs read; fields may be added, never renamed."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.differences import count_by_kind
from pipeline.records import Cycle, Promotion, Run, RunDetails, SnapshotSummary
from pipeline.shown import shown

if TYPE_CHECKING:  # listing runs must not import MXNet
    from jobs.champion import Moved
    from jobs.compare_runs import Compared, Scored
    from jobs.cycle import Outcome
    from jobs.decide_labels import Doubts
    from jobs.export import Given
    from jobs.look import Look
    from pipeline.conflicts import Conflict

Document = dict[str, Any]


def cycle_document(outcome: "Outcome") -> Document:
    """Return what `run-now` prints."""
    cycle = outcome.cycle
    if cycle is None:
        return {
            "cycle": None, "status": "nothing-new", "reason": outcome.look.reason,
            "held_back": outcome.held_back,
            "snapshot": _snapshot(outcome.look.summary), "finetune": None, "scratch": None, "verdict": None,
            "report": None,
        }  # fmt: skip
    return {
        "cycle": cycle.id,
        "status": cycle.status,
        "snapshot": _snapshot(outcome.look.summary),
        "finetune": _details(cycle.finetune),
        "scratch": _details(cycle.scratch),
        "scratch_reused": cycle.scratch_reused,
        "verdict": _verdict(cycle),
        "report": None if outcome.report is None else str(outcome.report),
    }


def scan_document(look: "Look") -> Document:
    """Return what `scan` prints."""
    kinds = count_by_kind(look.changes)
    return {
        "images": look.summary.total("train", "test"),
        "new": kinds["added"],
        "changed": kinds["replaced"],
        "gone": kinds["removed"],
        "relabelled": kinds["relabelled"],
        "moved": kinds["moved"],
        "settling": len(look.scanned.settling),
        "quarantined": [{"path": shown(q.path), "reason": q.reason} for q in look.summary.quarantined],
        "would_run": look.would_run,
        "leaks": look.leaks,
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
        "model_pruned_at": None if run.model_pruned_at is None else run.model_pruned_at.isoformat(),
    }
    return {**document, "epochs": [asdict(epoch) for epoch in run.epochs]} if epochs else document


def suspects_document(doubts: "Doubts") -> Document:
    """Return what `suspects` prints."""
    return {
        "cycle": doubts.cycle_id,
        "suspects": [{**asdict(s), "path": shown(s.path)} for s in doubts.suspects],
        "conflicts": [_conflict(conflict) for conflict in doubts.conflicts],
    }


def show_document(details: RunDetails) -> Document:
    """Return what `show` prints: a run with its settings, environment, notes and files."""
    run = details.run
    return {
        **_tested_run(details),
        "seed": run.seed,
        "settings": dict(run.settings),
        "environment": dict(run.environment),
        "notes": list(run.notes),
        "artifacts": [asdict(artifact) for artifact in details.artifacts],
    }


def _conflict(conflict: "Conflict") -> Document:
    return {
        "sha256": conflict.image.sha256,
        "paths": sorted(shown(copy.path) for copy in conflict.copies),
        "labels": list(conflict.labels),
        "suggested": conflict.suggested,
        "reason": conflict.reason,
    }


def champion_document(
    details: RunDetails | None, folder: Path | None, history: Sequence[Promotion]
) -> Document:
    """Return what `champion` prints: the run, since when, and every change, the newest first."""
    return {
        "champion": details.run.id if details else None,
        "since": history[0].at.isoformat() if history else None,
        "model": str(folder) if folder else None,
        "run": _details(details),
        "history": [
            {
                "id": promotion.id,
                "run": promotion.run_id,
                "at": promotion.at.isoformat(),
                "source": promotion.source,
                "reason": promotion.reason,
            }
            for promotion in history
        ],
    }


def moved_document(moved: "Moved", folder: Path) -> Document:
    """Return what `promote` and `rollback` print."""
    return {
        "champion": moved.run_id,
        "before": moved.before,
        "source": moved.source,
        "reason": moved.reason,
        "model": str(folder),
        "passed_over": list(moved.passed_over),
    }


def compared_document(compared: "Compared") -> Document:
    """Return what `compare` prints."""
    comparison = compared.comparison
    return {
        "before": _scored(compared.before),
        "after": _scored(compared.after),
        "images": comparison.images,
        "left_out": compared.left_out,
        "newly_right": len(comparison.fixed),
        "newly_wrong": len(comparison.broken),
        "p_value": comparison.p_value,
        "gain": asdict(comparison.gain),
        "log_loss_change": asdict(comparison.log_loss_change),
        "report": str(compared.page),
    }


def export_document(given: "Given") -> Document:
    """Return what `export` prints; what was measured is null for `--format params`."""
    measured = given.measured
    return {
        "run": given.run_id,
        "format": given.form,
        "file": str(given.file),
        "bytes": given.size,
        "sha256": given.sha256,
        "opset": given.opset,
        "compared_on": given.compared_on or None,
        "unreadable": [{"path": shown(path), "reason": why} for path, why in given.unreadable.items()],
        "parity": asdict(measured.network) if measured else None,
        "parity_with_preprocessing": asdict(measured.whole) if measured and measured.whole else None,
        "pixels": asdict(measured.pixels) if measured and measured.pixels else None,
    }


def _scored(scored: "Scored") -> Document:
    """Return a run on the shared images; its `test_accuracy` stays that on its own test images."""
    return {
        **_tested_run(scored.details),
        "shared_accuracy": asdict(scored.accuracy),
        "shared_log_loss": scored.log_loss,
    }


def _verdict(cycle: Cycle) -> Document | None:
    if cycle.verdict is None:
        return None
    wins = cycle.verdict.decision in ("first", "promote")
    promoted = wins and cycle.finetune is not None and cycle.champion_id == cycle.finetune.run.id
    return {**asdict(cycle.verdict), "promoted": promoted}


def _details(details: RunDetails | None) -> Document | None:
    return _tested_run(details) if details else None


def _tested_run(details: RunDetails) -> Document:
    return {**run_document(details.run, epochs=True), "temperature": details.findings.temperature}


def _snapshot(summary: SnapshotSummary) -> Document:
    return {
        "digest": summary.digest,
        "train": summary.total("train"),
        "test": summary.total("test"),
        "classes": list(summary.classes),
        "quarantined": len(summary.quarantined),
    }
