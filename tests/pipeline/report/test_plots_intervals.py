import re

from pipeline.report.plots_intervals import Interval, Mark, intervals_plot
from pipeline.report.plots_reliability import Bin, reliability_plot

GAIN = ("Gain", [Interval("finetune", 0.012, -0.004, 0.028)])
BINS = (Bin(0.62, 0.5, 0.2, 0.8, 4), Bin(0.99, 0.995, 0.98, 1.0, 1396))


def texts(svg: str | None) -> list[str]:
    assert svg is not None
    return re.findall(r"<text [^>]*>([^<]*)</text>", svg)


def test_differences_are_shown_in_percentage_points_with_their_sign() -> None:
    labels = texts(intervals_plot("gain", "Title", [GAIN], [Mark(0.0, "No difference")], points=True))

    assert {"0", "+1", "+2", "Gain", "No difference"} <= set(labels)


def test_shares_never_go_above_100_per_cent() -> None:
    rows = [("Cycle 1", [Interval("finetune", 1.0, 0.97, 1.0)])]
    labels = [text for text in texts(intervals_plot("arrivals", "Title", rows)) if "%" in text]

    assert labels[-1] == "100 %"


def test_the_legend_names_models_only_where_there_are_several() -> None:
    both = [Interval("champion", 0.97, 0.95, 0.99), Interval("finetune", 0.98, 0.96, 0.99)]
    rows = [("Cycle 1", both), ("Cycle 2", both)]

    assert "Fine-tune" not in texts(intervals_plot("gain", "Title", [GAIN], points=True))
    assert texts(intervals_plot("arrivals", "Title", rows)).count("Fine-tune") == 1


def test_a_range_without_a_value_is_a_bar_without_a_marker() -> None:
    svg = intervals_plot("gain", "Title", [("Luck", [Interval(None, None, -0.01, 0.01)])], points=True)

    assert svg is not None
    assert "var(--finetune)" not in svg


def test_without_a_row_or_a_bin_there_is_no_drawing() -> None:
    assert intervals_plot("gain", "Title", []) is None
    assert reliability_plot("reliability", "Title", (), ()) is None


def test_reliability_shows_the_numbers_of_images_below_the_same_axis() -> None:
    labels = texts(reliability_plot("reliability", "Title", BINS, BINS))

    assert {"As sure as right", "As the network says", "Calibrated", "Images"} <= set(labels)
    assert labels.count("60 %") == 2  # sure, and right: the upper axis along has no labels of its own


def test_reliability_without_a_temperature_has_one_curve() -> None:
    labels = texts(reliability_plot("reliability", "Title", (), BINS))

    assert "Calibrated" not in labels
    assert labels.count("As the network says") == 1


def test_the_same_numbers_give_the_same_bytes() -> None:
    assert reliability_plot("r", "Title", BINS, BINS) == reliability_plot("r", "Title", BINS, BINS)
