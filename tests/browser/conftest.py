"""A real browser, and the pages as files."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from pipeline.report.compare_page import render_comparison
from pipeline.report.render import render_cycle, render_index
from pipeline.shown import cycle_page_name
from tests.pipeline import example_cycles as examples
from tests.pipeline.example_complete import complete_cycle
from tests.pipeline.example_hostile import hostile_cycle


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start the Chromium of this system once for all tests, or skip."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    yield page
    page.close()


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the index and a page for each example cycle, as the job writes them."""
    folder = tmp_path_factory.mktemp("reports")
    cycles = (*examples.example_history(), hostile_cycle())
    pages = {cycle_page_name(cycle.id): render_cycle(cycle) for cycle in cycles}
    pages["index.html"] = render_index(cycles, 13)
    complete = complete_cycle()
    pages["complete.html"] = render_cycle(complete)
    assert complete.compared and complete.finetune and complete.snapshot
    pages["compare.html"] = render_comparison(
        complete.compared, complete.finetune, complete.snapshot.classes, complete.thumbnails
    )
    pages["cut-off.html"] = render_cycle(examples.cycle_cut_off_in_its_baseline())
    pages["much-found.html"] = render_cycle(examples.cycle_with_much_found())
    for name, page in pages.items():
        (folder / name).write_text(page, encoding="utf-8")
    return folder
