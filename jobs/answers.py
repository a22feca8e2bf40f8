"""Write what a classifier says of files as text, one file at a time, in the form that was asked for."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from pipeline.predict import Answer
from pipeline.shown import shown

Form = Literal["human", "csv", "jsonl", "json"]
UNSURE = "unsure"  # instead of a class, where the most probable one is below the bound


def as_text(
    answers: Iterable[Answer], run_id: int | None, classes: Sequence[str], form: Form, reject_below: float
) -> Iterator[str]:
    """Yield all answers as text, as they come.

    Args:
        answers: read lazily.
        run_id: of the network that gave them; None: it is not known.
        classes: in the order of the probabilities.
        form: a line for each file, but "json", which is one document.
        reject_below: an answer whose highest probability is below it is marked as rejected.
    """
    rows = (row(answer, classes, reject_below) for answer in answers)
    match form:
        case "human":
            yield from (_sentence(answer, classes, reject_below) for answer in answers)
        case "csv":
            yield from _csv(rows, classes)
        case "jsonl":
            yield from (f"{json.dumps(fields)}\n" for fields in rows)
        case "json":
            yield f'{{"run": {json.dumps(run_id)}, "predictions": ['
            yield from (f"{',' if i else ''}\n  {json.dumps(fields)}" for i, fields in enumerate(rows))
            yield "\n]}\n"


def best(answer: Answer, classes: Sequence[str]) -> tuple[str, float]:
    """Return the most probable class and its probability; the first of equal ones."""
    probability = max(answer.probabilities)
    return classes[answer.probabilities.index(probability)], probability


def row(answer: Answer, classes: Sequence[str], reject_below: float) -> dict[str, Any]:
    """Return an answer as the fields that programs read."""
    path = _text(answer.path)
    if answer.error is not None:
        return {"path": path, "error": answer.error}
    label, probability = best(answer, classes)
    probabilities = dict(zip(classes, answer.probabilities, strict=True))
    fields = {"path": path, "label": label, "probability": probability, "probabilities": probabilities}
    return {**fields, "rejected": probability < reject_below} if reject_below else fields


def _text(path: bytes) -> str:
    """Return a path as it is where it is UTF-8, else with escapes, since these forms have no bytes."""
    try:
        return path.decode()
    except UnicodeDecodeError:
        return shown(path)


def _sentence(answer: Answer, classes: Sequence[str], reject_below: float) -> str:
    if answer.error is not None:
        return f"{'error':10}          {shown(answer.path)}: {answer.error}\n"
    label, probability = best(answer, classes)
    if probability < reject_below:
        label = f"{UNSURE} ({label})"
    return f"{label:10} {probability:8.2%} {shown(answer.path)}\n"


def _csv(rows: Iterable[dict[str, Any]], classes: Sequence[str]) -> Iterator[str]:
    columns = ["path", "label", "probability", *(f"p({label})" for label in classes), "rejected", "error"]
    yield _csv_line(columns)
    for fields in rows:
        each = fields.get("probabilities", {})
        probabilities = [f"{each[label]:.6f}" if label in each else "" for label in classes]
        probability = f"{fields['probability']:.6f}" if "probability" in fields else ""
        rejected = ("yes" if fields["rejected"] else "no") if "rejected" in fields else ""
        yield _csv_line(
            [
                fields["path"],
                fields.get("label", ""),
                probability,
                *probabilities,
                rejected,
                fields.get("error", ""),
            ]
        )


def _csv_line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
