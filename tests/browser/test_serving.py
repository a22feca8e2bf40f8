"""The web app in a real browser: an image is dropped, labels are decided by keyboard."""

import base64
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from db import store
from db.session import open_read_only
from jobs.preparation import Request
from jobs.serving.doubts import look_over
from tests.jobs.serving.doubtful import doubtful_home, undecided
from tests.jobs.serving.server import Served, serving

DROP = """
([content, name, type]) => {
  const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type }));
  const target = document.querySelector(".drop");
  for (const kind of ["dragover", "drop"])
    target.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
}
"""
PASTE = """
([content, name, type]) => {
  const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
  const clipboardData = new DataTransfer();
  clipboardData.items.add(new File([bytes], name, { type }));
  document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
}
"""


REFUSED = "422"  # a browser says so of each image that cannot be used
# What is decided by which key; all others keep the label of their folder.
KEYS = {"drawn-0001": ("d", "dog"), "drawn-0002": ("d", "dog"), "wrong": ("x", None)}


@pytest.fixture(scope="session")
def finished(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Request:
    """Return a home with doubtful labels; of its contents only decisions are changed."""
    return doubtful_home(tmp_path_factory.mktemp("served"), drawn)


@pytest.fixture(scope="session")
def shared(finished: Request) -> Iterator[Served]:
    with serving(finished.home.folder, "--token", "auto") as server:
        yield server


@pytest.fixture
def served(shared: Served, finished: Request) -> Served:
    """Return a server over the home, in which nothing is decided."""
    undecided(finished.home)
    return shared


@pytest.fixture
def app(page: Page, served: Served) -> Iterator[Page]:
    """Return a page that has been let in, and that fails the test if it has any trouble or goes elsewhere."""
    expect.set_options(timeout=60_000)  # the first answer opens a model, on a machine that may be busy
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on(
        "request", lambda request: trouble.append(request.url) if not _is_own(request.url, served) else None
    )
    page.goto(f"{served.address}?token={served.token}")
    expect(page).to_have_url(f"{served.address}?")
    page.wait_for_load_state()
    yield page
    expect.set_options(timeout=None)
    assert [words for words in trouble if REFUSED not in words] == []


def _is_own(url: str, served: Served) -> bool:
    return url.startswith((served.address, "data:"))


def decisions(finished: Request) -> dict[str, str | None]:
    """Return what was decided, by the name of the file."""
    with open_read_only(finished.home.database)() as session:
        paths = {doubt.sha256: Path(doubt.path.decode()).stem for doubt in look_over(session).doubts}
        return {paths[sha256]: one.label for sha256, one in store.label_decisions(session).items()}


def question(page: Page) -> str:
    return page.locator("#question").inner_text()


def look(app: Page) -> Page:
    """Go to the page of doubtful labels."""
    app.get_by_role("link", name="Look over").click()
    expect(app.locator("#progress")).to_contain_text("decided")
    return app


def test_an_image_that_is_dropped_or_pasted_is_classified_with_a_map(app: Page, drawn: Path) -> None:
    file = drawn / "test" / "dog" / "drawn-0001.jpg"
    given = [base64.b64encode(file.read_bytes()).decode(), "a <b>dog</b>.jpg", "image/jpeg"]
    for count, way in ((1, DROP), (2, PASTE)):
        app.evaluate(way, given)
        expect(app.locator(".answer")).to_have_count(count)
    answer = app.locator(".answer").first
    assert answer.get_by_role("heading").inner_text().split(",")[0] in {"cat", "dog"}
    assert answer.get_by_role("row").count() == 2
    expect(answer.get_by_text("a <b>dog</b>.jpg, ")).to_be_visible()
    tint = answer.locator(".tint")
    expect(tint).to_be_visible()
    assert tint.evaluate("one => one.naturalWidth") > 0
    app.get_by_label("Tint where the model sees the class").uncheck()
    expect(tint).to_be_hidden()


def test_what_is_no_image_is_said_and_the_others_are_classified(
    app: Page, drawn: Path, tmp_path: Path
) -> None:
    (tmp_path / "notes.jpg").write_text("a cat, honestly")
    app.locator("#file").set_input_files([tmp_path / "notes.jpg", drawn / "test" / "cat" / "drawn-0001.jpg"])
    expect(app.locator(".answer")).to_have_count(1)
    expect(app.get_by_role("status")).to_have_text("notes.jpg: the image cannot be used: not an image.")


def test_labels_are_decided_by_keyboard_alone(app: Page, finished: Request) -> None:
    page = look(app)
    in_all = page.locator("#strip li").count()
    expected: dict[str, str | None] = {}
    while len(expected) < in_all:
        path = Path(page.locator("#path").inner_text())
        key, expected[path.stem] = KEYS.get(path.stem, (" ", path.parent.name))
        with page.expect_response("**/decisions"):
            page.keyboard.press(key)
    expect(page.locator("#progress")).to_have_text(
        f"{in_all} of {in_all} decided. That was all: the next cycle uses it."
    )
    assert decisions(finished) == expected
    page.reload()
    expect(page.locator("#progress")).to_contain_text(f"{in_all} of {in_all} decided.")


def test_undo_and_the_arrows(app: Page, finished: Request) -> None:
    page = look(app)
    first = question(page)
    for key, is_back in (("x", False), ("u", True)):
        with page.expect_response("**/decisions"):
            page.keyboard.press(key)
        assert (question(page) == first) is is_back
    expect(page.locator("#progress")).to_contain_text("0 of")
    page.keyboard.press("j")
    second = question(page)
    page.keyboard.press("ArrowLeft")
    assert question(page) == first
    page.keyboard.press("ArrowRight")
    assert question(page) == second
    page.keyboard.press("k")
    assert question(page) == first
    page.reload()
    expect(page.locator("#progress")).to_contain_text("0 of")
    assert decisions(finished) == {}


def test_a_decision_is_kept_also_when_the_page_is_left_at_once(app: Page, finished: Request) -> None:
    page = look(app)
    page.on("dialog", lambda dialog: dialog.accept())
    names = []
    for _ in range(2):
        names.append(Path(page.locator("#path").inner_text()).stem)
        page.keyboard.press("x")
    page.get_by_role("link", name="Reports").click()
    expect(page).to_have_title("Whisker: 1 cycle")
    end = time.monotonic() + 30
    while len(decisions(finished)) < len(names) and time.monotonic() < end:
        time.sleep(0.1)
    assert decisions(finished) == dict.fromkeys(names)


def test_the_keys_can_be_turned_off_and_a_focused_button_keeps_its_space(
    app: Page, finished: Request
) -> None:
    page = look(app)
    first = question(page)
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys.get_by_text("leave the image out")).to_be_visible()
    keys.get_by_label("React to these keys").uncheck()
    keys.get_by_role("button", name="Close").click()
    for key in ("x", "j", " "):
        page.keyboard.press(key)
    assert question(page) == first
    page.get_by_role("button", name="leave out").focus()
    with page.expect_response("**/decisions"):
        page.keyboard.press(" ")
    assert list(decisions(finished).values()) == [None]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_barrier(app: Page, drawn: Path, scheme: Literal["light", "dark"]) -> None:
    app.emulate_media(color_scheme=scheme)
    app.locator("#file").set_input_files([drawn / "test" / "cat" / "drawn-0001.jpg"])
    expect(app.locator(".answer")).to_have_count(1)
    for page in (app, look(app)):
        results = Axe().run(page)
        assert results.violations_count == 0, results.generate_report()
