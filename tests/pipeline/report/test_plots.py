import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import inf, nan

import pytest

from pipeline.records import RunKind
from pipeline.report.plots import Axes, Curve, Measured, curves_plot, history_plot

SHARES = Axes("time", "Test accuracy", "share")
EPOCHS = Axes("epochs", "Training loss", "number")


def texts(svg: str) -> list[str]:
    return re.findall(r"<text [^>]*>([^<]*)</text>", svg)


def curve(kind: RunKind, *points: tuple[float, float]) -> Curve:
    return Curve(kind, points)


HEAD = curve("finetune", *((98.0 + n / 100, 0.98) for n in range(39)))
SCRATCH = curve("scratch", (196, 0.51), (392, 0.53), (588, 0.55))


def drawn(axes: Axes, *curves: Curve, phase_starts: tuple[float, ...] = ()) -> str:
    svg = curves_plot("name", "Title", axes, curves, phase_starts)
    assert svg is not None
    return svg


@pytest.mark.parametrize(
    "points",
    [(), ((1, nan),), ((nan, 1),), ((1, inf), (2, -inf))],
    ids=["no point", "no value", "no place", "infinite"],
)
def test_without_a_finite_point_there_is_no_drawing(points: tuple[tuple[float, float], ...]) -> None:
    assert curves_plot("name", "Title", EPOCHS, [Curve("finetune", points)]) is None


def test_one_point_is_a_drawing() -> None:
    assert "1" in texts(drawn(EPOCHS, curve("finetune", (1, 0.5))))


def test_the_same_numbers_give_the_same_bytes() -> None:
    assert drawn(SHARES, HEAD, SCRATCH) == drawn(SHARES, HEAD, SCRATCH)


def test_no_axis_of_shares_goes_above_100_per_cent() -> None:
    labels = [text for text in texts(drawn(SHARES, HEAD, SCRATCH)) if "%" in text]

    assert labels == ["50 %", "60 %", "70 %", "80 %", "90 %", "100 %"]


def test_time_starts_at_0_in_units_that_people_use() -> None:
    assert texts(drawn(SHARES, HEAD, SCRATCH))[:5] == ["0", "2 min", "4 min", "6 min", "8 min"]


def test_times_that_differ_much_share_an_axis_that_still_starts_at_0() -> None:
    fast = curve("finetune", (2.4, 0.95), (3, 0.98))

    assert texts(drawn(SHARES, fast, SCRATCH))[:4] == ["0", "1 s", "10 s", "1 min"]


def test_39_epochs_and_3_share_an_axis_on_which_both_can_be_read() -> None:
    head = curve("finetune", *((n, 0.07 / n) for n in range(1, 40)))
    scratch = curve("scratch", (1, 0.7), (2, 0.68), (3, 0.66))

    assert texts(drawn(EPOCHS, head, scratch))[:5] == ["1", "2", "5", "10", "20"]


def test_only_the_colours_of_the_page_are_used() -> None:
    svg = drawn(SHARES, HEAD, SCRATCH, phase_starts=(98.2,))

    assert set(re.findall(r"(?:fill|stroke): (#\w+)", svg)) == set()
    assert {"var(--finetune)", "var(--scratch)"} <= set(re.findall(r"stroke: (var\(--[\w-]+\))", svg))


def test_all_text_has_the_colour_of_the_page() -> None:
    styles = re.findall(r'<text style="([^"]*)"', drawn(SHARES, HEAD, SCRATCH))

    assert styles
    assert all("fill: currentColor" in style for style in styles)


def measured(day: int, share: float) -> Measured:
    return Measured(datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=day), share, share - 0.02, share + 0.01)


def test_a_history_needs_a_point() -> None:
    assert history_plot("history", "Title", [], []) is None


@pytest.mark.parametrize("length", [timedelta(minutes=45), timedelta(days=1000)], ids=str)
def test_a_history_finds_its_ticks_without_a_warning(length: timedelta) -> None:
    first = measured(0, 0.97)

    assert history_plot("history", "Title", [first, replace(first, at=first.at + length)], [])


@pytest.mark.parametrize("days", [1, 2, 30, 800])
def test_a_history_of_any_length_has_few_enough_ticks_to_read(days: int) -> None:
    svg = history_plot("history", "Title", [measured(day, 0.97) for day in range(0, days, 7)], [])

    assert svg is not None
    assert svg == history_plot("history", "Title", [measured(day, 0.97) for day in range(0, days, 7)], [])
    assert len(re.findall(r'id="history-xtick_\d+"', svg)) <= 9
