"""What a reader must know before believing a cycle's numbers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pipeline.records import Cycle, Run, RunDetails, SnapshotSummary
from pipeline.report_data import LeftOut, left_out
from pipeline.report_scores import Score, score_of, train_images_of
from pipeline.report_words import KINDS, counted, interval

FEW_TEST_IMAGES = 200


@dataclass(frozen=True)
class Note:
    """One sentence at the top of the page."""

    level: Literal["warning", "note"]
    text: str
    section: str = ""  # the id of the section that tells more


def notes_of(cycle: Cycle) -> tuple[Note, ...]:
    """Return the warnings first, then the notes."""
    found = [*_about_data(cycle), *_about_baseline(cycle), *_about_runs(cycle)]
    return tuple(sorted(found, key=lambda note: note.level != "warning"))


def _about_data(cycle: Cycle) -> Iterator[Note]:
    if cycle.snapshot:
        yield from _about_files(left_out(cycle.snapshot.quarantined))
        yield from _about_leaks(len(cycle.leaks))
    score = score_of(cycle.finetune)
    if score and score.images < FEW_TEST_IMAGES:
        yield Note("warning", _few_images(score))


def _about_files(out: LeftOut) -> Iterator[Note]:
    if number := len(out.unusable):
        verb = "is" if number == 1 else "are"
        text = f"{counted(number, 'file')} cannot be used and {verb} in quarantine, see Data."
        yield Note("warning", text, "data")
    if number := len(out.two_classes):
        verb, are = ("shows", "is") if number == 1 else ("show", "are")
        text = f"{counted(number, 'file')} {verb} a picture that is under two classes and {are} left out"
        yield Note("warning", f"{text}, see Data.", "data")


def _about_leaks(number: int) -> Iterator[Note]:
    if number:
        verb, was = ("shows", "was") if number == 1 else ("show", "were")
        text = (
            f"{counted(number, 'training image')} {verb} the same picture as a test image and {was} left out."
        )
        yield Note("warning", text, "leaks")


def _few_images(score: Score) -> str:
    span = interval(score.low, score.high)
    return f"Only {counted(score.images, 'test image')}: the true accuracy may well be anywhere from {span}."


def _about_baseline(cycle: Cycle) -> Iterator[Note]:
    if cycle.scratch is None:
        if cycle.status == "finished":
            yield Note(
                "note",
                "No baseline: this cycle did not train from scratch, so there is nothing to compare with.",
            )
        return
    if cycle.scratch_reused:
        yield Note("note", _reused(cycle.scratch.run, cycle.snapshot))
    elif cycle.snapshot and cycle.scratch.run.train_images < (of := train_images_of(cycle.snapshot)):
        yield Note("note", _on_a_part(cycle.scratch.run, of))
    if cycle.finetune and not _same_test(cycle.finetune, cycle.scratch):
        yield Note("warning", "The two runs were not tested on the same images, so compare them with care.")


def _reused(run: Run, snapshot: SnapshotSummary | None) -> str:
    text = f"The baseline is run {run.id} of cycle {run.cycle_id}, used again, not trained anew."
    if snapshot is None or run.train_images == (now := train_images_of(snapshot)):
        return text
    return f"{text} It was trained on {counted(run.train_images, 'image')}; this cycle has {now:,d}."


def _on_a_part(run: Run, of: int) -> str:
    setting = " (setting baseline_images)" if run.settings.get("baseline_images") else ""
    return f"The baseline was trained on a part: {run.train_images:,d} of {of:,d} training images{setting}."


def _same_test(one: RunDetails, other: RunDetails) -> bool:
    if one.evaluation is None or other.evaluation is None:
        return one.run.test_images == other.run.test_images
    seen = [
        {p.sha256 for p in details.evaluation.predictions} for details in (one, other) if details.evaluation
    ]
    return seen[0] == seen[1]


def _about_runs(cycle: Cycle) -> Iterator[Note]:
    for details in (cycle.finetune, cycle.scratch):
        if details is None:
            continue
        run = details.run
        # The cycle's own error stands at the top of the page already.
        if run.status in {"failed", "interrupted"} and run.error != cycle.error:
            ending = "failed" if run.status == "failed" else "was interrupted"
            yield Note("warning", f"{KINDS[run.kind]}: the run {ending}: {run.error or 'no reason is known'}")
    if cycle.finetune:
        yield from _about_device(cycle.finetune.run)


def _about_device(run: Run) -> Iterator[Note]:
    """Warn of a run on the CPU although the GPU build of MXNet is installed; that is what it is for."""
    has_gpu_build = any(name.startswith("mxnet-cu") for name in run.environment)
    if run.device == "cpu" and has_gpu_build and (why := run.environment.get("device note")):
        yield Note("warning", f"Trained on the CPU, since no GPU could be used: {why}")
