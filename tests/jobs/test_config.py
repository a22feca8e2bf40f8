"""Settings."""

import tomllib
from pathlib import Path

import pytest

from jobs.config import Config, load_config, with_overrides
from jobs.home import Home
from jobs.new_home import make_home, settings_text
from pipeline.errors import BadSettings, NoHome, TooFewClasses, UnknownBackbone, UnknownRecipe
from pipeline.recipes import RECIPES


def written(folder: Path, text: str) -> Path:
    file = folder / "whisker.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert load_config(tmp_path / "whisker.toml") == Config()


def test_the_settings_of_the_file_are_taken_and_the_command_line_wins(tmp_path: Path) -> None:
    file = written(
        tmp_path, 'images = "photos"\nseed = 3\n[daemon]\nevery = "5s"\n[recipes.fast]\nepochs = 7\n'
    )
    config = load_config(file)
    assert config.images_folder() == tmp_path / "photos"
    assert (config.seed, config.every) == (3, "5s")
    assert config.resolved_recipe().epochs == 7
    assert config.resolved_recipe({"epochs": "9"}).epochs == 9
    assert with_overrides(config, seed=4, device=None).seed == 4
    assert with_overrides(config, backbone="resnet18_v2").resolved_recipe().backbone == "resnet18_v2"


def test_the_written_file_holds_every_setting_commented_and_equal_to_the_default(tmp_path: Path) -> None:
    text = settings_text(tmp_path)
    assert load_config(written(tmp_path, text)) == Config(
        images=tmp_path, recipe_settings={"fast": {}, "classic": {}}
    )
    lines = [line.removeprefix("# ") for line in text.splitlines() if " = " in line or line.startswith("[")]
    uncommented = "\n".join(lines)
    file = written(tmp_path, uncommented)
    document = tomllib.loads(uncommented)
    config = load_config(file)
    assert (config.recipe, config.every, config.cron, config.min_new_images) == ("fast", "10m", "", 1)
    assert set(document) - {"daemon", "recipes"} == set(Config.__dataclass_fields__) - {
        "every",
        "cron",
        "recipe_settings",
    }
    for name, recipe in RECIPES.items():
        assert with_overrides(config, recipe=name).resolved_recipe() == recipe


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("imagse = 'x'", r"whisker\.toml: unknown setting 'imagse'"),
        ("a = 1\nb = 2", "unknown setting 'a'; unknown setting 'b'"),
        ("seed = 'x'", "seed = 'x' is not of type int"),
        ("baseline = 1", "baseline = 1 is not of type bool"),
        ("seed = -1", "seed = -1 is not between"),
        ("test_fraction = 1.5", "test_fraction = 1.5 is not between 0 and 1"),
        ("settle_seconds = -1", "settle_seconds = -1 is not between"),
        ("min_new_images = 0", "min_new_images = 0 is not at least 1"),
        ("[daemon]\nevry = '1m'", r"unknown setting 'evry' in \[daemon\]"),
        ("[daemon]\nevery = '0s'", "the interval '0s' is not between one second and a year"),
        ("[daemon]\ncron = '* * *'", "the cron expression"),
        ("[recipes.slow]\nepochs = 1", r"there is no recipe 'slow' to set in \[recipes\.slow\]"),
        ("[recipes.fast]\nepoch = 1", r"whisker\.toml, \[recipes\.fast\]: recipes have no setting 'epoch'"),
        ("engine = 'tpu'", "engine = 'tpu' is unknown; use one of auto, mxnet, onnxruntime"),
        ("cache_gb = -1", "cache_gb = -1 is not between"),
        ("cache_gb = nan", "cache_gb = nan is not between"),
        ("promotion_margin = 1", "promotion_margin = 1 is not a fraction from 0 to below 1"),
        ("promotion_margin = -0.1", "promotion_margin = -0.1 is not a fraction"),
        ("promotion_margin = nan", "promotion_margin = nan is not a fraction"),
        ("promotion_margin = true", "promotion_margin = True is not of type float"),
        ("auto_promote = 0", "auto_promote = 0 is not of type bool"),
        ("device = 'tpu'", "device 'tpu' is unknown"),
        ("images = \nseed = 1", "cannot be read: .*line 1"),
        ("daemon = 3", "daemon is not a table"),
        ("[recipes]\nfast = 3", r"recipes\.fast is not a table"),
    ],
)
def test_each_fault_is_one_sentence_that_names_it(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(BadSettings, match=sentence):
        load_config(written(tmp_path, text))


def test_unknown_names_of_recipes_and_backbones_list_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UnknownRecipe, match="fast, classic"):
        load_config(written(tmp_path, "recipe = 'x'"))
    with pytest.raises(UnknownBackbone, match="efficientnet_lite0"):
        load_config(written(tmp_path, "backbone = 'x'"))


def test_no_image_folder_is_a_sentence_with_the_way_out() -> None:
    with pytest.raises(BadSettings, match="give --images DIR"):
        Config().images_folder()


def test_a_home_is_made_once_and_never_overwritten(drawn: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    assert make_home(home, drawn).classes == ("cat", "dog")
    assert load_config(home.settings_file).images == drawn
    home.settings_file.write_text("seed = 5\n")
    with pytest.raises(BadSettings, match="exists already"):
        make_home(home, drawn)
    assert home.settings_file.read_text() == "seed = 5\n"


def test_a_home_inside_the_image_folder_is_refused(drawn: Path) -> None:
    with pytest.raises(BadSettings, match="lies inside the image folder"):
        make_home(Home(drawn / "home"), drawn)
    assert not (drawn / "home").exists()


def test_a_home_for_a_folder_that_cannot_be_used_is_not_made(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    with pytest.raises(TooFewClasses):
        make_home(Home(tmp_path / "home"), tmp_path / "images")
    assert not (tmp_path / "home").exists()


def test_a_missing_home_is_a_sentence_with_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(NoHome, match=r"cli\.py --home .*home init --images DIR"):
        Home(tmp_path / "home").require()
