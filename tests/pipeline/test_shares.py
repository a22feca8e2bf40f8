"""Shares and their differences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from pipeline.shares import difference, share

counts = st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts)
def test_the_interval_of_a_share_is_that_of_statsmodels(counted: tuple[int, int]) -> None:
    found = share(*counted)
    assert (found.low, found.high) == pytest.approx(proportion_confint(*counted, method="wilson"), abs=1e-9)


@given(counts, counts)
def test_the_interval_of_a_difference_is_that_of_statsmodels(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    found = difference(*one, *other)
    expected = confint_proportions_2indep(*one, *other, method="newcomb", compare="diff")
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-9)
    assert found.low <= found.value <= found.high


# Newcombe (1998), Statistics in Medicine 17, 873-890, table II, method 10.
@pytest.mark.parametrize(
    ("one", "other", "interval"),
    [
        ((56, 70), (48, 80), (0.0524, 0.3339)),
        ((9, 10), (3, 10), (0.1705, 0.8090)),
        ((10, 10), (0, 20), (0.6791, 1.0000)),
        ((10, 10), (0, 10), (0.6075, 1.0000)),
    ],
)
def test_the_interval_of_a_difference_is_that_of_the_paper(
    one: tuple[int, int], other: tuple[int, int], interval: tuple[float, float]
) -> None:
    found = difference(*one, *other)
    assert (found.low, found.high) == pytest.approx(interval, abs=5.1e-5)


@given(counts, counts)
def test_swapping_the_shares_negates_the_difference(one: tuple[int, int], other: tuple[int, int]) -> None:
    there, back = difference(*one, *other), difference(*other, *one)
    assert (there.value, there.low, there.high) == pytest.approx((-back.value, -back.high, -back.low))
