"""What people see in the terminal of the champion, and of two runs beside each other."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from jobs.display import accuracy
from pipeline.records import Promotion, RunDetails
from pipeline.shown import shown

if TYPE_CHECKING:
    from jobs.compare_runs import Compared
    from pipeline.paired import Estimate

SOURCES = {"cycle": "verdict of a cycle", "promote": "promoted by hand", "rollback": "rolled back by hand"}


def show_champion(console: Console, details: RunDetails | None, history: Sequence[Promotion]) -> None:
    """Print which run predicts, since when, and every change of champion, the newest first."""
    if details is None:
        console.print("No run is the champion yet; run-now trains one.")
        return
    run, newest = details.run, history[0]
    console.print(
        f"Run {run.id} ({run.kind} of {run.backbone}) is the champion since {newest.at:%Y-%m-%d %H:%M} UTC: "
        f"test accuracy {accuracy(run)}"
    )
    table = Table("since (UTC)", "run", "how", "reason")
    for promotion in history:
        at = f"{promotion.at:%Y-%m-%d %H:%M}"
        reason = Text(shown(promotion.reason))
        table.add_row(at, str(promotion.run_id), SOURCES[promotion.source], reason)
    console.print(table)


def show_compared(console: Console, compared: "Compared") -> None:
    """Print how two runs differ on the test images that both were tested on."""
    comparison = compared.comparison
    console.print(f"{comparison.images:,} test images that both runs were tested on")
    if compared.left_out:
        console.print(f"  {compared.left_out:,} more were tested by only one of the two, and are left out")
    for scored in (compared.before, compared.after):
        share = scored.accuracy
        console.print(
            f"run {scored.details.run.id}: accuracy {share.value:.2%} ({share.low:.2%} to {share.high:.2%}), "
            f"log loss {scored.log_loss:.4f}"
        )
    console.print(
        f"newly right {len(comparison.fixed):,}, newly wrong {len(comparison.broken):,} "
        f"(p = {comparison.p_value:.2g})"
    )
    console.print(f"gain in accuracy {_in_points(comparison.gain)} percentage points")
    change = comparison.log_loss_change
    console.print(
        f"change of log loss {change.value:+.4f} ({change.low:+.4f} to {change.high:+.4f}); below 0 is better"
    )
    console.print(Text(f"report: {compared.page}"))


def _in_points(estimate: "Estimate") -> str:
    return f"{estimate.value * 100:+.2f} ({estimate.low * 100:+.2f} to {estimate.high * 100:+.2f})"
