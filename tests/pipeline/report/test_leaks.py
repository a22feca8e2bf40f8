from dataclasses import replace

import pytest

from pipeline.intervals import wilson_interval
from pipeline.perceptual_hash import TRANSFORMS as ALL_TRANSFORMS
from pipeline.records import Cycle, RunDetails
from pipeline.report.leaks import MOST_PAIRS, TRANSFORMS, leaks_of, likeness
from pipeline.report.render import render_cycle
from pipeline.report.words import NARROW, interval
from tests.pipeline.example_checks import champion
from tests.pipeline.example_cycles import NOTHING_FOUND, finished_cycle
from tests.pipeline.example_data import example_leak
from tests.pipeline.example_runs import example_run
from tests.pipeline.page_text import text_of


def text(cycle: Cycle) -> str:
    return text_of(render_cycle(cycle))


@pytest.mark.parametrize(
    ("transform", "words"),
    [
        ("none", "re-encoded or resized; 5 of 128 bits of the picture's hash differ"),
        ("mirrored", "mirrored; 5 of 128 bits of the picture's hash differ"),
        ("quarter turn left", "turned by a quarter; 5 of 128 bits of the picture's hash differ"),
        ("folded", "folded; 5 of 128 bits of the picture's hash differ"),
    ],
)
def test_how_two_pictures_are_alike_is_said_in_words(transform: str, words: str) -> None:
    assert likeness(example_leak(1, 5, transform)) == words


def test_a_copy_is_called_a_copy() -> None:
    assert likeness(example_leak(1, copy=True)) == "an exact copy"


def test_every_transform_of_the_search_has_words() -> None:
    assert set(TRANSFORMS) == set(ALL_TRANSFORMS)


def test_the_accuracy_without_the_affected_images_is_counted_on_the_rest_with_its_interval() -> None:
    fine, scratch = leaks_of(finished_cycle()).scores

    # Of the three affected test images fine-tuning got the first one wrong: 392 of 397 are right.
    low, high = wilson_interval(392, 397)
    assert fine.with_all.replace(NARROW, " ") == "98.5 % (96.8 to 99.3 %) of 400"
    assert fine.without == f"98.7{NARROW}% ({interval(low, high)}) of 397"
    assert scratch.without.endswith("of 397")


def test_a_test_image_that_two_training_images_show_is_affected_once() -> None:
    found = leaks_of(finished_cycle(leaks=(example_leak(1), example_leak(1, copy=True))))

    assert (found.in_all, found.affected) == (2, 1)
    assert found.scores[0].without.endswith("of 399")


def test_where_every_test_image_is_affected_no_accuracy_is_made_up() -> None:
    found = leaks_of(finished_cycle(leaks=tuple(example_leak(n) for n in range(400))))

    assert {score.without for score in found.scores} == {"no test image is left"}


def test_a_run_without_predictions_has_no_row() -> None:
    untested = RunDetails(example_run("finetune", 13))

    assert leaks_of(finished_cycle(finetune=untested, scratch=None)).scores == ()
    assert "Without the affected ones" not in text(finished_cycle(finetune=untested, scratch=None))


def test_of_many_pairs_the_first_are_shown_and_the_rest_counted() -> None:
    found = text(finished_cycle(leaks=tuple(example_leak(n, 3) for n in range(MOST_PAIRS + 16))))

    assert found.count("Re-encoded or resized; 3 of 128 bits") == MOST_PAIRS
    assert "and 16 more pairs." in found


def test_the_training_image_stands_before_the_test_image() -> None:
    found = text(finished_cycle(leaks=(example_leak(10, 4, "mirrored"),)))

    assert (
        "[picture: Training image that was left out, a cat]\nleft out of training\nlabel cat\n"
        "train/cat/copy-10.jpg\n[picture: Test image of the same picture, a cat]\ntest image\nlabel cat\n"
        "test/cat/cat.00010.jpg\nMirrored; 4 of 128 bits of the picture's hash differ.\n"
    ) in found
    assert "1 training image shows the same picture as a test image: 1 test image is affected." in found


def test_the_warning_at_the_top_leads_to_the_section() -> None:
    page = render_cycle(finished_cycle())

    assert '<a href="#leaks">Leaks</a>' in page
    assert f"<p>3{NARROW}training images show the same picture as a test image and were left out.</p>" in page
    assert 'id="leaks"' in page


def test_a_baseline_that_is_used_again_is_excepted_from_the_promise() -> None:
    doubt = "A baseline that is used again may have been trained before they were found."

    assert doubt in text(finished_cycle(scratch_reused=True))
    assert doubt not in text(finished_cycle())


def test_the_champion_is_excepted_from_the_promise_and_has_a_row_of_its_own() -> None:
    doubt = "The champion may have been trained on them: "
    compared = finished_cycle(compared=champion(13))

    assert doubt in text(compared)
    assert doubt not in text(finished_cycle())
    assert [(score.kind, score.name) for score in leaks_of(compared).scores] == [
        ("finetune", "Fine-tune"),
        ("scratch", "From scratch"),
        ("champion", "Champion (run 11)"),
    ]


def test_no_leak_is_a_quiet_sentence() -> None:
    cycle = replace(finished_cycle(), **NOTHING_FOUND)  # type: ignore[arg-type]

    assert "No training image is known to show the same picture as a test image." in text(cycle)
