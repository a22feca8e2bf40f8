"""Two networks on the same images."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

from pipeline import paired
from pipeline.paired import Comparison, compare, gain_estimate, mcnemar, mean_estimate
from pipeline.records import Evaluation
from tests.pipeline.scored import CLASSES, evaluation_of, evaluations, example, scored, shuffled

few = st.integers(0, 30)


def compared(before: Evaluation, after: Evaluation) -> Comparison:
    comparison = compare(before, after, CLASSES)
    assert comparison is not None
    return comparison


@settings(max_examples=40, deadline=None)
@given(few, few)
def test_the_p_value_is_that_of_statsmodels(fixed: int, broken: int) -> None:
    expected = statsmodels_mcnemar([[50, fixed], [broken, 7]], exact=True).pvalue
    assert mcnemar(fixed, broken) == pytest.approx(min(expected, 1.0), abs=1e-12)


def test_the_interval_of_the_gain_is_that_of_a_published_example() -> None:
    # Agresti, Categorical Data Analysis, 10.1: 1,600 voters asked twice, 944 approve at first, then 880;
    # 150 changed to disapproval, 86 to approval. The change is 0.040, with a standard error of 0.0095.
    gain = gain_estimate(86, 150, 1600)
    assert gain.value == pytest.approx(-0.04)
    assert (gain.low, gain.high) == pytest.approx((-0.04 - 1.96 * 0.0095, -0.04 + 1.96 * 0.0095), abs=1e-3)
    assert mcnemar(86, 150) < 1e-4


def test_two_networks_that_agree_on_few_images_may_still_differ_on_others() -> None:
    # The formula of Agresti & Min (2005): each cell has half an image more, so 1 of 502 differs.
    gain = gain_estimate(0, 0, 500)
    assert (gain.value, gain.low, gain.high) == pytest.approx((0, -1.96 / 502, 1.96 / 502), abs=1e-6)
    one = scored([True, True, False])
    surer = evaluation_of(np.array([[0.9, 0.1], [0.9, 0.1], [0.3, 0.7]]), np.zeros(3, int))
    assert compared(one, surer).gain == gain_estimate(0, 0, 3)


@settings(max_examples=40, deadline=None)
@given(evaluations())
def test_the_same_network_twice_has_gained_exactly_nothing(evaluation: Evaluation) -> None:
    comparison = compared(evaluation, shuffled(evaluation))
    assert (comparison.fixed, comparison.broken, comparison.p_value) == ((), (), 1.0)
    for estimate in (comparison.gain, comparison.log_loss_change):
        assert (estimate.value, estimate.low, estimate.high) == (0, 0, 0)


@settings(max_examples=40, deadline=None)
@given(evaluations(), evaluations())
def test_swapping_the_two_turns_everything_round(one: Evaluation, other: Evaluation) -> None:
    there, back = compared(one, other), compared(other, one)
    assert (there.fixed, there.broken, there.p_value) == (back.broken, back.fixed, back.p_value)
    for forth, turned in ((there.gain, back.gain), (there.log_loss_change, back.log_loss_change)):
        assert (forth.value, forth.low, forth.high) == pytest.approx(
            (-turned.value, -turned.high, -turned.low), abs=1e-9
        )


@settings(max_examples=40, deadline=None)
@given(evaluations(), evaluations())
def test_the_order_of_the_images_plays_no_part(one: Evaluation, other: Evaluation) -> None:
    assert compared(one, other) == compared(shuffled(one, 1), shuffled(other, 2))


@settings(max_examples=40, deadline=None)
@given(few, few, st.integers(1, 300))
def test_the_interval_holds_the_gain_and_leaves_out_zero_only_if_the_test_does(
    fixed: int, broken: int, same: int
) -> None:
    gain = gain_estimate(fixed, broken, fixed + broken + same)
    assert -1 <= gain.low <= gain.value <= gain.high <= 1
    if gain.low > 0 or gain.high < 0:
        assert mcnemar(fixed, broken) < 0.05


def test_only_images_that_both_were_tested_on_count() -> None:
    one = scored([True, False, True, False])
    other = Evaluation(1.0, 0.1, scored([True] * 6).predictions[1:])
    comparison = compared(one, other)
    assert comparison.images == 3
    assert comparison.fixed == tuple(sorted(one.predictions[n].sha256 for n in (1, 3)))


def test_without_a_shared_image_there_is_no_comparison() -> None:
    one = scored([True, False])
    apart = Evaluation(1.0, 0.1, scored([True] * 4).predictions[2:])
    assert compare(one, apart, CLASSES) is None
    assert compare(one, Evaluation(0.0, 0.0, ()), CLASSES) is None


def test_a_probability_of_zero_for_the_label_costs_a_finite_loss() -> None:
    sure_and_wrong = evaluation_of(np.array([[0.0, 1.0]] * 3), np.zeros(3, int))
    change = compared(scored([True] * 3), sure_and_wrong).log_loss_change
    assert np.isfinite([change.value, change.low, change.high]).all()


def test_the_change_of_the_log_loss_is_that_of_the_two_means() -> None:
    one, other = example(1), example(2)
    change = compared(one, other).log_loss_change
    assert change.value == pytest.approx(other.log_loss - one.log_loss)
    assert change.low < change.value < change.high


@pytest.mark.parametrize("seed", range(3))
def test_many_skewed_values_get_the_interval_that_resampling_would_give(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(seed)
    values = random.lognormal(-4, 2, 1500) * random.choice([-1, 1, 1], 1500)
    quick = mean_estimate(values)
    monkeypatch.setattr(paired, "MOST_RESAMPLED", len(values))
    slow = mean_estimate(values)
    assert (quick.low, quick.high) == pytest.approx((slow.low, slow.high), abs=0.05 * (slow.high - slow.low))


@pytest.mark.parametrize("images", [5, 5000])
def test_a_constant_change_has_no_spread(images: int) -> None:
    change = mean_estimate(np.full(images, 0.25))
    assert (change.value, change.low, change.high) == pytest.approx((0.25, 0.25, 0.25))
