"""All that the index page shows: the champion, the cycles, and how accuracy went over time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from pipeline.records import Cycle, Promotion, PromotionSource
from pipeline.report.outcome import Badge, badges_of
from pipeline.report.plots import Measured, history_plot
from pipeline.report.scores import Score, score_of
from pipeline.report.words import counted, percent
from pipeline.shown import cycle_page_name

SOURCES: dict[PromotionSource, str] = {
    "cycle": "verdict of a cycle",
    "promote": "by hand",
    "rollback": "rollback by hand",
}
MOST_DRAWN = 200  # cycles in the plot, the newest; more bars could not be told apart
FEW_PROMOTIONS = 5  # are shown at once, the older ones when somebody asks


@dataclass(frozen=True)
class CycleRow:
    """One line of the list of cycles."""

    id: int
    page: str
    run_id: int | None  # of the fine-tune
    scratch_id: int | None  # of the baseline that was trained in this cycle
    badges: tuple[Badge, ...]
    started_at: datetime
    finetune: Score | None
    scratch: Score | None
    train: int | None
    test: int | None
    is_champion: bool
    error: str | None


@dataclass(frozen=True)
class PromotionRow:
    """One change of champion; `cycle` is the one that trained the run, if it is in the list."""

    run_id: int
    cycle: CycleRow | None
    score: Score | None  # of the run there
    at: datetime
    source: str
    reason: str


@dataclass(frozen=True)
class IndexPage:
    """Everything the template of the index needs."""

    champion_id: int | None
    champion: CycleRow | None  # the cycle that trained the champion, if it is in the list
    champion_score: Score | None  # there
    newest_promotions: tuple[PromotionRow, ...]  # newest first
    older_promotions: tuple[PromotionRow, ...]
    rows: tuple[CycleRow, ...]  # newest first
    finding: str
    plot: Markup | None
    drawn: int  # cycles in the plot, the newest


def index_page(
    cycles: Sequence[Cycle], champion_id: int | None, promotions: Sequence[Promotion] = ()
) -> IndexPage:
    """Work out the index of all cycles and promotions, in whatever order they come."""
    oldest_first = sorted(cycles, key=lambda cycle: cycle.id)
    rows = tuple(_row(cycle, champion_id) for cycle in reversed(oldest_first))
    by_run = _by_run(rows)
    champion, champion_score = (None, None) if champion_id is None else by_run.get(champion_id, (None, None))
    changes = sorted(promotions, key=lambda promotion: promotion.id, reverse=True)
    history = tuple(_promotion_row(change, by_run) for change in changes)
    finding = _finding([row for row in rows if row.finetune])
    return IndexPage(
        champion_id=champion_id,
        champion=champion,
        champion_score=champion_score,
        newest_promotions=history[:FEW_PROMOTIONS],
        older_promotions=history[FEW_PROMOTIONS:],
        rows=rows,
        finding=finding,
        plot=_plot(oldest_first[-MOST_DRAWN:], history, f"Test accuracy over time. {finding}"),
        drawn=min(len(rows), MOST_DRAWN),
    )


def _by_run(rows: Sequence[CycleRow]) -> dict[int, tuple[CycleRow | None, Score | None]]:
    """Return the cycle of each run and its score; a person can make a baseline the champion, too."""
    runs = [(row.run_id, row, row.finetune) for row in rows]
    runs += [(row.scratch_id, row, row.scratch) for row in rows]
    return {run_id: (row, score) for run_id, row, score in runs if run_id is not None}


def _promotion_row(
    promotion: Promotion, by_run: Mapping[int, tuple[CycleRow | None, Score | None]]
) -> PromotionRow:
    cycle, score = by_run.get(promotion.run_id, (None, None))
    return PromotionRow(
        run_id=promotion.run_id,
        cycle=cycle,
        score=score,
        at=promotion.at,
        source=SOURCES[promotion.source],
        reason=promotion.reason,
    )


def _row(cycle: Cycle, champion_id: int | None) -> CycleRow:
    counts = cycle.snapshot.counts if cycle.snapshot else None
    run_id = cycle.finetune.run.id if cycle.finetune else None
    scratch_id = cycle.scratch.run.id if cycle.scratch and not cycle.scratch_reused else None
    return CycleRow(
        id=cycle.id,
        page=cycle_page_name(cycle.id),
        run_id=run_id,
        scratch_id=scratch_id,
        badges=badges_of(cycle),
        started_at=cycle.started_at,
        finetune=score_of(cycle.finetune, cycle.snapshot),
        scratch=score_of(cycle.scratch, cycle.snapshot),
        train=sum(counts.get("train", {}).values()) if counts else None,
        test=sum(counts.get("test", {}).values()) if counts else None,
        is_champion=champion_id is not None and champion_id in {run_id, scratch_id},
        error=cycle.error,
    )


def _finding(tested: Sequence[CycleRow]) -> str:
    if not tested:
        return "No cycle has a tested model yet."
    newest, oldest = tested[0].finetune, tested[-1].finetune
    assert newest is not None
    assert oldest is not None
    if len(tested) == 1:
        return f"One cycle was tested: {percent(newest.accuracy)}."
    return (
        f"From {percent(oldest.accuracy)} in cycle {tested[-1].id} to {percent(newest.accuracy)} "
        f"in cycle {tested[0].id}, over {counted(len(tested), 'tested cycle')}."
    )


def _plot(cycles: Sequence[Cycle], history: Sequence[PromotionRow], title: str) -> Markup | None:
    finetune = [_measured(cycle.started_at, score_of(cycle.finetune, cycle.snapshot)) for cycle in cycles]
    # A baseline that is used again was measured once, so it is drawn once.
    scratch = [
        _measured(cycle.started_at, score_of(cycle.scratch, cycle.snapshot))
        for cycle in cycles
        if not cycle.scratch_reused
    ]
    drawn = {cycle.id for cycle in cycles}
    champions = {
        row.run_id: _measured(row.cycle.started_at, row.score)
        for row in history
        if row.cycle and row.cycle.id in drawn
    }
    marks = [champions[run_id] for run_id in sorted(champions)]
    return history_plot("history", title, *([p for p in of if p] for of in (finetune, scratch, marks)))


def _measured(at: datetime, score: Score | None) -> Measured | None:
    return Measured(at, score.accuracy, score.low, score.high) if score else None
