"""The verdict box as a whole; what the single checks say is tested beside their modules."""

import re

import pytest

from pipeline.records import RunDetails
from pipeline.report.checks import checks_of
from tests.pipeline import example_cycles as examples
from tests.pipeline import example_runs as runs
from tests.pipeline.example_checks import CLEAN, compared_cycle
from tests.pipeline.example_hostile import hostile_cycle
from tests.pipeline.page_text import text_of
from tests.pipeline.report.test_render import STATES, page_of

pytestmark = pytest.mark.xdist_group("rendered pages")


def test_what_is_wrong_comes_first() -> None:
    few = examples.finished_cycle(finetune=RunDetails(runs.example_run("finetune", 13, test_images=20)))
    levels = [check.level for check in checks_of(few)]

    assert levels[0] == "bad"
    assert levels == sorted(levels, key=["bad", "look", "good"].index)


def test_a_clean_cycle_has_only_good_checks() -> None:
    assert {check.level for check in checks_of(CLEAN)} == {"good"}


def test_nothing_can_be_checked_before_there_are_images() -> None:
    assert checks_of(examples.failed_cycle()) == ()


@pytest.mark.parametrize("state", STATES)
def test_every_check_is_a_sentence_that_leads_to_a_section_of_its_page(state: str) -> None:
    checks = checks_of(STATES[state]())
    ids = set(re.findall(r'\bid="([^"]*)"', page_of(state)))

    assert {check.section for check in checks if check.section} <= ids
    for check in checks:
        assert check.text[0].isupper() or check.text[0].isdigit()
        assert 1 <= len(check.title.split()) <= 7


def test_the_page_shows_level_title_and_sentence_of_each_check() -> None:
    from pipeline.report.render import render_cycle

    text = " ".join(text_of(render_cycle(compared_cycle())).split())

    for check in checks_of(compared_cycle()):
        word = {"bad": "Problem", "look": "Look", "good": "Fine"}[check.level]
        assert f"{word} {check.title} {' '.join(check.text.split())}" in text


def test_good_checks_are_folded_only_where_there_are_others() -> None:
    from pipeline.report.render import render_cycle

    folded = re.compile(r"<details>\s*<summary>\d+\W*checks? found nothing wrong")
    opened = re.compile(r"<details open>\s*<summary>\d+\W*checks? found nothing wrong")

    assert folded.search(page_of("finished"))
    assert opened.search(render_cycle(CLEAN))


def test_hostile_words_are_shown_as_text() -> None:
    assert any("“<b>cat”" in check.text for check in checks_of(hostile_cycle()))
    assert "“<b>cat”" not in page_of("hostile")
    assert "“&lt;b&gt;cat”" in page_of("hostile")
