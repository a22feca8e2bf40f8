from dataclasses import replace

import pytest

from pipeline.records import Cycle, Decision, Status, Verdict
from pipeline.report.outcome import badges_of, headline, sentence
from tests.pipeline import example_cycles as examples


@pytest.mark.parametrize(
    ("decision", "word", "effect"),
    [
        ("first", "First model", "this model is the champion now"),
        ("promote", "Promoted", "takes over from the champion"),
        ("hold", "Champion kept", "so the champion stays"),
        ("reject", "Rejected", "so the champion stays"),
    ],
)
def test_a_verdict_is_a_word_and_its_effect(decision: Decision, word: str, effect: str) -> None:
    champion = 13 if decision in {"first", "promote"} else 11
    cycle = examples.finished_cycle(verdict=Verdict(decision, "Why."), champion_id=champion)

    assert [badge.word for badge in badges_of(cycle)] == [word]
    assert headline(cycle).startswith(f"{word}: 98.5")
    assert effect in sentence(cycle)


@pytest.mark.parametrize(("decision", "champion"), [("first", None), ("promote", 11)])
def test_a_model_that_waits_for_a_person_is_not_said_to_be_the_champion(
    decision: Decision, champion: int | None
) -> None:
    cycle = examples.finished_cycle(verdict=Verdict(decision, "Better."), champion_id=champion)

    assert headline(cycle).startswith("To be promoted: ")
    assert sentence(cycle) == "The new model has won, but it is the champion only when somebody promotes it."


def test_a_model_that_a_person_promoted_meanwhile_is_said_to_be_the_champion() -> None:
    cycle = examples.finished_cycle(verdict=Verdict("hold", "It is the champion already."), champion_id=13)

    assert headline(cycle).startswith("Promoted by hand: ")
    assert sentence(cycle) == "Somebody has made the new model the champion while the cycle ran."


def test_a_model_that_is_better_by_too_little_is_not_said_to_be_no_better() -> None:
    cycle = examples.finished_cycle(
        verdict=Verdict("hold", "better than the champion, but by less than the margin"), champion_id=11
    )

    assert sentence(cycle) == "The new model is not shown to be better by enough, so the champion stays."


@pytest.mark.parametrize(
    ("status", "ending"), [("interrupted", "was cut off"), ("failed", "stopped at an error")]
)
def test_a_promotion_stands_when_the_baseline_is_cut_off_after_it(status: Status, ending: str) -> None:
    cycle = replace(examples.cycle_cut_off_in_its_baseline(), status=status)

    assert headline(cycle).startswith("Promoted: 98.5")
    assert [badge.key for badge in badges_of(cycle)] == ["promote", status]
    assert sentence(cycle) == (
        "The new model takes over from the champion. The decision stands. "
        f"Afterwards the cycle {ending} while it trained the baseline from scratch. "
        "What was finished is shown below: 2\N{NO-BREAK SPACE}passes over the images."
    )


def test_an_error_after_the_verdict_but_outside_the_baseline_is_not_blamed_on_it() -> None:
    cycle = examples.finished_cycle(status="failed", error="the disk is full", scratch=None)

    assert sentence(cycle).endswith("Afterwards the cycle stopped at an error.")


@pytest.mark.parametrize(
    ("cycle", "kept"),
    [
        (examples.failed_cycle(), "No epoch was finished."),
        (examples.interrupted_cycle(), "4\N{NO-BREAK SPACE}passes over the stored features."),
    ],
    ids=["failed before any run", "interrupted in its fine-tune"],
)
def test_without_a_verdict_nothing_was_promoted(cycle: Cycle, kept: str) -> None:
    assert headline(cycle).endswith("no tested model")
    assert "before a verdict, so no model was promoted." in sentence(cycle)
    assert sentence(cycle).endswith(kept)
