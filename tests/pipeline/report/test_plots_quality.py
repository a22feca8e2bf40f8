import re

import pytest

from pipeline.report.plots_quality import Line, coverage_plot, growth_plot, ranking_plot

FINETUNE = Line("finetune", ((0.0, 0.0), (0.02, 0.97), (1.0, 1.0)))
CHAMPION = Line("champion", ((0.0, 0.0), (0.05, 0.95), (1.0, 1.0)))
GROWTH = Line(
    "finetune", ((250, 0.95), (500, 0.97), (2000, 0.99)), ((0.93, 0.96), (0.95, 0.98), (0.98, 0.995))
)


def texts(svg: str | None) -> list[str]:
    assert svg is not None
    return re.findall(r"<text [^>]*>([^<]*)</text>", svg)


def drawn(*lines: Line) -> str:
    svg = ranking_plot("roc", "Title", "False alarms", "Found", lines, chance=True)
    assert svg is not None
    return svg


def test_each_model_has_a_colour_a_marker_and_a_name_of_its_own() -> None:
    svg = drawn(FINETUNE, CHAMPION)

    assert {"var(--finetune)", "var(--champion)"} <= set(re.findall(r"stroke: (var\(--[\w-]+\))", svg))
    assert {"Guessing", "Fine-tune", "Champion"} <= set(texts(svg))
    assert set(re.findall(r"(?:fill|stroke): (#\w+)", svg)) == set()


def test_a_ranking_shows_the_whole_unit_square() -> None:
    labels = [text for text in texts(drawn(FINETUNE)) if "%" in text]

    assert labels == ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"] * 2


@pytest.mark.parametrize("lines", [(), (Line("scratch", ()),)], ids=["no line", "no point"])
def test_without_a_point_there_is_no_drawing(lines: tuple[Line, ...]) -> None:
    assert ranking_plot("roc", "Title", "x", "y", lines, chance=False) is None
    assert coverage_plot("coverage", "Title", lines) is None


def test_a_handful_of_images_does_not_stretch_the_axis_of_the_accuracy() -> None:
    curve = Line("finetune", ((1.0, 0.99), (0.5, 0.995), (0.002, 0.0)))
    labels = [text for text in texts(coverage_plot("coverage", "Title", [curve])) if "%" in text]

    assert labels[:6] == ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]  # images answered
    assert labels[6] == "90 %"


def test_growth_has_its_own_numbers_as_ticks_by_doublings() -> None:
    svg = growth_plot("growth", "Title", GROWTH)
    places = [float(x) for x in re.findall(r'<g id="growth-xtick_\d+">.*?x="([\d.]+)"', svg, re.DOTALL)]

    assert texts(svg)[:3] == ["250", "500", "2,000"]
    assert places[2] - places[1] == pytest.approx(2 * (places[1] - places[0]), rel=0.05)


def test_plots_beside_each_other_can_share_their_upright_axis() -> None:
    assert "80 %" not in texts(growth_plot("growth", "Title", GROWTH))
    assert "80 %" in texts(growth_plot("growth", "Title", GROWTH, beside=[0.81]))


def test_the_same_numbers_give_the_same_bytes() -> None:
    assert drawn(FINETUNE) == drawn(FINETUNE)
    assert growth_plot("growth", "Title", GROWTH) == growth_plot("growth", "Title", GROWTH)
