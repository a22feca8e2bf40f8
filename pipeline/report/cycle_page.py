"""All that a cycle's page shows, worked out from the records: its templates only loop and format."""

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.records import Cycle, Run, RunDetails
from pipeline.report.changes import Changes, changes_of
from pipeline.report.checks import checks_of
from pipeline.report.data import Data, data_of
from pipeline.report.leaks import Leaks, leaks_of
from pipeline.report.novelty import Novelties, novelty_of
from pipeline.report.outcome import Badge, badges_of, headline, sentence
from pipeline.report.quality import Quality, quality_of
from pipeline.report.scores import Score, commonest, score_of
from pipeline.report.suspects import Suspects, suspects_of
from pipeline.report.training import Training, training_of
from pipeline.report.verdict_check import Check
from pipeline.report.words import KINDS


@dataclass(frozen=True)
class Section:
    """A part of the page below the checks."""

    id: str  # also the name of its template
    title: str  # in the list of contents


OF_RUNS = (
    Section("champion", "Champion"),
    Section("turned", "Newly wrong and right"),
    Section("mistakes", "Mistakes"),
    Section("confusion", "Confusion"),
    Section("classes", "Classes"),
    Section("ranking", "ROC"),
    Section("calibration", "Calibration"),
    Section("coverage", "Reject below"),
    Section("arrivals", "Arrivals"),
    Section("runs", "Runs"),
    Section("curves", "Learning curves"),
    Section("data-curve", "More data"),
)
OF_DATA = (
    Section("novelty", "Novelty"),
    Section("suspects", "Suspicious labels"),
    Section("leaks", "Leaks"),
    Section("changes", "Changes"),
)
NETWORK = Section("network", "Network")
OF_MAKING = (Section("settings", "Settings"), Section("reproduce", "Reproduce"))


@dataclass(frozen=True)
class Head:
    """What stands at the top: how the cycle ended, and how good its models are."""

    headline: str
    sentence: str
    seconds: float | None
    scores: tuple[tuple[str, Run, Score | None], ...]  # by name; None: the run was not tested
    tested: bool  # whether any run has a score
    guess: tuple[str, float] | None  # the commonest class and its share


@dataclass(frozen=True)
class CyclePage:
    """Everything the templates need beside the cycle itself."""

    badges: tuple[Badge, ...]
    head: Head
    checks: tuple[Check, ...]
    sections: tuple[Section, ...]  # in their order on the page
    quality: Quality
    training: Training
    novelty: Novelties | None
    suspects: Suspects
    leaks: Leaks
    changes: Changes
    data: Data | None


def cycle_page(cycle: Cycle) -> CyclePage:
    """Work out the page of a cycle that may have ended anywhere."""
    training = training_of(cycle)
    return CyclePage(
        badges=badges_of(cycle),
        head=_head(cycle),
        checks=checks_of(cycle),
        sections=tuple(_sections(cycle, training)),
        quality=quality_of(cycle),
        training=training,
        novelty=novelty_of(cycle),
        suspects=suspects_of(cycle),
        leaks=leaks_of(cycle),
        changes=changes_of(cycle),
        data=data_of(cycle.snapshot) if cycle.snapshot else None,
    )


def _sections(cycle: Cycle, training: Training) -> Iterator[Section]:
    """Yield the sections that say something; in one that a run has not filled stands why."""
    if training.columns:
        yield from OF_RUNS
    if cycle.snapshot:
        yield from OF_DATA
    yield Section("data", "Data")
    if training.network:
        yield NETWORK
    if training.columns:
        yield from OF_MAKING


def _head(cycle: Cycle) -> Head:
    runs: tuple[RunDetails, ...] = tuple(details for details in (cycle.finetune, cycle.scratch) if details)
    scores = tuple((KINDS[details.run.kind], details.run, score_of(details)) for details in runs)
    return Head(
        headline=headline(cycle),
        sentence=sentence(cycle),
        seconds=(cycle.finished_at - cycle.started_at).total_seconds() if cycle.finished_at else None,
        scores=scores,
        tested=any(score for _, _, score in scores),
        guess=commonest(cycle.snapshot) if cycle.snapshot else None,
    )
