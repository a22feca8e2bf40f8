"""All that a cycle's page shows, worked out from the records: its template only loops and formats."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.evaluation_tables import Mistake, confusion_matrix, errors_of
from pipeline.learning_curves import Panel, learning_curves
from pipeline.phases import curve_note
from pipeline.pictures import data_uri, filters_png, thumbnail_uri
from pipeline.records import Cycle, NetworkStructure, Run, RunDetails
from pipeline.report_changes import Changes, changes_of
from pipeline.report_command import command_of
from pipeline.report_comparison import Row, environment_rows, run_rows, setting_rows
from pipeline.report_data import Data, data_of
from pipeline.report_leaks import Leaks, leaks_of
from pipeline.report_notes import Note, notes_of
from pipeline.report_outcome import Badge, badges_of, headline, sentence
from pipeline.report_scores import Score, commonest, score_of
from pipeline.report_suspects import Suspects, suspects_of
from pipeline.report_words import KINDS

MOST_MISTAKES = 24


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
    suspects: Suspects
    leaks: Leaks
    changes: Changes
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
        suspects=suspects_of(cycle),
        leaks=leaks_of(cycle),
        changes=changes_of(cycle),
        data=data_of(cycle.snapshot) if cycle.snapshot else None,
        network=_network(runs),
        settings=setting_rows(runs),
        environment=environment_rows(runs),
        command=command_of(cycle.images_folder, trained[0]) if trained else "",
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
    return tuple(
        ShownMistake(mistake, thumbnail_uri(thumbnails, mistake.prediction.sha256)) for mistake in mistakes
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
