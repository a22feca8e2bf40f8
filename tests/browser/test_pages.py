"""What only a browser can tell of the pages."""

from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Dialog, Page

FINISHED, FAILED, INTERRUPTED, HOSTILE = (f"cycle-000{n}.html" for n in (7, 5, 6, 8))
COMPLETE, COMPARE = "complete.html", "compare.html"
PAGES = (
    "index.html", FINISHED, FAILED, INTERRUPTED, HOSTILE, COMPLETE, COMPARE, "cut-off.html",
    "much-found.html",
)  # fmt: skip
OPEN_ALL = "document.querySelectorAll('details').forEach(element => { element.open = true })"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_makes_no_request_no_error_and_no_dialog(page: Page, reports: Path, name: str) -> None:
    requests: list[str] = []
    trouble: list[str] = []

    def refuse(dialog: Dialog) -> None:
        trouble.append(dialog.message)
        dialog.dismiss()

    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("dialog", refuse)
    address = (reports / name).as_uri()

    page.goto(address)
    page.evaluate(OPEN_ALL)
    page.wait_for_timeout(200)

    assert [url for url in requests if not url.startswith("data:image/")] == [address]
    assert trouble == []


def test_hostile_names_change_neither_the_title_nor_the_structure(page: Page, reports: Path) -> None:
    page.goto((reports / HOSTILE).as_uri())

    assert page.title() == "Cycle 8: Rejected: 97.2\N{NO-BREAK SPACE}% of 400 test images right - Whisker"
    assert page.locator("body script, main b b, iframe, img[onerror]").count() == 0
    assert page.get_by_text("<script>alert(1)</script>.jpg").count() > 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "name", ["index.html", FINISHED, HOSTILE, COMPLETE, COMPARE, "cut-off.html", "much-found.html"]
)
def test_axe_finds_no_barrier(page: Page, reports: Path, name: str, scheme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto((reports / name).as_uri())
    page.evaluate(OPEN_ALL)

    results = Axe().run(page)

    assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("width", [320, 375, 768])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_never_scrolls_sideways(page: Page, reports: Path, name: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 700})
    page.goto((reports / name).as_uri())
    page.evaluate(OPEN_ALL)

    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_all_pictures_are_there_without_scrolling(page: Page, reports: Path) -> None:
    page.goto((reports / FINISHED).as_uri())
    loaded = page.eval_on_selector_all("img", "all => all.map(one => one.complete && one.naturalWidth > 0)")

    assert len(loaded) == 7 + 14  # of suspects, leaks and changes
    assert all(loaded)


def test_the_warning_of_leaks_leads_to_them(page: Page, reports: Path) -> None:
    page.goto((reports / FINISHED).as_uri())
    page.locator(".check-list").get_by_role("link", name="Leaks").click()

    assert page.url.endswith("#leaks")
    assert page.get_by_role("heading", name="Leaks").is_visible()


@pytest.mark.parametrize("width", [320, 1200])
def test_both_pictures_of_a_leak_stand_side_by_side(page: Page, reports: Path, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto((reports / FINISHED).as_uri())
    tops = page.eval_on_selector_all(
        ".two > div", "all => all.map(one => Math.round(one.getBoundingClientRect().top))"
    )

    assert len(tops) == 6
    assert tops[::2] == tops[1::2]


def test_a_page_on_paper_has_what_is_folded_on_the_screen(page: Page, reports: Path) -> None:
    page.goto((reports / FINISHED).as_uri())
    page.emulate_media(media="print")

    assert page.get_by_role("cell", name="a broken file").count() == 0
    assert (
        page.locator("details table").first.evaluate("element => element.getBoundingClientRect().height") > 0
    )
    printed = page.pdf()
    assert printed.startswith(b"%PDF-")
    assert printed.count(b"/Type /Page\n") >= 3


def test_a_page_can_be_read_without_javascript(browser: Browser, reports: Path) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto((reports / FINISHED).as_uri())

    assert page.get_by_role("heading", level=1).inner_text().startswith("Promoted: 98.5")
    assert page.get_by_role("img").count() == 8 + 7 + 14  # of them 8 drawings
    page.get_by_text("All layers", exact=True).click()
    assert page.get_by_role("cell", name="GlobalAvgPool2D").is_visible()
    page.close()


def test_the_index_leads_to_a_page_and_back_by_keyboard(page: Page, reports: Path) -> None:
    page.goto((reports / "index.html").as_uri())
    page.get_by_role("link", name="Cycle 7", exact=True).press("Enter")
    page.wait_for_url(f"**/{FINISHED}")
    page.get_by_role("navigation", name="Reports").get_by_role("link").press("Enter")
    page.wait_for_url("**/index.html")


def test_text_in_the_plots_can_be_read_on_a_phone(page: Page, reports: Path) -> None:
    page.set_viewport_size({"width": 375, "height": 800})
    for name in ("index.html", FINISHED, COMPLETE):
        page.goto((reports / name).as_uri())
        heights = page.eval_on_selector_all(
            ".plot svg text", "all => all.map(one => one.getBoundingClientRect().height)"
        )

        assert heights
        # An upright label is measured along its width.
        assert min(heights) >= 9
