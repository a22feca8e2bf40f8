"""Searching for settings in a home, on drawn images."""

import io
import logging
import os
import shutil
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from rich.console import Console

from jobs.display_tune import show_tuned, tune_document
from jobs.glance import images_of_a_cycle
from jobs.home import Home
from jobs.lock import hold
from jobs.settings.load import load_config
from jobs.stop import StopFlag
from jobs.tune import Tuned, TuneRequest, tune
from jobs.tune_ground import prepare_ground
from pipeline.errors import (
    BadSettings,
    CannotTune,
    Interrupted,
    Locked,
    NoSettledImages,
    TooFewImages,
)
from pipeline.evaluate import Progress, silent
from pipeline.recipes import recipe_named
from tests.jobs.cycles import cycles, request, run

HELD_BACK = (1e-5,)  # so strongly that there is much to gain


def asked(folder: Path, images: Path, **changes: Any) -> TuneRequest:
    """Return a request for one proposal, which only fixes the strength of the head."""
    cycle = request(folder, images)
    recipe = replace(recipe_named("fast"), batch_size=8)
    return replace(TuneRequest(cycle.home, cycle.config, recipe, "tuned", trials=1), **changes)


def tuned(asked: TuneRequest, progress: Progress = silent, flag: StopFlag | None = None) -> Tuned:
    return tune(asked, flag or StopFlag(), progress)


def losses(found: Tuned) -> list[list[float]]:
    return [one.losses.tolist() for one in found.tried]


def files(home: Home) -> set[str]:
    return {file.name for file in home.folder.iterdir()} - {"cache", "tune.lock"}


def test_what_is_better_becomes_a_recipe_that_cycles_train_with(images: Path, tmp_path: Path) -> None:
    held_back = replace(recipe_named("fast"), batch_size=8, head_strengths=HELD_BACK)
    found = tuned(asked(tmp_path, images, recipe=held_back, trials=2))
    assert found.confirmation is not None
    home = found.request.home
    assert found.written == home.recipes / "tuned.toml"
    assert files(home) == {"recipes"}
    config = load_config(home.settings_file, {}, recipe="tuned")
    best = replace(found.confirmation.after.recipe, name="tuned")
    assert config.resolved_recipe() == best
    text = found.written.read_text()
    assert "# Found by `cli.py tune`" in text
    assert 'base = "fast"' in text
    cycle = request(tmp_path, images)
    run(replace(cycle, recipe=config.resolved_recipe()))
    (made,) = cycles(cycle)
    assert made.finetune is not None
    assert made.finetune.run.recipe == "tuned"
    assert made.finetune.run.settings["head_strengths"] == list(best.head_strengths)
    document = tune_document(found)
    assert (document["status"], document["recipe"]) == ("better", str(found.written))
    assert document["confirmation"]["log_loss_change"]["high"] < 0
    assert [trial["number"] for trial in document["trials"]] == [0, 1, 2]
    before = home.database.read_bytes()
    tuned(asked(tmp_path, images, name="another"))
    assert home.database.read_bytes() == before


def words(found: Tuned) -> str:
    console = Console(width=400, file=io.StringIO())
    show_tuned(console, found)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_where_nothing_is_gained_no_recipe_is_made_and_it_says_what_was_done(
    images: Path, tmp_path: Path
) -> None:
    found = tuned(asked(tmp_path, images))
    assert found.written is None
    assert files(found.request.home) == set()
    assert tune_document(found)["status"] == "nothing gained"
    said = words(found)
    assert "1 trial in " in said
    assert "training images, each by a training without it; the test images were not used" in said
    assert "chosen from 9" in said
    assert "no recipe was written" in said


def test_a_test_set_that_is_gone_once_the_folder_was_looked_at_changes_nothing(
    images: Path, tmp_path: Path
) -> None:
    expected = tuned(asked(tmp_path / "one", images))

    def progress(stage: str, done: int, total: int) -> None:
        if stage == "features" and done < total:
            shutil.rmtree(images / "test", ignore_errors=True)

    found = tuned(asked(tmp_path / "other", images), progress)
    assert not (images / "test").exists()
    assert losses(found) == losses(expected)
    assert [one.recipe for one in found.tried] == [one.recipe for one in expected.tried]


def test_the_labels_of_the_test_images_change_nothing(images: Path, tmp_path: Path) -> None:
    expected = tuned(asked(tmp_path / "one", images))
    (images / "test" / "cat").rename(images / "test" / "none")
    (images / "test" / "dog").rename(images / "test" / "cat")
    (images / "test" / "none").rename(images / "test" / "dog")
    assert losses(tuned(asked(tmp_path / "other", images))) == losses(expected)


def test_near_duplicates_are_judged_by_trainings_without_each_other(images: Path, tmp_path: Path) -> None:
    originals = sorted((images / "train" / "cat").iterdir())[:4]
    for file in originals:
        with Image.open(file) as image:
            image.save(file.with_name(f"again-{file.stem}.png"))
    request = asked(tmp_path, images)
    snapshot, prints = images_of_a_cycle(request.home, request.config, StopFlag(), silent)
    request.home.create(images)
    ground, part = prepare_ground(request, snapshot, prints, StopFlag(), silent)
    places = {os.fsdecode(image.path): int(part[n]) for n, image in enumerate(ground.train.images)}
    pairs = [(f"train/cat/{f.name}", f"train/cat/again-{f.stem}.png") for f in originals]
    assert all(places[one] == places[other] for one, other in pairs)


def test_it_waits_for_no_cycle_and_none_for_it_but_for_another_search(images: Path, tmp_path: Path) -> None:
    request = asked(tmp_path, images)
    request.home.folder.mkdir()
    with hold(request.home.lock_file, "a cycle"):
        assert tuned(request).tried
    with hold(request.home.tune_lock_file, "a search for settings"), pytest.raises(Locked):
        tuned(request)


@pytest.mark.parametrize("trial", [0, 1])
def test_a_signal_ends_it_with_the_best_so_far_and_nothing_written(
    images: Path, tmp_path: Path, trial: int
) -> None:
    flag = StopFlag()

    def progress(stage: str, done: int, total: int) -> None:
        if (stage, done) == ("trials", trial):
            flag.signal_number = signal.SIGTERM

    found = tuned(asked(tmp_path, images, trials=5), progress, flag)
    assert (found.stopped, len(found.tried), found.written) == (143, trial + 1, None)
    assert files(found.request.home) == set()
    assert tune_document(found)["status"] == "stopped"
    assert "the best so far" in words(found)


def test_a_signal_before_the_first_trial_is_an_end_as_of_other_commands(images: Path, tmp_path: Path) -> None:
    flag = StopFlag()
    flag.signal_number = signal.SIGINT
    with pytest.raises(Interrupted):
        tuned(asked(tmp_path, images), flag=flag)


def test_time_that_is_up_ends_it_within_a_trial_but_the_recipe_as_it_is_is_judged(
    images: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "whisker"):
        found = tuned(asked(tmp_path, images, trials=None, minutes=0.0))
    assert ([one.number for one in found.tried], found.confirmation, found.stopped) == ([0], None, None)
    assert "the recipe fast as it is: log loss" in caplog.text
    assert "no trial was better: fast is as good, so no recipe was written" in words(found)


REFUSED: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"name": "fast"}, BadSettings, "'fast' is a recipe of Whisker's"),
    ({"name": "../../etc/x"}, BadSettings, "is no name for a recipe"),
    ({"recipe": recipe_named("classic")}, CannotTune, "'classic' trains all layers"),
]


@pytest.mark.parametrize(("changes", "error", "sentence"), REFUSED)
def test_what_cannot_be_is_refused_before_anything_is_written(
    images: Path, tmp_path: Path, changes: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    request = asked(tmp_path, images, **changes)
    with pytest.raises(error, match=sentence):
        tuned(request)
    assert not request.home.folder.exists()


def test_a_recipe_that_is_there_is_overwritten_only_if_that_is_asked_for(
    images: Path, tmp_path: Path
) -> None:
    request = asked(tmp_path, images)
    request.home.recipes.mkdir(parents=True)
    (request.home.recipes / "tuned.toml").write_text('base = "classic"')
    with pytest.raises(BadSettings, match=r"tuned.toml exists already.*--overwrite"):
        tuned(request)
    held_back = replace(request.recipe, head_strengths=HELD_BACK)
    found = tuned(replace(request, recipe=held_back, overwrite=True, trials=2))
    assert found.written is not None
    assert 'base = "fast"' in found.written.read_text()


def test_without_optuna_one_sentence_says_how_to_install_it(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(BadSettings, match=r"run `pip install 'whisker\[tune\]'`"):
        tuned(asked(tmp_path, images))


def test_too_few_images_are_named_with_how_many_there_must_be(images: Path, tmp_path: Path) -> None:
    for file in sorted((images / "train" / "dog").iterdir())[7:]:
        file.unlink()
    with pytest.raises(TooFewImages, match="class 'dog' has 7 images to train on"):
        tuned(asked(tmp_path, images))


def test_a_folder_of_which_nothing_has_settled_is_left_alone(images: Path, tmp_path: Path) -> None:
    request = asked(tmp_path, images)
    waiting = replace(request, config=replace(request.config, settle_seconds=3600.0))
    with pytest.raises(NoSettledImages):
        tuned(waiting)
