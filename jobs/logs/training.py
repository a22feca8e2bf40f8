"""What a training says in the log."""

import logging

from pipeline.records import EpochMetrics, Evaluation, Findings, Note
from pipeline.train import TrainingEvent

log = logging.getLogger("whisker")


def log_event(run_id: int, event: TrainingEvent) -> None:
    """Write a line about one thing that a training yielded; suspects are the report's alone."""
    match event:
        case EpochMetrics(epoch=epoch, train_loss=loss, test_accuracy=accuracy):
            # The head's epochs pass within a second, so only those who ask for more see them.
            level = logging.DEBUG if event.phase == "head" else logging.INFO
            log.log(
                level, "run %d, epoch %d: train loss %.4f, test accuracy %.4f", run_id, epoch, loss, accuracy
            )
        case Note(text=text):
            log.info("run %d: %s", run_id, text)
        case Findings():
            log.info("run %d: %s", run_id, _in_words(event))
        case Evaluation():
            log.info("run %d: test accuracy %.4f, log loss %.4f", run_id, event.accuracy, event.log_loss)


def _in_words(findings: Findings) -> str:
    """Return the findings in one line."""
    low, high = min(findings.repeats), max(findings.repeats)
    words = [f"{len(findings.repeats)} repeats had test accuracies from {low:.4f} to {high:.4f}"]
    if findings.calibration:
        words.append(f"temperature {findings.calibration.temperature:.3f}")
    if findings.novelty:
        words.append(
            f"{findings.novelty.novel} of {findings.novelty.images} new images are unlike the others"
        )
    return ", ".join(words)
