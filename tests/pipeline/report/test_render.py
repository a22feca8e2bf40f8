"""The pages as a whole. `WHISKER_RENEW_GOLD=1 pytest tests/pipeline/report` renews the gold text."""

import os
import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from hashlib import sha256
from math import nan
from pathlib import Path

import pytest

from pipeline.records import Cycle, EpochMetrics, Promotion, RunDetails, SnapshotSummary, Verdict
from pipeline.report.render import render_cycle, render_index
from pipeline.report.words import NARROW, NOTHING
from pipeline.shown import cycle_page_name
from tests.pipeline import example_cycles as examples
from tests.pipeline import example_runs as runs
from tests.pipeline.example_complete import complete_cycle
from tests.pipeline.example_hostile import CANARY, hostile_cycle
from tests.pipeline.page_text import text_of

pytestmark = pytest.mark.xdist_group("rendered pages")

GOLD = Path(__file__).parents[2] / "data" / "cycle_page.txt"


def with_finetune(**changes: object) -> Cycle:
    return examples.finished_cycle(finetune=runs.example_details("finetune", 13, **changes))


def with_nan_losses() -> Cycle:
    epochs = tuple(
        replace(epoch, train_loss=nan, test_loss=nan, test_accuracy=nan)
        for epoch in runs.example_epochs("finetune")
    )
    return with_finetune(epochs=epochs)


def with_three_classes() -> Cycle:
    classes = ("bird", "cat", "dog")
    evaluation = runs.example_evaluation(6)
    predictions = tuple(replace(p, probabilities=(0.0, *p.probabilities)) for p in evaluation.predictions)
    return examples.finished_cycle(
        snapshot=SnapshotSummary("d", classes, {"train": {"bird": 5}, "test": {"cat": 200, "dog": 200}}, ()),
        finetune=RunDetails(runs.example_run("finetune", 13), replace(evaluation, predictions=predictions)),
        scratch=None,
    )


def without_mistakes() -> Cycle:
    run = runs.example_run("finetune", 13, test_accuracy=1.0)
    return examples.finished_cycle(finetune=RunDetails(run, runs.example_evaluation(0)), thumbnails={})


STATES: dict[str, Callable[[], Cycle]] = {
    "complete": complete_cycle,
    "finished": examples.finished_cycle,
    "failed before any run": examples.failed_cycle,
    "interrupted in its fine-tune": examples.interrupted_cycle,
    "failed in its fine-tune": lambda: replace(examples.interrupted_cycle(), status="failed"),
    "interrupted in its baseline": examples.cycle_cut_off_in_its_baseline,
    "baseline failed": examples.cycle_with_a_failed_baseline,
    "running": lambda: replace(examples.interrupted_cycle(), status="running", finished_at=None, error=None),
    "no verdict": lambda: examples.finished_cycle(verdict=None),
    "no champion": lambda: examples.finished_cycle(champion_id=None, verdict=Verdict("reject", "Too few.")),
    "no baseline": lambda: examples.finished_cycle(scratch=None),
    "no mistakes": without_mistakes,
    "nothing found": lambda: examples.finished_cycle(**examples.NOTHING_FOUND),
    "much found": examples.cycle_with_much_found,
    "a baseline used again": lambda: examples.finished_cycle(scratch_reused=True),
    "no thumbnails": lambda: examples.finished_cycle(thumbnails={}),
    "three classes": with_three_classes,
    "nothing in quarantine": lambda: examples.finished_cycle(snapshot=runs.example_snapshot(0)),
    "1,000 in quarantine": lambda: examples.finished_cycle(snapshot=runs.example_snapshot(1000)),
    "one epoch": lambda: with_finetune(epochs=runs.example_epochs("finetune")[:1]),
    "no epoch": lambda: with_finetune(epochs=()),
    "losses that are not numbers": with_nan_losses,
    "a last stage": lambda: with_finetune(epochs=runs.last_stage_epochs()),
    "hostile": hostile_cycle,
}


@cache
def page_of(state: str) -> str:
    return render_cycle(STATES[state]())


@pytest.mark.parametrize("state", STATES)
def test_every_state_gives_a_valid_page_and_the_same_bytes_twice(state: str) -> None:
    page = page_of(state)

    assert text_of(page)  # parsed strictly
    assert render_cycle(STATES[state]()) == page
    assert page.encode("utf-8")
    ids = re.findall(r'\bid="([^"]*)"', page)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("state", STATES)
def test_a_page_asks_for_nothing_outside_itself(state: str) -> None:
    page = page_of(state)

    used = set(re.findall(r'\b(?:href|src)="([^"#][^"]*)"', page))
    assert {address for address in used if not address.startswith("data:image/")} <= {"index.html"}
    assert "@import" not in page
    (script,) = re.findall("<script>(.*?)</script>", page, re.DOTALL)
    digest = b64encode(sha256(script.encode()).digest()).decode()
    assert (
        f"""content="default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; """
        """img-src data:; base-uri 'none'; form-action 'none'">"""
    ) in page


def test_the_text_of_a_page_is_the_stored_one() -> None:
    text = text_of(page_of("complete"))
    if os.environ.get("WHISKER_RENEW_GOLD") == "1":
        GOLD.write_text(text, encoding="utf-8")

    assert text == GOLD.read_text(encoding="utf-8"), (
        "the page has changed; if that is right, renew the file with WHISKER_RENEW_GOLD=1 and read its diff"
    )


def test_the_verdict_and_both_scores_with_their_intervals_stand_first() -> None:
    first = text_of(page_of("finished")).split("Runs\n")[0]

    assert "Promoted: 98.5 % of 400 test images right" in first
    assert "mends 9 mistakes of run 11" in first
    assert "95 % interval 96.8 to 99.3 %" in first
    assert "55.0 %" in first
    assert "95 % interval 50.1 to 59.8 %" in first


def test_hostile_text_stays_text() -> None:
    page = page_of("hostile")
    text = text_of(page)

    assert "<script>alert(1)</script>.jpg" in text
    assert r"two\nlines\tand\x1b[31mred.jpg" in text
    assert r"photo\u202egpj.exe" in text
    assert "{{7*7}}{% raw %}.jpg" in text
    assert r"caf\xe9.jpg" in text
    assert " ".join(CANARY.split()) in text
    assert page.count("<script") == 1
    assert "<img src=x" not in page


def test_a_cycle_without_mistakes_says_so() -> None:
    assert "None: every test image was given the right class." in text_of(page_of("no mistakes"))


def test_mistakes_are_shown_at_once_also_on_paper() -> None:
    page = page_of("finished")

    assert page.count('<img src="data:image/jpeg;base64,') == 6 + 2 + 6 + 6  # suspects, leaks, changes
    assert "loading=" not in page


def test_of_a_thousand_files_in_quarantine_the_first_are_listed_and_the_rest_counted() -> None:
    text = text_of(page_of("1,000 in quarantine"))

    assert "In quarantine, since they cannot be used: 1,000 files" in text
    assert text.count("train/cat/broken-") == 50
    assert "and 950 more files" in text


def test_losses_that_are_not_numbers_leave_a_word_in_place_of_the_plot() -> None:
    cycle = replace(with_nan_losses(), scratch=None)
    text = text_of(render_cycle(cycle))

    assert text.count("There is no number to draw.") == 4
    assert "not finite" in text


def test_an_epoch_that_is_not_a_number_is_left_out_of_the_plot_only() -> None:
    epochs = runs.example_epochs("scratch")
    broken = (*epochs[:2], EpochMetrics(3, "all layers", nan, 0.5, nan, 0.5, 196.0))
    scratch = runs.example_details("scratch", 14, epochs=broken)
    text = text_of(render_cycle(examples.finished_cycle(scratch=scratch)))

    assert "There is no number to draw." not in text
    assert "| not finite |" in text


def test_all_layers_say_how_often_each_image_was_seen() -> None:
    text = text_of(page_of("finished"))

    assert "Given: training images through the network | 1,600 (each once) | 4,800 (3 times 1,600) |" in text
    assert "Given: epochs | 39 passes over the stored features | 3 passes over the images |" in text
    assert "Best epoch" not in text


def test_a_failed_baseline_of_a_finished_cycle_shows_its_error() -> None:
    text = text_of(page_of("baseline failed"))

    assert "From scratch not tested The run failed, with 0 finished epochs." in " ".join(text.split())
    assert "From scratch: the run failed: the loss became nan in epoch 1" in text
    assert "Run | 13 (finished) | 14 (failed) |" in text
    assert f"Error | {NOTHING} | the loss became nan in epoch 1; choose" in text


def test_a_promotion_survives_on_the_page_of_a_cycle_that_was_cut_off() -> None:
    text = text_of(page_of("interrupted in its baseline"))

    assert "Promoted Interrupted Cycle 7" in text
    assert "Promoted: 98.5 % of 400 test images right" in text
    assert "cut off while it trained the baseline from scratch" in text
    assert "champion stays" not in text


def test_the_page_shows_how_to_run_it_again() -> None:
    text = text_of(page_of("finished"))

    assert (
        "cli.py run-now --images /srv/photos --recipe fast --backbone efficientnet_lite0 --device cpu "
        "--seed 20260314 --set head_strengths=0.0001,0.001,0.01\n"
    ) in text


def test_pages_are_named_so_that_they_sort_by_age() -> None:
    assert [cycle_page_name(n) for n in (7, 12345)] == ["cycle-0007.html", "cycle-12345.html"]


def test_the_index_links_every_cycle_newest_first_and_marks_the_champion() -> None:
    page = render_index(examples.example_history(), 13)
    links = re.findall(r'<th scope="row" data-value="\d+"><a href="(cycle-\d+\.html)">', page)

    assert links == [cycle_page_name(n) for n in range(7, 0, -1)]
    assert text_of(page).count("| Promoted champion | 98.5 %") == 1


def test_the_index_is_the_same_in_whatever_order_the_cycles_come() -> None:
    cycles = examples.example_history()

    assert render_index(cycles, 13) == render_index(cycles[::-1], 13)


def test_an_empty_index_says_what_to_do() -> None:
    text = text_of(render_index((), None))

    assert "There is no champion yet" in text
    assert "No cycle has run yet. Start one with cli.py run-now" in text


def test_the_index_takes_hostile_text_as_text() -> None:
    page = render_index((hostile_cycle(),), 21)

    assert " ".join(CANARY.split()) in text_of(page)
    assert page.count("<script") == 1


def test_a_baseline_that_a_person_promoted_is_the_champion_with_its_own_score() -> None:
    promoted = Promotion(1, 14, runs.STARTED, "to try it", "promote")
    page = render_index(examples.example_history(), 14, [promoted])
    text = text_of(page).replace(NARROW, " ")

    assert "Champion\n55.0 %\n" in text
    assert "14, from cycle 7" in text
    assert "| Promoted champion | 98.5 %" in text
    assert "| 14, cycle 7 | by hand |" in text
    assert "Became champion" in page


@pytest.mark.parametrize("champion_id", [None, 13, 4])
def test_the_index_says_which_run_is_the_champion(champion_id: int | None) -> None:
    text = text_of(render_index(examples.example_history(), champion_id))

    expected = {None: "There is no champion yet", 13: "13, from cycle 7", 4: "Run 4. No tested cycle"}
    assert expected[champion_id] in text


def test_of_many_cycles_the_newest_are_drawn_and_all_are_listed() -> None:
    newest = examples.finished_cycle()
    started = newest.started_at
    cycles = tuple(replace(newest, id=n, started_at=started + n * timedelta(days=1)) for n in range(1, 1001))
    page = render_index(cycles, None)

    assert "The newest 200 cycles are drawn." in page
    assert page.count('<tr data-outcome="') == 1000
    assert len(page) < 3_000_000
    assert "cycles are drawn" not in render_index(cycles[:200], None)
