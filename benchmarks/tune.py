"""What `tune` finds, against the recipe as it is: on held-out training images, then once on test images."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.timed import CLI, run_now, timed

MINUTES = 4


def main(photos: Path) -> None:
    """Print what the search was, and a row for the recipe as it is and for the best trial."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        words = ["tune", "--images", photos, "--minutes", MINUTES]
        done = timed([sys.executable, CLI, "--home", home, "--json", *words])
        found = json.loads(done.output)
        _print_search(found, done.seconds)
        print("\n| settings | search: log loss | confirmation: log loss | test accuracy | test log loss |")
        print("|---|---|---|---|---|")
        for title, trial in {"as it is": 0, "best": found["best"]}.items():
            tried = found["trials"][trial]
            options = _options(tried) if trial else ()
            _, cycle = run_now(home, photos, "--no-baseline", *options)
            _print_row(f"{title}: {_settings(tried)}", tried, _confirmed(found, title), cycle["finetune"])
        print(
            f"\nThe verdict of the second cycle: {cycle['verdict']['decision']}, {cycle['verdict']['reason']}"
        )


def _print_search(found: Any, seconds: float) -> None:
    endings = [trial["ending"] for trial in found["trials"][1:]]
    print(
        f"{len(endings)} trials in {seconds:.0f} s, {endings.count('given up')} given up early, "
        f"{endings.count('diverged')} diverged: {found['status']}."
    )
    if confirmed := found["confirmation"]:
        change = confirmed["log_loss_change"]
        print(
            f"\nChange of the log loss on {confirmed['images']} images that the search had not seen: "
            f"{change['value']:.4f} (95 % interval {change['low']:.4f} to {change['high']:.4f})."
        )


def _options(tried: Any) -> list[str]:
    """Return the options of `run-now` that set what a trial had."""
    settings = {"head_strengths": tried["head_strengths"][0], "last_stage_epochs": tried["last_stage_epochs"]}
    if tried["last_stage_epochs"]:
        settings["last_stage_learning_rate"] = tried["last_stage_learning_rate"]
    return [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]


def _settings(tried: Any) -> str:
    strengths, epochs = tried["head_strengths"], tried["last_stage_epochs"]
    head = f"C = {strengths[0]:g}" if len(strengths) == 1 else f"C from {len(strengths)}"
    stage = f"{epochs} epochs at {tried['last_stage_learning_rate']:g}" if epochs else "frozen"
    return f"{head}, last stage {stage}"


def _confirmed(found: Any, title: str) -> Any:
    confirmed = found["confirmation"]
    return confirmed["before" if title == "as it is" else "after"] if confirmed else None


def _print_row(settings: str, tried: Any, confirmed: Any, run: Any) -> None:
    search, later = (_interval(trial["log_loss"]) if trial else "-" for trial in (tried, confirmed))
    accuracy, loss = run["test_accuracy"], run["test_log_loss"]
    print(f"| {settings} | {search} | {later} | {accuracy:.4f} | {loss:.4f} |", flush=True)


def _interval(estimate: Any) -> str:
    return f"{estimate['value']:.4f} ({estimate['low']:.4f} to {estimate['high']:.4f})"
