"""Cycles as the database would give them: realistic, failed, hostile. The same bytes on each call."""

from dataclasses import replace
from datetime import timedelta

from pipeline.records import (
    Cycle,
    RunDetails,
    Verdict,
)
from tests.pipeline.example_data import (
    CHANGE_COUNTS,
    data_thumbnails,
    example_changes,
    example_leak,
    example_leaks,
    example_suspects,
)
from tests.pipeline.example_runs import (
    STARTED,
    example_details,
    example_epochs,
    example_run,
    example_snapshot,
    example_thumbnails,
)

NOTHING_FOUND: dict[str, object] = {
    "changes": (),
    "change_counts": {},
    "leaks": (),
    "suspects": (),
    "mended": 0,
    "thumbnails": {},
}


def finished_cycle(**changes: object) -> Cycle:
    """Return a cycle whose model was promoted."""
    cycle = Cycle(
        id=7,
        status="finished",
        images_folder="/srv/photos",
        started_at=STARTED,
        finished_at=STARTED + timedelta(seconds=694),
        error=None,
        snapshot=example_snapshot(),
        finetune=example_details("finetune", 13),
        scratch=example_details("scratch", 14),
        scratch_reused=False,
        verdict=Verdict(
            "promote",
            "On the same 400 test images it mends 9 mistakes of run 11 and makes 2 new ones (p = 0.033).",
        ),
        champion_id=13,
        changes=example_changes(),
        change_counts=CHANGE_COUNTS,
        leaks=example_leaks(),
        suspects=example_suspects(),
        mended=12,
        thumbnails={**example_thumbnails(), **data_thumbnails()},
    )
    return replace(cycle, **changes)  # type: ignore[arg-type]


def failed_cycle() -> Cycle:
    """Return a cycle that failed before it had a snapshot."""
    return finished_cycle(
        id=5,
        status="failed",
        error="class 'cat' has no readable image in photos/train/cat; add images or remove the folder",
        snapshot=None,
        finetune=None,
        scratch=None,
        verdict=None,
        champion_id=None,
        **NOTHING_FOUND,
    )


def interrupted_cycle() -> Cycle:
    """Return a cycle that a signal stopped after four epochs of its first run."""
    run = example_run(
        "finetune",
        9,
        status="interrupted",
        error="stopped by a signal; all finished epochs are kept",
        epochs=example_epochs("finetune")[:4],
        seconds=None,
        images_per_second=None,
        test_accuracy=None,
        test_log_loss=None,
    )
    return finished_cycle(
        id=6,
        status="interrupted",
        error="stopped by a signal; all finished epochs are kept",
        finetune=RunDetails(run),
        scratch=None,
        verdict=None,
        champion_id=4,
        suspects=(),
        thumbnails={},
    )


def cycle_cut_off_in_its_baseline() -> Cycle:
    """Return a cycle whose model was promoted before a signal stopped the baseline in its third epoch."""
    stopped = "stopped by a signal; all finished epochs are kept"
    run = example_run(
        "scratch",
        14,
        status="interrupted",
        error=stopped,
        epochs=example_epochs("scratch")[:2],
        images_per_second=None,
        test_accuracy=None,
        test_log_loss=None,
    )
    return finished_cycle(status="interrupted", error=stopped, scratch=RunDetails(run))


def cycle_with_a_failed_baseline() -> Cycle:
    """Return a finished cycle whose baseline diverged in its first epoch."""
    run = example_run(
        "scratch",
        14,
        status="failed",
        error="the loss became nan in epoch 1; choose a smaller baseline_learning_rate",
        epochs=(),
        images_per_second=None,
        test_accuracy=None,
        test_log_loss=None,
    )
    return finished_cycle(scratch=RunDetails(run))


def cycle_with_much_found() -> Cycle:
    """Return a cycle with more changes, leaks and suspects than its page shows."""
    return finished_cycle(
        changes=example_changes(200),
        leaks=tuple(example_leak(n, 3) for n in range(40)),
        suspects=example_suspects(40),
        mended=1,
    )


def example_history() -> tuple[Cycle, ...]:
    """Return seven cycles, oldest first: each decision, then a failed, an interrupted and a promoted one."""
    steps = (("first", 0.9575), ("promote", 0.97), ("hold", 0.9675), ("reject", 0.94))
    cycles = [
        finished_cycle(
            id=n,
            started_at=STARTED - timedelta(days=9 - n),
            finished_at=STARTED - timedelta(days=9 - n, seconds=-690),
            finetune=RunDetails(example_run("finetune", 2 * n - 1, test_accuracy=accuracy)),
            scratch=RunDetails(example_run("scratch", 2, test_accuracy=0.58)),
            scratch_reused=n > 1,
            verdict=Verdict(decision, "Counted on the same test images."),  # type: ignore[arg-type]
            champion_id=1 if n == 1 else 3,
            **NOTHING_FOUND,
        )
        for n, (decision, accuracy) in enumerate(steps, start=1)
    ]
    stopped = (
        replace(failed_cycle(), started_at=STARTED - timedelta(days=2)),
        replace(interrupted_cycle(), started_at=STARTED - timedelta(days=1)),
    )
    return (*cycles, *stopped, finished_cycle())
