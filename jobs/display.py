"""What people see in the terminal: progress bars, tables, sentences."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from jobs.rules import in_words
from pipeline.differences import count_by_kind
from pipeline.intervals import wilson_interval
from pipeline.records import Run, RunDetails
from pipeline.shown import shown

if TYPE_CHECKING:
    from jobs.cycle import Outcome
    from jobs.decide_labels import Doubts
    from jobs.doctor import Check
    from jobs.look import Look
    from pipeline.evaluate import Progress as ShowProgress

MOST_SHOWN = 30  # rows of each kind


@contextmanager
def progress_bars(*, wanted: bool) -> Iterator["ShowProgress"]:
    """Give a function that shows progress on standard error; it shows nothing where that is no terminal."""
    console = Console(stderr=True)
    if not (wanted and console.is_terminal):
        yield lambda stage, done, total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                for finished in list(tasks):
                    bars.remove_task(tasks.pop(finished))
                tasks[stage] = bars.add_task(stage)
            bars.update(tasks[stage], completed=done, total=total or None)

        yield show


def show_look(console: Console, look: "Look", *, explain: bool) -> None:
    """Print what a scan found."""
    summary = look.summary
    console.print(
        f"{summary.total('train', 'test'):,} images of {len(summary.classes)} classes: "
        f"{in_words(count_by_kind(look.changes))}, "
        f"{len(look.scanned.settling):,} still being written, {len(summary.quarantined):,} in quarantine"
    )
    for problem in summary.quarantined if explain else summary.quarantined[:10]:
        console.print(Text(f"  {shown(problem.path)}: {problem.reason}"))
    if not explain and len(summary.quarantined) > 10:
        console.print(f"  and {len(summary.quarantined) - 10:,} more; --explain lists all")
    verb = "would start" if look.would_run else "would not start"
    console.print(Text(f"A cycle {verb}: {look.reason}."))
    for rule in look.rules if explain else ():
        console.print(Text(f"  {'yes' if rule.holds else 'no ':3} {rule.name}: {rule.sentence}"))


def runs_table(runs: Iterable[Run]) -> Table:
    """Return a table of runs."""
    table = Table(
        "run", "cycle", "kind", "status", "backbone", "recipe", "test accuracy", "log loss", "seconds"
    )
    for run in runs:
        table.add_row(
            str(run.id), str(run.cycle_id), run.kind, run.status, run.backbone, run.recipe,
            accuracy(run), _number(run.test_log_loss, 4), _number(run.seconds, 1),
        )  # fmt: skip
    return table


def accuracy(run: Run) -> str:
    """Return the test accuracy with its 95 % interval, in per cent."""
    if run.test_accuracy is None:
        return "-"
    low, high = wilson_interval(round(run.test_accuracy * run.test_images), run.test_images)
    return f"{run.test_accuracy:.1%} ({low:.1%} to {high:.1%})"


def show_run(console: Console, details: RunDetails) -> None:
    """Print one run: its result, its epochs, its settings."""
    run = details.run
    console.print(runs_table([run]))
    at = run.model_pruned_at
    removed = [f"its model was removed on {at:%Y-%m-%d} to save space"] if at else []
    for line in (*run.notes, *([run.error] if run.error else []), *removed):
        console.print(Text(f"  {line}"))
    epochs = Table("epoch", "phase", "train loss", "train accuracy", "test loss", "test accuracy", "seconds")
    for e in run.epochs:
        epochs.add_row(
            str(e.epoch), e.phase, f"{e.train_loss:.4f}", f"{e.train_accuracy:.4f}",
            f"{e.test_loss:.4f}", f"{e.test_accuracy:.4f}", f"{e.seconds:.2f}",
        )  # fmt: skip
    console.print(epochs)
    settings = Table("setting", "value")
    for name, value in {**run.settings, "seed": run.seed, **run.environment}.items():
        settings.add_row(name, Text(str(value)))
    console.print(settings)


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def show_outcome(console: Console, outcome: "Outcome", *, demo: bool) -> None:
    """Print what became of a cycle and where its report is."""
    cycle = outcome.cycle
    if cycle is None:
        console.print(Text(f"Nothing to do: {outcome.look.reason}."))
        return
    for title, details in (("fine-tune", cycle.finetune), ("from scratch", cycle.scratch)):
        if details is not None:
            console.print(f"{title}: test accuracy {accuracy(details.run)}, {details.run.seconds or 0:.0f} s")
    if cycle.verdict is not None:
        console.print(Text(f"{cycle.verdict.decision}: {cycle.verdict.reason}"))
    console.print(Text(f"report: {outcome.report or 'not written, see above; the next start writes it'}"))
    if demo:
        console.print(
            "The pictures were drawn by Whisker. Now your own, in folders such as photos/cat and photos/dog:"
        )
        console.print(Text("  python cli.py run-now --images photos"))


def show_checks(console: Console, checks: Iterable["Check"]) -> None:
    """Print what `doctor` found, a line each."""
    for check in checks:
        console.print(Text(f"{check.status:8} {check.name}: {check.message}"))


def show_doubts(console: Console, doubts: "Doubts", file: Path | None) -> None:
    """Print the conflicts and the most suspicious labels, or where all of them were written."""
    numbers = f"{len(doubts.conflicts):,} in conflict, {len(doubts.suspects):,} suspected"
    if file:
        console.print(Text(f"{numbers} in {file}: fill in the column decision, then relabel {file}"))
        return
    for conflict in doubts.conflicts[:MOST_SHOWN]:
        console.print(Text(f"  {shown(conflict.image.path)}: {conflict.reason}"))
    table = Table("image", "label", "probably", "probability of its label")
    for suspect in doubts.suspects[:MOST_SHOWN]:
        table.add_row(
            Text(shown(suspect.path)), suspect.label, suspect.suggested, f"{suspect.probability:.1%}"
        )
    console.print(table)
    console.print(f"{numbers}; --csv FILE writes all of them, to be decided on")
