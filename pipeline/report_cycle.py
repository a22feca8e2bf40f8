"""All that a cycle's page shows, worked out from the records: its template only loops and formats."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.evaluation_tables import Mistake, confusion_matrix, errors_of
from pipeline.learning_curves import Panel, learning_curves
from pipeline.phases import curve_note
from pipeline.pictures import data_uri, filters_png
from pipeline.records import Cycle, NetworkStructure, Quarantined, Run, RunDetails, SnapshotSummary
from pipeline.report_comparison import Row, environment_rows, run_rows, setting_rows
from pipeline.report_notes import Note, notes_of
from pipeline.report_outcome import Badge, badges_of, headline, sentence
from pipeline.report_scores import Score, commonest, score_of
from pipeline.report_words import KINDS, shell_word

MOST_MISTAKES = 24
MOST_QUARANTINED = 50


@dataclass(frozen=True)
class Cell:
    """One field of a confusion matrix."""

    count: int
    share: float  # of its row, 0..1
    right: bool


@dataclass(frozen=True)
class Confusion:
    """Who was taken for whom by one run: a row for each true class."""

    name: str
    kind: str
    classes: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


@dataclass(frozen=True)
class ShownMistake:
    """A wrongly classified image; `picture` is a data: URI, or None if there is no thumbnail."""

    mistake: Mistake
    picture: str | None


@dataclass(frozen=True)
class DataRow:
    """How many images one class has."""

    label: str
    train: int
    test: int


@dataclass(frozen=True)
class Data:
    """What the cycle saw in the image folder."""

    digest: str
    rows: tuple[DataRow, ...]
    total: DataRow
    quarantined: tuple[Quarantined, ...]
    unlisted: int  # how many more are in quarantine


@dataclass(frozen=True)
class Network:
    """The layers of the fine-tuned network and the picture of its first filters."""

    structure: NetworkStructure
    parameters: int
    filters: str | None  # a data: URI


@dataclass(frozen=True)
class CyclePage:
    """Everything the template needs beside the cycle itself."""

    badges: tuple[Badge, ...]
    headline: str
    sentence: str
    seconds: float | None
    notes: tuple[Note, ...]
    scores: tuple[tuple[Run, Score | None], ...]  # None: the run was not tested
    tested: bool  # whether any run has a score
    guess: tuple[str, float] | None
    runs: tuple[RunDetails, ...]
    columns: tuple[str, ...]
    facts: tuple[Row, ...]
    curves: tuple[Panel, ...]
    curve_note: str
    confusions: tuple[Confusion, ...]
    mistakes: tuple[ShownMistake, ...] | None  # None if the fine-tune was not tested
    mistakes_in_all: int
    data: Data | None
    network: Network | None
    settings: tuple[Row, ...]
    environment: tuple[Row, ...]
    command: str


def cycle_page(cycle: Cycle) -> CyclePage:
    """Work out the page of a cycle that may have ended anywhere."""
    runs = tuple(details for details in (cycle.finetune, cycle.scratch) if details)
    trained = [details.run for details in runs]
    mistakes = _mistakes(cycle)
    scores = tuple((details.run, score_of(details)) for details in runs)
    return CyclePage(
        badges=badges_of(cycle),
        headline=headline(cycle),
        sentence=sentence(cycle),
        seconds=_seconds(cycle),
        notes=notes_of(cycle),
        scores=scores,
        tested=any(score for _, score in scores),
        guess=commonest(cycle.snapshot) if cycle.snapshot else None,
        runs=runs,
        columns=tuple(KINDS[run.kind] for run in trained),
        facts=run_rows(runs),
        curves=learning_curves(trained) if any(run.epochs for run in trained) else (),
        curve_note=curve_note(trained),
        confusions=_confusions(cycle),
        mistakes=None if mistakes is None else _with_pictures(mistakes[:MOST_MISTAKES], cycle.thumbnails),
        mistakes_in_all=len(mistakes or ()),
        data=_data(cycle.snapshot) if cycle.snapshot else None,
        network=_network(runs),
        settings=setting_rows(runs),
        environment=environment_rows(runs),
        command=_command(cycle.images_folder, trained[0]) if trained else "",
    )


def _seconds(cycle: Cycle) -> float | None:
    return (cycle.finished_at - cycle.started_at).total_seconds() if cycle.finished_at else None


def _confusions(cycle: Cycle) -> tuple[Confusion, ...]:
    if cycle.snapshot is None:
        return ()
    classes = cycle.snapshot.classes
    return tuple(
        Confusion(KINDS[details.run.kind], details.run.kind, classes, _confusion_rows(details, classes))
        for details in (cycle.finetune, cycle.scratch)
        if details and details.evaluation
    )


def _confusion_rows(
    details: RunDetails, classes: tuple[str, ...]
) -> tuple[tuple[str, tuple[Cell, ...]], ...]:
    matrix = confusion_matrix(details.evaluation, classes) if details.evaluation else ()
    return tuple(
        (
            classes[true],
            tuple(Cell(count, count / max(sum(row), 1), true == said) for said, count in enumerate(row)),
        )
        for true, row in enumerate(matrix)
    )


def _mistakes(cycle: Cycle) -> tuple[Mistake, ...] | None:
    if cycle.snapshot is None or cycle.finetune is None or cycle.finetune.evaluation is None:
        return None
    return errors_of(cycle.finetune.evaluation, cycle.snapshot.classes)


def _with_pictures(
    mistakes: tuple[Mistake, ...], thumbnails: Mapping[str, bytes]
) -> tuple[ShownMistake, ...]:
    pictures = (thumbnails.get(mistake.prediction.sha256) for mistake in mistakes)
    return tuple(
        ShownMistake(mistake, data_uri(picture, "image/jpeg") if picture else None)
        for mistake, picture in zip(mistakes, pictures, strict=True)
    )


def _data(snapshot: SnapshotSummary) -> Data:
    train, test = snapshot.counts.get("train", {}), snapshot.counts.get("test", {})
    rows = tuple(DataRow(label, train.get(label, 0), test.get(label, 0)) for label in snapshot.classes)
    return Data(
        digest=snapshot.digest,
        rows=rows,
        total=DataRow("all", sum(row.train for row in rows), sum(row.test for row in rows)),
        quarantined=snapshot.quarantined[:MOST_QUARANTINED],
        unlisted=max(0, len(snapshot.quarantined) - MOST_QUARANTINED),
    )


def _network(runs: tuple[RunDetails, ...]) -> Network | None:
    structure = next((details.structure for details in runs if details.structure), None)
    if structure is None:
        return None
    picture = filters_png(structure.filters)
    return Network(
        structure,
        sum(layer.parameters for layer in structure.layers),
        data_uri(picture, "image/png") if picture else None,
    )


def _command(folder: str, run: Run) -> str:
    words = ("--images", folder, "--recipe", run.recipe, "--backbone", run.backbone, "--device", run.device)
    return "cli.py run-now " + " ".join(word if word[:2] == "--" else shell_word(word) for word in words)
