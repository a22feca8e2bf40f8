import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from pipeline.intervals import wilson_interval


@pytest.mark.parametrize(("successes", "n"), [(0, 1), (0, 20), (20, 20), (197, 200), (490, 500), (7, 13)])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_the_interval_is_that_of_scipy(successes: int, n: int, confidence: float) -> None:
    expected = binomtest(successes, n).proportion_ci(confidence, method="wilson")

    assert wilson_interval(successes, n, confidence) == pytest.approx(
        (expected.low, expected.high), abs=1e-12
    )


@given(st.integers(0, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_share_and_stays_within_0_and_1(counts: tuple[int, int]) -> None:
    successes, n = counts
    low, high = wilson_interval(successes, n)

    assert 0 <= low <= high <= 1
    if n:
        assert low <= successes / n <= high


def test_nothing_tested_is_nothing_known() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("successes", "n"), [(-1, 3), (4, 3), (1, 0)])
def test_impossible_counts_are_refused(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="is not a share"):
        wilson_interval(successes, n)
