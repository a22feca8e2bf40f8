"""The sections of a cycle's page: the facts that each must state, and what stands where there are none."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import pytest

from pipeline.records import Cycle, Findings, HeatMap, Prediction, RunDetails
from pipeline.report.cycle_page import OF_DATA, OF_MAKING, OF_RUNS
from pipeline.report.render import render_cycle
from pipeline.report.words import NARROW, NOTHING
from tests.pipeline.example_complete import champion, complete_cycle, findings
from tests.pipeline.example_cycles import failed_cycle, finished_cycle, interrupted_cycle
from tests.pipeline.example_hostile import CANARY, hostile_cycle
from tests.pipeline.example_runs import digest_of, example_details, example_evaluation, example_snapshot
from tests.pipeline.page_text import text_of

pytestmark = pytest.mark.xdist_group("rendered pages")


def in_three_classes() -> Cycle:
    """Return the complete cycle with a third class, of which there is no test image."""
    classes = ("bird", "cat", "dog")

    def widened(details: RunDetails) -> RunDetails:
        assert details.evaluation is not None
        predictions: tuple[Prediction, ...] = tuple(
            replace(p, probabilities=(0.0, *p.probabilities)) for p in details.evaluation.predictions
        )
        return replace(details, evaluation=replace(details.evaluation, predictions=predictions))

    cycle = complete_cycle(snapshot=replace(example_snapshot(), classes=classes))
    assert cycle.finetune and cycle.scratch and cycle.compared
    return replace(
        cycle,
        finetune=widened(cycle.finetune),
        scratch=widened(cycle.scratch),
        compared=widened(cycle.compared),
    )


def hostile_with_all() -> Cycle:
    """Return the hostile cycle with a champion and maps."""
    cycle = hostile_cycle()
    assert cycle.finetune and cycle.snapshot
    evaluation = example_evaluation(0, classes=cycle.snapshot.classes)
    maps = (HeatMap(digest_of("test 0"), CANARY, 7, bytes(49)),)
    before = replace(cycle.finetune, evaluation=evaluation, heat_maps=maps)
    return replace(cycle, compared=before, arrivals={digest_of("test 0"): 1, digest_of("test 1"): 2})


def without_maps() -> Cycle:
    cycle = complete_cycle()
    assert cycle.finetune and cycle.compared
    return replace(
        cycle,
        finetune=replace(cycle.finetune, heat_maps=()),
        compared=replace(cycle.compared, heat_maps=()),
    )


STATES: dict[str, Callable[[], Cycle]] = {
    "complete": complete_cycle,
    "first": finished_cycle,
    "without findings": lambda: complete_cycle(finetune=example_details("finetune", 13)),
    "empty findings": lambda: complete_cycle(
        finetune=replace(example_details("finetune", 13), findings=Findings())
    ),
    "champion on other images": lambda: complete_cycle(
        compared=replace(champion(), evaluation=replace(example_evaluation(0), predictions=()))
    ),
    "champion not tested": lambda: complete_cycle(compared=replace(champion(), evaluation=None)),
    "no baseline": lambda: complete_cycle(scratch=None),
    "no maps": without_maps,
    "no thumbnails": lambda: complete_cycle(thumbnails={}),
    "one batch": lambda: complete_cycle(arrivals=dict.fromkeys(complete_cycle().arrivals, 4)),
    "twelve batches": lambda: complete_cycle(
        arrivals={sha256: n % 12 + 1 for n, sha256 in enumerate(complete_cycle().arrivals)}
    ),
    "three classes": in_three_classes,
    "hostile": hostile_with_all,
    "interrupted": interrupted_cycle,
    "failed": failed_cycle,
}


@cache
def page_of(state: str) -> str:
    return render_cycle(STATES[state]())


def text_in(state: str, section: str) -> str:
    """Return the text of one section, without the no-break spaces."""
    found = re.search(rf'<section [^>]*aria-labelledby="{section}">.*?</section>', page_of(state), re.DOTALL)
    assert found, f"there is no section {section}"
    page = f"<!DOCTYPE html><html><head><title>x</title></head><body>{found[0]}</body></html>"
    return text_of(page).replace(NARROW, " ")


@pytest.mark.parametrize("state", STATES)
def test_every_state_gives_a_valid_page_whose_links_have_targets(state: str) -> None:
    page = page_of(state)

    assert text_of(page)  # parsed strictly
    assert render_cycle(STATES[state]()) == page
    ids = re.findall(r'\bid="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'\bhref="#([^"]*)"', page)) <= set(ids)
    assert len(page) < 3_000_000


@pytest.mark.parametrize("state", STATES)
def test_every_section_is_in_the_list_of_contents_in_the_order_of_the_page(state: str) -> None:
    page = page_of(state)
    contents = page[
        page.index('<nav class="contents"') : page.index("</nav>", page.index('class="contents"'))
    ]
    linked = re.findall(r'href="#([^"]*)"', contents)
    sections = re.findall(r'<section class="card"[^>]* aria-labelledby="([^"]*)"', page)

    assert [name for name in linked if name != "checks"] == [name for name in sections if name != "headline"]


def test_a_complete_page_has_all_sections() -> None:
    ids = [section.id for section in (*OF_RUNS, *OF_DATA, *OF_MAKING)]

    assert all(f'id="{name}"' in page_of("complete") for name in ids)


@pytest.mark.parametrize("state", STATES)
def test_every_drawing_has_a_role_and_a_title_that_tells_its_finding(state: str) -> None:
    drawings = re.findall(r"<svg ([^>]*)>\s*(?:<title[^>]*>([^<]*)</title>)?", page_of(state))

    for attributes, title in drawings:
        assert 'aria-hidden="true"' in attributes or ('role="img"' in attributes and len(title) > 15)


def test_the_champion_is_compared_on_the_same_images() -> None:
    text = text_in("complete", "champion")

    assert (
        "On the same 400 test images the new model is newly right on 8 and newly wrong on 3 (exact McNemar "
        "test: p = 0.23): +1.2 percentage points (\N{MINUS SIGN}0.6 to +2.8) of accuracy."
    ) in text
    assert "Images right | 389 of 400 | 394 of 400 | 8 newly right, 3 newly wrong |" in text
    assert "Temperature | 0.900 | 0.410 |" in text
    assert "resamples of the training images scatter so that a difference of 0.92 percentage points" in text
    assert "[drawing: Gain over the champion. On the same 400 test images" in text
    assert "Margin +0.10 percentage points" in " ".join(text.split())


def test_without_a_champion_the_sections_say_so() -> None:
    for state in ("first", "champion on other images", "champion not tested", "interrupted"):
        assert "The new model was compared with none" in text_in(state, "champion")
        assert "nothing is new" in text_in(state, "turned")


def test_turned_images_show_what_both_models_say_with_the_surest_wrong_answer_first() -> None:
    text = text_in("complete", "turned")

    assert "Newly wrong: 3 images" in text
    assert "Newly right: 8 images" in text
    newly_wrong = text[: text.index("Newly right:")]
    assert re.findall(r"test/\w+/\w+\.\d+\.jpg", newly_wrong)[0] == "test/cat/cat.00002.jpg"
    assert "Champion (run 11): cat, 98.5 % (right)\nFine-tune: dog, 99.99 % (wrong)" in text


def test_probabilities_on_the_page_are_calibrated() -> None:
    cycle = complete_cycle()
    assert cycle.finetune
    raw = replace(cycle, finetune=replace(cycle.finetune, findings=replace(findings(), calibration=None)))

    assert "Fine-tune: dog, 97.7 % (wrong)" in text_of(render_cycle(raw)).replace(NARROW, " ")
    assert "Fine-tune: dog, 99.99 % (wrong)" in text_in("complete", "mistakes")


def test_the_maps_of_both_models_lie_over_the_picture_of_a_mistake() -> None:
    page = page_of("complete")
    shown = page[page.index('id="mistake-1"') :]
    shown = shown[: shown.index("</li>")]

    assert shown.count("<use href=") == 2
    # A thumbnail of 160 x 120 pixels, of which the network saw the central 224 of 256.
    assert (
        shown.count('<image x="27.50" y="7.50" width="105.00" height="105.00" preserveAspectRatio="none"')
        == 2
    )
    assert "sees dog" in shown and "sees cat" in shown


def test_a_picture_stands_once_however_many_maps_lie_over_it() -> None:
    page = page_of("complete")
    card = page[page.index('id="mistake-1"') :]

    assert card[: card.index("</li>")].count("data:image/jpeg") == 1


def test_how_to_read_the_maps_is_told_once_and_only_where_there_are_some() -> None:
    assert page_of("complete").count("class activation maps") == 1
    assert "class activation maps" not in page_of("no maps")
    assert 'class="picture' not in page_of("no thumbnails")


def test_a_map_of_a_backbone_of_another_day_is_left_out() -> None:
    cycle = complete_cycle()
    assert cycle.finetune and cycle.compared
    run = replace(cycle.finetune.run, backbone="of_another_day")
    page = render_cycle(replace(cycle, finetune=replace(cycle.finetune, run=run), compared=None))

    assert 'class="picture' not in page


def test_the_runs_stand_beside_the_champion_with_its_log_loss_on_these_images() -> None:
    text = text_in("complete", "runs")

    assert "Run | Fine-tune | From scratch | Champion (run 11) |" in text
    assert "Log loss on the test images | 0.0490 | 0.6810 | 0.0810 |" in text
    assert "Time of the whole run | 1 min 39 s | 9 min 49 s |" in text


def test_the_baseline_is_compared_at_equal_budgets() -> None:
    text = text_in("complete", "curves")

    assert "Equal passes over the images" in text
    assert "Fine-tune passed 95 % after 1 min 38 s, scratch had not after 9 min 49 s." in text
    assert "From scratch was still improving when it ended" in text


def test_the_data_curve_says_what_the_last_doubling_gained() -> None:
    text = text_in("complete", "data-curve")

    assert "Doubling the training images from 800 to 1,600 images gained +1.2 percentage points" in text
    assert "cannot be told from so few test images" in text
    assert "1,600 | 100.0 % | 98.5 % (96.8 to 99.3 %) | 98.5 % (95.7 to 99.5 %)" in text
    assert "This was not computed" in text_in("without findings", "data-curve")


def test_classes_have_precision_recall_and_f1_with_intervals_for_each_model() -> None:
    text = text_in("complete", "classes")

    assert "cat | Fine-tune | 98.5 % (95.7 to 99.5 %) | 98.5 % (95.7 to 99.5 %) |" in text
    assert "dog | Champion (run 11) | 97.5 % (94.3 to 98.9 %) | 97.0 % (93.6 to 98.6 %) |" in text


def test_of_two_classes_the_second_is_ranked_and_of_three_each() -> None:
    assert "Both curves are for “dog”" in text_in("complete", "ranking")
    text = text_in("three classes", "ranking")
    assert "One class against all others at a time." in text
    assert len(re.findall(r"\[drawing: ROC\.", text)) == 2  # there is no test image of a bird
    assert f"bird | Fine-tune | {NOTHING} | {NOTHING} |" in text


def test_calibration_states_the_error_before_and_after_and_what_the_temperature_was_fitted_on() -> None:
    text = text_in("complete", "calibration")

    assert "differs from how often it is right by 12.4 percentage points" in text
    assert "before temperature scaling by 24.3 percentage points" in text
    assert (
        "The temperature is 0.410: the network was not sure enough of itself. It was fitted on 1,600" in text
    )
    assert "No temperature was fitted" in text_in("without findings", "calibration")


def test_rejection_says_what_is_kept_and_what_that_gives() -> None:
    text = text_in("complete", "coverage")

    assert (
        "at least 90 % sure keeps 56.0 % of the 400 test images, and of these it is right for 98.7 %" in text
    )
    assert [line.split(" |")[0] for line in text.splitlines() if re.match(r"0\.\d+ \|", line)] == [
        "0.5", "0.8", "0.9", "0.95", "0.99",
    ]  # fmt: skip


def test_the_newest_batch_is_compared_with_the_earlier_ones() -> None:
    text = text_in("complete", "arrivals")

    assert "On the 30 test images that came in cycle 7 the fine-tune is right for 80.0 %" in text
    assert "clearly less than on every earlier batch" in text
    assert "Cycle 3 | 50 | 100.0 % (92.9 to 100.0 %) |" in text


def test_one_batch_needs_one_sentence() -> None:
    text = text_in("one batch", "arrivals")

    assert "There is one batch only: all 400 test images came in cycle 4" in text
    assert "|" not in text


def test_many_batches_are_put_together_at_the_old_end() -> None:
    rows = [line for line in text_in("twelve batches", "arrivals").splitlines() if line.startswith("Cycle")]

    assert len(rows) == 8
    assert rows[0].startswith("Cycles 1 to 5 | ")
    assert rows[-1].startswith("Cycle 12 | ")


def test_novel_images_are_shown_where_anything_is_known_of_them() -> None:
    text = text_in("complete", "novelty")

    assert "31 of 1,182 new training images (2.6 %) look unlike every earlier one" in text
    assert "train/cat/added-cat-1.jpg" in text
    assert "The 2 farthest of 31 are shown." in text
    assert "Not computed" in text_in("without findings", "novelty")


def test_hostile_text_stays_text_in_every_section() -> None:
    page = page_of("hostile")

    assert "<b>cat" not in page
    assert "<script>alert" not in page
    assert " ".join(CANARY.split()) in text_in("hostile", "turned")


def test_the_files_of_a_model_that_was_removed_are_said_to_be_gone() -> None:
    removed = datetime(2026, 5, 1, 12, tzinfo=UTC)
    cycle = finished_cycle(finetune=example_details("finetune", 13, model_pruned_at=removed), scratch=None)
    page = text_of(render_cycle(cycle))
    assert "Files of run 13, removed on 2026-05-01 12:00 UTC to save space" in page
