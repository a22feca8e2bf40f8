"""What is told of a cycle."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from jobs.notices.notice import document_of, notice_of, text_of
from pipeline.records import Cycle, Decision, Run, RunDetails, Status, Verdict

AT = datetime(2026, 3, 1, tzinfo=UTC)
RUN = Run(
    id=5,
    cycle_id=3,
    kind="finetune",
    status="finished",
    backbone="efficientnet_lite0",
    recipe="fast",
    settings={},
    environment={},
    device="cpu",
    seed=0,
    train_images=24,
    test_images=12,
    started_at=AT,
    seconds=1.0,
    images_per_second=1.0,
    error=None,
    test_accuracy=0.75,
)


def cycle(
    decision: Decision | None = None,
    *,
    champion: int | None = None,
    status: Status = "finished",
    error: str | None = None,
) -> Cycle:
    return Cycle(
        id=3,
        status=status,
        images_folder="/photos",
        started_at=AT,
        finished_at=AT,
        error=error,
        snapshot=None,
        finetune=RunDetails(RUN) if decision else None,
        scratch=None,
        scratch_reused=False,
        verdict=Verdict(decision, "for a reason") if decision else None,
        champion_id=champion,
    )


@pytest.mark.parametrize(
    ("of", "events"),
    [
        (cycle("first", champion=5), ("promoted", "finished")),
        (cycle("promote", champion=5), ("promoted", "finished")),
        (cycle("promote", champion=4), ("finished",)),  # a person is to promote it
        (cycle("hold", champion=5), ("finished",)),  # it was champion before
        (cycle("hold", champion=4), ("finished",)),
        (cycle("reject", champion=4), ("rejected", "finished")),
        (cycle(status="failed", error="no memory"), ("failed",)),
    ],
)
def test_a_cycle_is_told_by_how_it_ended(of: Cycle, events: tuple[str, ...]) -> None:
    assert notice_of(of, Path("/home"), None).events == events


def test_the_reason_and_the_result_of_its_run_are_told() -> None:
    notice = notice_of(cycle("hold", champion=4), Path("/home"), Path("/home/page.html"))
    assert (notice.reason, notice.cycle, notice.run, notice.accuracy) == ("for a reason", 3, 5, 0.75)
    assert text_of(notice).splitlines() == [
        "for a reason",
        "cycle 3, run 5",
        "test accuracy 0.7500",
        "home /home",
        "report /home/page.html",
    ]


def test_the_reason_of_a_failure_is_told_and_no_text_can_pass_for_a_line() -> None:
    notice = notice_of(
        cycle(status="failed", error="no memory\ntest accuracy 1.0\udce9"), Path("/home"), None
    )
    assert text_of(notice).splitlines() == ["no memory\\ntest accuracy 1.0\\xe9", "cycle 3", "home /home"]
    assert document_of("failed", notice, "one")["reason"] == "no memory\\ntest accuracy 1.0\\xe9"
