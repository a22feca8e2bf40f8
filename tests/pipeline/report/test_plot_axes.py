import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.report.plot_axes import (
    epoch_ticks,
    share_limits,
    time_label,
    time_ticks,
    wide_epoch_ticks,
    wide_time_ticks,
)


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ([0.985, 0.55], (0.5, 0.1)),
        ([0.99, 1.0], (0.9, 0.02)),
        ([1.0], (0.9, 0.02)),
        ([0.96, 0.84], (0.8, 0.05)),
        ([0.0, 0.4], (0.0, 0.2)),
    ],
)
def test_an_axis_of_shares_ends_at_a_round_number_below_all_of_them(
    shares: list[float], expected: tuple[float, float]
) -> None:
    assert share_limits(shares) == pytest.approx(expected)


@given(st.lists(st.floats(0, 1), min_size=1))
def test_no_share_lies_below_its_axis(shares: list[float]) -> None:
    low, step = share_limits(shares)

    assert 0 <= low <= min(*shares, 0.9)
    assert (1 - low) / step < 7


def test_even_times_start_at_0_and_have_round_steps() -> None:
    assert time_ticks(588) == (0, 120, 240, 360, 480)
    assert time_ticks(103) == (0, 30, 60, 90)
    assert time_ticks(4.2) == (0, 1, 2, 3, 4)


def test_wide_times_start_at_0_and_hold_the_shortest_and_the_longest() -> None:
    assert wide_time_ticks(2.4, 900) == (0, 1, 10, 60, 600)


@given(st.floats(1e-3, 1e7))
def test_there_are_never_too_many_times_to_read(longest: float) -> None:
    ticks = time_ticks(longest)

    assert 1 <= len(ticks) <= 11
    assert max(ticks) <= longest


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0"), (0.5, "0.5 s"), (30, "30 s"), (60, "1 min"), (90, "1.5 min"), (600, "10 min"), (3600, "1 h")],
)
def test_a_time_is_labelled_as_people_say_it(seconds: float, expected: str) -> None:
    assert time_label(seconds) == expected


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (1, (1,)),
        (3, (1, 2, 3)),
        (20, (1, 5, 10, 15, 20)),
        (39, (1, 10, 20, 30)),
        (1000, (1, 200, 400, 600, 800, 1000)),
    ],
)
def test_even_epochs_start_at_1_and_not_at_0(last: float, expected: tuple[float, ...]) -> None:
    assert epoch_ticks(last) == expected


def test_wide_epochs_start_at_1() -> None:
    assert wide_epoch_ticks(39) == (1, 2, 5, 10, 20)
