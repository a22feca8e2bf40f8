"""The verdict."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.compare import verdict
from pipeline.records import Evaluation, Prediction

CLASSES = ("cat", "dog")


def scored(right: list[bool]) -> Evaluation:
    """Return an evaluation of cats of which some are taken for dogs."""
    predictions = []
    for number, ok in enumerate(right):
        name = b"%d.jpg" % number
        sure = (0.9, 0.1) if ok else (0.2, 0.8)
        predictions.append(Prediction(hashlib.sha256(name).hexdigest(), name, "cat", sure))
    return Evaluation(sum(right) / max(len(right), 1), 0.1, tuple(predictions))


def test_without_a_champion_the_first_model_is_taken() -> None:
    assert verdict(None, scored([True]), CLASSES).decision == "first"


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_the_same_model_twice_is_a_hold(right: list[bool]) -> None:
    assert verdict(scored(right), scored(right), CLASSES).decision == "hold"


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_changing_sides_turns_the_verdict_round(pairs: list[tuple[bool, bool]]) -> None:
    one, other = scored([a for a, _ in pairs]), scored([b for _, b in pairs])
    turned = {"promote": "reject", "reject": "promote", "hold": "hold"}
    assert verdict(other, one, CLASSES).decision == turned[verdict(one, other, CLASSES).decision]


def test_three_more_of_4500_are_no_gain() -> None:
    champion = scored([True] * 4456 + [False] * 44)
    challenger = scored([True] * 4459 + [False] * 41)
    assert verdict(champion, challenger, CLASSES).decision == "hold"


# Two-sided binomial probabilities of a fair coin, by hand: 2 * (1 + n) / 2^n and so on.
@pytest.mark.parametrize(
    ("fixed", "broken", "p_value", "decision"),
    [
        (6, 0, "0.031", "promote"),
        (5, 0, "0.062", "hold"),
        (0, 6, "0.031", "reject"),
        (9, 1, "0.021", "promote"),
    ],
)
def test_the_p_value_is_that_of_the_exact_mcnemar_test(
    fixed: int, broken: int, p_value: str, decision: str
) -> None:
    champion = scored([False] * fixed + [True] * broken + [True] * 80)
    challenger = scored([True] * fixed + [False] * broken + [True] * 80)
    decided = verdict(champion, challenger, CLASSES)
    assert decided.decision == decision
    assert f"p = {p_value}" in decided.reason
