import shlex
import subprocess
from datetime import UTC, datetime, timedelta, timezone
from math import inf, nan

import pytest
from markupsafe import Markup

from pipeline.report import words


def plain(text: str) -> str:
    return text.replace(words.NARROW, " ")


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.0, "0.0 %"),
        (0.9575, "95.8 %"),
        (1.0, "100.0 %"),
        (0.9996, "99.96 %"),
        (0.99999999, "over 99.99 %"),
        (None, words.NOTHING),
        (nan, words.NOTHING),
    ],
)
def test_a_share_is_a_percentage_that_never_rounds_up_to_all(share: float | None, expected: str) -> None:
    assert plain(words.percent(share)) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.42, "0.42 s"),
        (12.34, "12.3 s"),
        (59.96, "1 min 00 s"),
        (243, "4 min 03 s"),
        (3900, "1 h 05 min"),
        (None, words.NOTHING),
        (inf, words.NOTHING),
    ],
)
def test_a_duration_has_the_unit_that_people_would_say(seconds: float | None, expected: str) -> None:
    assert plain(words.duration(seconds)) == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (44_800_512, "44.8 MB"), (3_000_000_000, "3.0 GB")],
)
def test_a_size_is_in_decimal_units(number: int, expected: str) -> None:
    assert plain(words.size(number)) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(0.12345, "0.1235"), (nan, "not finite"), (None, words.NOTHING)]
)
def test_a_number_that_is_not_finite_is_said_to_be_so(value: float | None, expected: str) -> None:
    assert words.decimal(value) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("the first model", "The first model."), ("It is p = 0.03.", "It is p = 0.03."), ("", "")],
)
def test_a_reason_is_shown_as_a_sentence(text: str, expected: str) -> None:
    assert words.sentence(text) == expected


def test_one_thing_is_not_counted_as_many() -> None:
    assert plain(words.counted(1, "file")) == "1 file"
    assert plain(words.counted(2000, "file")) == "2,000 files"


def test_an_instant_is_shown_in_utc_wherever_it_was_taken() -> None:
    moment = datetime(2026, 3, 14, 5, 0, 12, tzinfo=timezone(timedelta(hours=2)))

    assert words.instant(moment) == ('<time datetime="2026-03-14T03:00:12Z">2026-03-14 03:00 UTC</time>')
    assert words.instant(moment) == words.instant(moment.astimezone(UTC))


def test_only_text_of_strangers_is_made_visible_before_output() -> None:
    assert words.finalize(b"caf\xe9") == "caf\\xe9"
    assert words.finalize("a\nb") == "a\\nb"
    assert words.finalize(Markup("<b>\n</b>")) == Markup("<b>\n</b>")
    assert words.finalize(3) == 3


@pytest.mark.parametrize("text", ["photos", "my photos", "it's", "$(rm -rf x)", "caf\udce9", "two\nlines"])
def test_a_shell_takes_a_word_back_to_the_very_same_bytes(text: str) -> None:
    printed = subprocess.run(
        ["bash", "-c", f"printf %s {words.shell_word(text)}"], capture_output=True, check=True
    ).stdout

    assert printed == text.encode("utf-8", "surrogateescape")


def test_plain_words_need_no_quotes() -> None:
    assert words.shell_word("/srv/photos") == shlex.quote("/srv/photos") == "/srv/photos"
