"""Recipes of a home's own."""

from dataclasses import replace
from pathlib import Path

import pytest

from jobs.settings.load import load_config, load_settings
from jobs.settings.own_recipe import file_of, names_of, recipe_text
from jobs.settings.rows import Row, rows_of
from pipeline.errors import BadSettings
from pipeline.recipes import recipe_named

MINE = 'base = "fast"\nhead_strengths = [0.02]\nlast_stage_epochs = 2\n'


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    (tmp_path / "recipes").mkdir()
    return tmp_path / "whisker.toml"


def written(settings_file: Path, text: str, name: str = "mine") -> Path:
    file = settings_file.parent / "recipes" / f"{name}.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_it_is_chosen_by_its_name_and_is_one_of_whiskers_with_changes(settings_file: Path) -> None:
    written(settings_file, MINE)
    expected = replace(recipe_named("fast"), name="mine", head_strengths=(0.02,), last_stage_epochs=2)
    settings_file.write_text('recipe = "mine"\n')
    assert load_config(settings_file, {}).resolved_recipe() == expected
    settings_file.unlink()
    assert load_config(settings_file, {}, recipe="mine").resolved_recipe() == expected
    assert load_config(settings_file, {"WHISKER_RECIPE": "mine"}).resolved_recipe() == expected
    assert load_config(settings_file, {}).resolved_recipe() == recipe_named("fast")


def test_the_environment_and_the_command_line_win_over_its_file(settings_file: Path) -> None:
    written(settings_file, MINE)
    environment = {"WHISKER_RECIPES__MINE__LAST_STAGE_EPOCHS": "3"}
    config = load_config(settings_file, environment, recipe="mine", backbone="resnet18_v2")
    recipe = config.resolved_recipe({"batch_size": "8"})
    assert (recipe.last_stage_epochs, recipe.batch_size, recipe.backbone) == (3, 8, "resnet18_v2")


def test_what_is_set_of_the_recipe_below_it_is_not_its_own(settings_file: Path) -> None:
    written(settings_file, MINE)
    settings_file.write_text('recipe = "mine"\n[recipes.fast]\nbatch_size = 5\n')
    assert load_config(settings_file, {}).resolved_recipe().batch_size == 32


def test_config_shows_each_of_its_settings_with_its_place(settings_file: Path) -> None:
    file = written(settings_file, MINE)
    rows = {row.name: row for row in rows_of(load_settings(settings_file, {}, recipe="mine"))}
    place = Row("recipes.mine.last_stage_epochs", 2, "file", f"{file}, line 3")
    assert rows[place.name] == place
    assert rows["recipes.mine.epochs"] == Row("recipes.mine.epochs", 100, "default", "default")
    assert "recipes.fast.epochs" not in rows


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("epochs = 3", ': it has no line such as base = "fast"'),
        ("\nbase = 'fsat'", ", line 2: base = 'fsat' is unknown (did you mean 'fast'?); use one of fast"),
        ("base = 3", ", line 1: base = 3 is unknown; use one of fast"),
        ("base = 'mine'", ", line 1: base = 'mine' is unknown"),
        ("base = 'fast'\nepoch = 3", ", line 2: recipes have no setting 'epoch' (did you mean 'epochs'?)"),
        ("base = 'fast'\nname = 'x'", ", line 2: recipes have no setting 'name'"),
        ("base = 'fast'\ntrains = 'head'", ", line 2: recipes have no setting 'trains'"),
        ("base = 'fast'\nepochs = 0", ", line 2: epochs = 0 is not at least 1"),
        ("base = 'fast'\nbackbone = 'x'", ", line 2: there is no backbone 'x'"),
        ("base = 'fast'\n[more]\nepochs = 1", ", line 2: recipes have no setting 'more'"),
        ("base = 'fast'\n\nepochs = ", ", line 3: Invalid value"),
        ("base = 'fast'\nbase = 'classic'", ", line 2: Cannot overwrite a value"),
    ],
)
def test_each_fault_of_its_file_is_one_sentence_that_names_the_line(
    settings_file: Path, text: str, sentence: str
) -> None:
    file = written(settings_file, text)
    with pytest.raises(BadSettings) as refused:
        load_config(settings_file, {}, recipe="mine")
    (fault,) = str(refused.value).split("\n")
    assert fault.startswith(f"{file}{sentence}")


def test_a_broken_file_is_no_fault_until_it_is_chosen(settings_file: Path) -> None:
    written(settings_file, "nonsense")
    assert load_config(settings_file, {}).resolved_recipe() == recipe_named("fast")


def test_a_file_that_everybody_may_write_is_refused(settings_file: Path) -> None:
    written(settings_file, MINE).chmod(0o666)
    with pytest.raises(BadSettings, match="may be written by every user"):
        load_config(settings_file, {}, recipe="mine")


@pytest.mark.parametrize("name", ["min", "", "../whisker", "/etc/passwd", "Mine", "recipes/mine", "x" * 41])
def test_a_name_that_there_is_not_or_cannot_be_lists_those_that_there_are(
    settings_file: Path, name: str
) -> None:
    written(settings_file, MINE)
    settings_file.with_name("other.toml").write_text(MINE)
    with pytest.raises(BadSettings, match=r"^command line: recipe = .* is unknown.*use one of fast.*, mine$"):
        load_config(settings_file, {}, recipe=name)


def test_a_file_with_the_name_of_one_of_whiskers_is_not_used_in_silence(settings_file: Path) -> None:
    file = written(settings_file, MINE, "classic")
    assert load_config(settings_file, {}).recipe == "fast"
    with pytest.raises(BadSettings) as refused:
        load_config(settings_file, {}, recipe="classic")
    assert str(refused.value) == f"{file} is not used, since 'classic' is a recipe of Whisker's; rename it"
    assert names_of(settings_file) == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("fast", "'fast' is a recipe of Whisker's"),
        ("../x", "'../x' is no name for a recipe"),
        ("", "'' is no name for a recipe"),
        ("a\nb", "is no name for a recipe"),
    ],
)
def test_a_new_one_takes_no_name_of_whiskers_and_no_path(settings_file: Path, name: str, reason: str) -> None:
    with pytest.raises(BadSettings, match=reason):
        file_of(settings_file, name)


def test_the_text_of_one_holds_all_that_differs_and_reads_as_it_was(settings_file: Path) -> None:
    recipe = replace(
        recipe_named("fast"),
        name="mine",
        backbone="resnet18_v2",
        head_strengths=(1e-05, 0.5),
        center_crop=True,
        last_stage_learning_rate=0.0123,
        baseline_epochs=1,
    )
    written(settings_file, recipe_text(recipe, "fast", ["a comment"]))
    assert load_config(settings_file, {}, recipe="mine").resolved_recipe() == recipe
