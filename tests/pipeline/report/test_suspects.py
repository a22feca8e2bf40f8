import pytest

from pipeline.report.render import render_cycle
from pipeline.report.suspects import MOST_SUSPECTS, suspects_of
from tests.pipeline.example_cycles import finished_cycle
from tests.pipeline.example_data import example_suspects
from tests.pipeline.page_text import text_of


def text(**changes: object) -> str:
    return text_of(render_cycle(finished_cycle(**changes)))


def test_the_most_suspicious_are_shown_in_their_order() -> None:
    suspects = example_suspects(40)
    found = suspects_of(finished_cycle(suspects=suspects))

    assert tuple(shown.suspect for shown in found.shown) == suspects[:MOST_SUSPECTS]
    assert found.in_all == 40
    assert (
        "40 training images whose label is probably wrong, the most suspicious first; the first 24"
        in text(suspects=suspects)
    )


def test_a_suspect_has_its_label_with_the_probability_and_the_suggested_one() -> None:
    assert (
        "[picture: Labelled cat, perhaps a dog]\nlabel cat, 1.0 %\nperhaps dog\ntrain/cat/odd-0.jpg\n"
        in text()
    )
    assert "no thumbnail\nlabel cat, 3.0 %\nperhaps dog\ntrain/cat/odd-2.jpg\n" in text()


def test_the_page_says_how_to_decide() -> None:
    assert (
        "To decide: cli.py serve shows them one by one in a browser. Or cli.py suspects --csv FILE writes "
        "the newest list; fill in its column decision with a class or exclude, then cli.py relabel FILE. The "
        "next cycle uses what was decided; the files are never touched."
    ) in text()


@pytest.mark.parametrize(
    ("mended", "words"),
    [
        (1, "1 image of this cycle has its label from an earlier decision, not from its folder."),
        (12, "12 images of this cycle have their label from an earlier decision, not from their folder."),
    ],
)
def test_mended_labels_are_counted_also_where_nothing_is_suspicious(mended: int, words: str) -> None:
    assert words in text(mended=mended)
    assert words in text(mended=mended, suspects=())


def test_no_suspect_is_a_quiet_sentence() -> None:
    found = text(suspects=(), mended=0)

    assert "No suspicious label is known." in found
    assert "earlier decision" not in found
    assert "cli.py relabel" not in found
