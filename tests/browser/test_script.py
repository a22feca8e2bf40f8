"""What the pages' script adds for those who have it."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

INDEX, COMPLETE = "index.html", "complete.html"


@pytest.fixture
def index(page: Page, reports: Path) -> Page:
    page.goto((reports / INDEX).as_uri())
    return page


@pytest.fixture
def complete(page: Page, reports: Path) -> Page:
    page.goto((reports / COMPLETE).as_uri())
    return page


def rows(page: Page, column: int) -> list[str]:
    """Return what a column of the table of cycles shows, from top to bottom, of the rows that are shown."""
    cells = page.locator(f".cycles tbody tr:visible > :nth-child({column})").all()
    return [cell.get_attribute("data-value") or "" for cell in cells]


def test_a_click_on_a_heading_sorts_and_a_second_one_turns_it_round(index: Page) -> None:
    unsorted = rows(index, 3)
    heading = index.get_by_role("columnheader", name="Fine-tune")
    heading.get_by_role("button").click()

    known = [float(value) for value in rows(index, 3) if value]
    assert known == sorted(known, reverse=True)
    assert rows(index, 3)[len(known) :] == [""] * (len(unsorted) - len(known))
    expect(heading).to_have_attribute("aria-sort", "descending")

    heading.get_by_role("button").press("Enter")

    assert [float(value) for value in rows(index, 3) if value] == sorted(known)
    assert rows(index, 3)[-1] == "" or len(known) == len(unsorted)
    expect(heading).to_have_attribute("aria-sort", "ascending")
    assert sorted(rows(index, 3)) == sorted(unsorted)


def test_the_filter_keeps_the_rows_with_all_words_and_says_how_many(index: Page) -> None:
    everything = rows(index, 1)
    index.keyboard.press("/")
    index.keyboard.type("promoted")

    assert 0 < len(rows(index, 1)) < len(everything)
    for badge in index.locator(".cycles tbody tr:visible").all():
        assert "promoted" in badge.inner_text().lower()
    expect(index.get_by_role("status")).to_have_text(f"{len(rows(index, 1))} of {len(everything)} are shown.")

    index.get_by_role("searchbox").fill("no such cycle")
    assert rows(index, 1) == []
    expect(index.get_by_role("status")).to_have_text("Nothing fits the filter.")

    index.get_by_role("searchbox").fill("")
    assert rows(index, 1) == everything


def test_the_outcome_can_be_chosen_from_those_that_occur(index: Page) -> None:
    choice = index.get_by_label("Show the outcome")
    outcomes = choice.get_by_role("option").all_inner_texts()
    assert len(outcomes) > 2
    choice.select_option(outcomes[-1])

    shown = index.locator(".cycles tbody tr:visible")
    assert shown.count() > 0
    assert {row.get_attribute("data-outcome") for row in shown.all()} == {outcomes[-1]}


def test_the_colours_can_be_chosen_and_are_remembered(complete: Page) -> None:
    page_colour = "getComputedStyle(document.body).backgroundColor"
    complete.get_by_label("Colours").select_option("dark")
    dark = complete.evaluate(page_colour)
    complete.get_by_label("Colours").select_option("light")
    light = complete.evaluate(page_colour)
    assert dark != light

    complete.get_by_label("Colours").select_option("dark")
    complete.reload()

    assert complete.evaluate(page_colour) == dark


def test_a_picture_is_enlarged_by_keyboard_and_closed_by_escape(complete: Page) -> None:
    button = complete.get_by_title("Enlarge").first
    button.focus()
    complete.keyboard.press("Enter")
    dialog = complete.get_by_role("dialog", name="Picture, enlarged")
    expect(dialog).to_be_visible()
    assert dialog.locator("figcaption").inner_text()
    small, large = (one.bounding_box() for one in (button, dialog.locator(".large > *").first))
    assert small and large and large["width"] > 1.5 * small["width"]

    complete.keyboard.press("Escape")

    expect(dialog).to_be_hidden()
    expect(button).to_be_focused()


def test_all_that_can_be_opened_opens_and_closes_at_once(complete: Page) -> None:
    everything = complete.locator("details").count()
    assert everything > 5
    complete.get_by_role("button", name="Open all").click()
    assert complete.locator("details[open]").count() == everything
    complete.keyboard.press("e")
    assert complete.locator("details[open]").count() == 0


def test_j_and_k_go_from_section_to_section(complete: Page) -> None:
    def focused() -> str:
        return str(complete.evaluate("document.activeElement.textContent"))

    complete.emulate_media(reduced_motion="reduce")
    complete.keyboard.press("j")
    first = focused()
    complete.keyboard.press("j")
    second = focused()
    complete.keyboard.press("k")

    headings = complete.locator("main h2:not(.hidden)").all_inner_texts()
    assert [first, second] == headings[:2]
    assert focused() == first


def test_the_keys_are_listed_and_can_be_turned_off(complete: Page) -> None:
    complete.keyboard.press("?")
    keys = complete.get_by_role("dialog", name="Keys")
    expect(keys.get_by_text("next section")).to_be_visible()
    keys.get_by_label("React to these keys").uncheck()
    keys.get_by_role("button", name="Close").click()

    complete.keyboard.press("e")

    assert complete.locator("details[open]").count() == 0


def test_the_curves_by_time_or_by_epoch_are_chosen_by_tabs_and_all_are_printed(complete: Page) -> None:
    plots = complete.locator("#curve-plots > figure")
    assert plots.count() == 4
    assert [plot.is_visible() for plot in plots.all()] == [True] * 4
    complete.get_by_role("tab", name="All").focus()

    complete.keyboard.press("ArrowRight")

    chosen = complete.get_by_role("tab", name="By time")
    expect(chosen).to_be_focused()
    expect(chosen).to_have_attribute("aria-selected", "true")
    shown = [plot.get_attribute("data-tab") for plot in plots.all() if plot.is_visible()]
    assert shown == ["By time"] * 2

    complete.emulate_media(media="print")
    assert [plot.is_visible() for plot in plots.all()] == [True] * 4
