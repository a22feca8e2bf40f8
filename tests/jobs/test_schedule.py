"""When the daemon looks."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs.schedule import parse_cron, parse_interval
from pipeline.errors import BadSettings


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("1.5h", 5400), (" 2d ", 172_800), ("1s", 1)]
)
def test_an_interval_is_a_number_with_a_unit(text: str, seconds: float) -> None:
    assert parse_interval(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "0", "0s", "0.5s", "-1m", "10 minutes", "1w", "m", "400d", "1e3s"])
def test_anything_else_is_no_interval(text: str) -> None:
    with pytest.raises(BadSettings, match="the interval"):
        parse_interval(text)


NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)  # a Wednesday


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 3 * * *", datetime(2026, 3, 5, 3, 0, tzinfo=UTC)),
        ("*/15 * * * *", datetime(2026, 3, 4, 12, 0, tzinfo=UTC)),
        ("0 3 * * 0", datetime(2026, 3, 8, 3, 0, tzinfo=UTC)),  # Sunday, as in cron
        ("0 3 * * 7", datetime(2026, 3, 8, 3, 0, tzinfo=UTC)),
        ("0 3 * * 1-5", datetime(2026, 3, 5, 3, 0, tzinfo=UTC)),
        ("0 3 * * sat", datetime(2026, 3, 7, 3, 0, tzinfo=UTC)),
        ("0 3 29 2 *", datetime(2028, 2, 29, 3, 0, tzinfo=UTC)),
    ],
)
def test_a_cron_expression_fires_when_cron_would(expression: str, expected: datetime) -> None:
    assert parse_cron(expression).get_next_fire_time(None, NOW) == expected


@pytest.mark.parametrize("expression", ["", "* * * *", "61 * * * *", "0 0 31 2 *", "a b c d e", "0 3 * * 8"])
def test_what_is_no_cron_expression_or_never_fires_is_refused(expression: str) -> None:
    with pytest.raises(BadSettings, match="the cron expression"):
        parse_cron(expression)
