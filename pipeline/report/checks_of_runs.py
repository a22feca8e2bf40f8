"""What a reader must know of how a cycle's runs were made before believing their numbers."""

from collections.abc import Iterator, Mapping
from math import isfinite

from pipeline.budgets import still_improving
from pipeline.records import (
    SAME_NUMBERS,
    WENT_ON,
    Cycle,
    EpochMetrics,
    Run,
    RunDetails,
    SnapshotSummary,
)
from pipeline.report.scores import train_images_of
from pipeline.report.verdict_check import Check, Level
from pipeline.report.words import KINDS, counted

MOST_NAMED = 4


def checks_of_runs(cycle: Cycle) -> Iterator[Check]:
    """Yield what is to be said of the runs, their surroundings, and the baseline."""
    yield from _endings(cycle)
    yield from _finite_losses([details.run for details in (cycle.finetune, cycle.scratch) if details])
    if cycle.finetune:
        yield from _environment(cycle.finetune.run, cycle.previous)
        yield from _device(cycle.finetune.run)
    yield from _baseline(cycle)


def _endings(cycle: Cycle) -> Iterator[Check]:
    for details in (cycle.finetune, cycle.scratch):
        # The cycle's own error stands at the top of the page already.
        if details and details.run.status in {"failed", "interrupted"} and details.run.error != cycle.error:
            run = details.run
            ending = "failed" if run.status == "failed" else "was interrupted"
            text = f"{KINDS[run.kind]}: the run {ending}: {run.error or 'no reason is known'}"
            yield Check("bad" if run.kind == "finetune" else "look", f"The run {ending}", text, "runs")
        if details:
            yield from _cut_off(details.run)


def _cut_off(run: Run) -> Iterator[Check]:
    """Say that a run was cut off and went on, and whether its numbers may be others for that reason."""
    for note in (note for note in run.notes if note.startswith(WENT_ON)):
        level: Level = "good" if note.endswith(SAME_NUMBERS) else "look"
        yield Check(level, "Cut off", f"{KINDS[run.kind]}: the run {note}.", "runs")


def _finite_losses(runs: list[Run]) -> Iterator[Check]:
    epochs = [(run, epoch) for run in runs for epoch in run.epochs]
    if not epochs:
        return
    broken = next(((run, epoch) for run, epoch in epochs if not _is_finite(epoch)), None)
    if broken is None:
        text = f"Every loss and accuracy of {counted(len(epochs), 'epoch')} is a finite number."
        yield Check("good", "Numbers", text, "curves")
        return
    run, epoch = broken
    text = (
        f"{KINDS[run.kind]}: the numbers of epoch {epoch.epoch} are not finite (not a number, or infinite), "
        "so the training has gone astray; choose a smaller learning rate."
    )
    yield Check("bad", "Numbers", text, "curves")


def _is_finite(epoch: EpochMetrics) -> bool:
    return all(map(isfinite, (epoch.train_loss, epoch.train_accuracy, epoch.test_loss, epoch.test_accuracy)))


# ---------------------------------------------------------------- surroundings


def _environment(run: Run, previous: Cycle | None) -> Iterator[Check]:
    if previous is None or previous.finetune is None:
        return
    changed = list(_changed(previous.finetune.run.environment, run.environment))
    if not changed:
        text = f"Versions, device and processor are those of cycle {previous.id}."
        yield Check("good", "Environment", text, "settings")
        return
    more = f" and {len(changed) - MOST_NAMED} more" if len(changed) > MOST_NAMED else ""
    text = f"Something else than the images has changed since cycle {previous.id}: "
    text += f"{'; '.join(changed[:MOST_NAMED])}{more}."
    yield Check("look", "Environment changed", text, "settings")


def _changed(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*before, *after}):
        was, now = before.get(name, "none"), after.get(name, "none")
        if was != now:
            yield f"{name} from {was} to {now}"


def _device(run: Run) -> Iterator[Check]:
    """Warn of a run on the CPU although the GPU build of MXNet is installed; that is what it is for."""
    has_gpu_build = any(name.startswith("mxnet-cu") for name in run.environment)
    if run.device == "cpu" and has_gpu_build and (why := run.environment.get("device note")):
        text = f"Trained on the CPU, since no GPU could be used: {why}"
        yield Check("look", "Device", text, "settings")


# ---------------------------------------------------------------- the baseline


def _baseline(cycle: Cycle) -> Iterator[Check]:
    if cycle.scratch is None:
        if cycle.status == "finished":
            text = "No baseline: this cycle did not train from scratch, so there is nothing to compare with."
            yield Check("look", "Baseline", text, "runs")
        return
    run = cycle.scratch.run
    yield from _where_from(run, cycle)
    # A baseline that went astray had not trained out; another check says so.
    if run.status == "finished" and (not run.epochs or isfinite(run.epochs[-1].test_loss)):
        yield _trained_enough(run)
    if cycle.finetune and not _same_test(cycle.finetune, cycle.scratch):
        text = "The two runs were not tested on the same images, so compare them with care."
        yield Check("look", "Baseline tested", text, "runs")


def _where_from(run: Run, cycle: Cycle) -> Iterator[Check]:
    of = train_images_of(cycle.snapshot) if cycle.snapshot else run.train_images
    fewer = run.train_images != of
    if cycle.scratch_reused:
        yield Check("look" if fewer else "good", "Baseline used again", _reused(run, cycle.snapshot), "runs")
    elif run.train_images < of:
        yield Check("look", "Baseline on a part", _on_a_part(run, of), "runs")


def _reused(run: Run, snapshot: SnapshotSummary | None) -> str:
    text = f"The baseline is run {run.id} of cycle {run.cycle_id}, used again, not trained anew."
    if snapshot is None or run.train_images == (now := train_images_of(snapshot)):
        return text
    return f"{text} It was trained on {counted(run.train_images, 'image')}; this cycle has {now:,d}."


def _on_a_part(run: Run, of: int) -> str:
    setting = " (setting baseline_images)" if run.settings.get("baseline_images") else ""
    return f"The baseline was trained on a part: {run.train_images:,d} of {of:,d} training images{setting}."


def _trained_enough(run: Run) -> Check:
    passes = counted(len(run.epochs), "epoch")
    if still_improving(run):
        text = (
            f"The baseline was still getting better when it ended after {passes}, so more training "
            "would narrow the gap to the fine-tune."
        )
        return Check("look", "Baseline under-trained", text, "curves")
    text = f"The baseline had stopped getting better when it ended after {passes}."
    return Check("good", "Baseline trained out", text, "curves")


def _same_test(one: RunDetails, other: RunDetails) -> bool:
    if one.evaluation is None or other.evaluation is None:
        return one.run.test_images == other.run.test_images
    seen = [
        {p.sha256 for p in details.evaluation.predictions} for details in (one, other) if details.evaluation
    ]
    return seen[0] == seen[1]
