"""Settings: what holds, where it was set, and what is refused."""

import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.config import Config
from jobs.home import Home
from jobs.new_home import make_home, settings_text
from jobs.settings.load import load_config, load_settings
from jobs.settings.setting import settings_of
from pipeline.errors import BadSettings, NoHome, TooFewClasses
from pipeline.recipes import RECIPES


def written(folder: Path, text: str) -> Path:
    file = folder / "whisker.toml"
    file.write_text(text, encoding="utf-8")
    return file


def faults(file: Path, environment: dict[str, str] | None = None, **options: object) -> list[str]:
    with pytest.raises(BadSettings) as refused:
        load_config(file, environment or {}, **options)
    return str(refused.value).split("\n")


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert load_config(tmp_path / "whisker.toml", {}) == Config()


def test_the_file_wins_over_defaults_the_environment_over_it_the_command_line_over_all(
    tmp_path: Path,
) -> None:
    file = written(tmp_path, "seed = 1\nkeep_last = 1\nkeep_days = 1\n[daemon]\nevery = '5s'\n")
    environment = {"WHISKER_SEED": "2", "WHISKER_KEEP_LAST": "2", "PATH": "/bin"}
    loaded = load_settings(file, environment, seed=3, device=None)
    config = loaded.config
    assert (config.seed, config.keep_last, config.keep_days, config.keep_backups) == (3, 2, 1, 7)
    assert config.every == "5s"
    assert {name: item.where for name, item in loaded.given.items()} == {
        "seed": "command line",
        "keep_last": "environment, WHISKER_KEEP_LAST",
        "keep_days": f"{file}, line 3",
        "every": f"{file}, line 5",
    }


def test_a_path_of_the_file_is_meant_relative_to_it_others_to_where_one_is(tmp_path: Path) -> None:
    file = written(tmp_path, "images = 'photos'")
    assert load_config(file, {}).images_folder() == tmp_path / "photos"
    assert load_config(file, {"WHISKER_IMAGES": "photos"}).images_folder() == Path.cwd() / "photos"
    assert load_config(file, {}, images=Path("other")).images_folder() == Path.cwd() / "other"


def test_the_numbers_of_a_recipe_are_set_in_the_file_and_in_the_environment(tmp_path: Path) -> None:
    file = written(tmp_path, "[recipes.fast]\nepochs = 7\nbatch_size = 8\n")
    recipe = load_config(file, {"WHISKER_RECIPES__FAST__BATCH_SIZE": "16"}).resolved_recipe()
    assert (recipe.epochs, recipe.batch_size) == (7, 16)
    assert load_config(file, {}).resolved_recipe({"epochs": "9"}).epochs == 9
    assert load_config(file, {}, backbone="resnet18_v2").resolved_recipe().backbone == "resnet18_v2"


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("WHISKER_CACHE_GB", "2", "cache_gb", 2.0),
        ("WHISKER_BASELINE", "False", "baseline", False),
        ("WHISKER_EVERY", "3s", "every", "3s"),
        ("WHISKER_CRON", "", "cron", ""),
    ],
)
def test_the_text_of_a_variable_becomes_what_the_setting_is(
    tmp_path: Path, variable: str, text: str, name: str, value: object
) -> None:
    found = getattr(load_config(tmp_path / "whisker.toml", {variable: text}), name)
    assert (found, type(found)) == (value, type(value))


def test_the_written_file_holds_every_setting_commented_and_equal_to_the_default(tmp_path: Path) -> None:
    text = settings_text(tmp_path)
    assert load_config(written(tmp_path, text), {}) == Config(images=tmp_path)
    lines = [line.removeprefix("# ") for line in text.splitlines() if " = " in line or line.startswith("[")]
    file = written(tmp_path, "\n".join(lines))
    declared = settings_of(Config)
    assert _names(tomllib.loads(file.read_text())) == {setting.path for setting in declared.values()}
    config = load_config(file, {})
    assert {name: getattr(config, name) for name in declared} == {
        name: tmp_path if name == "images" else getattr(Config(), name) for name in declared
    }
    for name, recipe in RECIPES.items():
        assert load_config(file, {}, recipe=name).resolved_recipe() == recipe


def _names(document: dict[str, object]) -> set[str]:
    tables = {name: value for name, value in document.items() if isinstance(value, dict)}
    inner = {f"{table}.{name}" for table, values in tables.items() if table != "recipes" for name in values}
    return (set(document) - set(tables)) | inner


FAULTS = [
    ("imagse = 'x'", "line 1: unknown setting 'imagse' (did you mean 'images'?)"),
    ("seed = 'x'", "line 1: seed = 'x' is not a whole number"),
    ("seed = 1.0", "line 1: seed = 1.0 is not a whole number"),
    ("images = 3", "line 1: images = 3 is not a path"),
    ('images = "a\\u0000"', "line 1: images = 'a\\x00' is not a path"),
    ("images = '~no-such-user-here/x'", "line 1: images = '~no-such-user-here/x' is not a path"),
    ("baseline = 1", "line 1: baseline = 1 is not true or false"),
    ("seed = -1", "line 1: seed = -1 is not between 0 and 2147483647"),
    ("test_fraction = 1.5", "line 1: test_fraction = 1.5 is not between 0 and 1"),
    ("settle_seconds = -1", "line 1: settle_seconds = -1 is not between 0 and 86400"),
    ("min_new_images = 0", "line 1: min_new_images = 0 is not at least 1"),
    ("loss_limit = 0", "line 1: loss_limit = 0 is not above 0 and at most 1"),
    ("[daemon]\nevry = '1m'", "line 2: unknown setting 'evry' in [daemon] (did you mean 'every'?)"),
    ("\nevery = '1m'", "line 2: unknown setting 'every'; it belongs in [daemon]"),
    ("[daemon]\n\nseed = 1", "line 3: unknown setting 'seed' in [daemon]; it belongs above the first table"),
    ("[deamon]\nx = 1", "line 1: unknown setting 'deamon' (did you mean 'daemon'?)"),
    ("[daemon]\nevery = '0s'", "line 2: the interval '0s' is not between one second and a year"),
    ("[daemon]\ncron = '* * *'", "line 2: the cron expression '* * *' is not understood"),
    ("[daemon]\nstuck_after = 30", "line 2: stuck_after = 30 is not a text"),
    ("[daemon]\npause_after_failures = 0", "line 2: pause_after_failures = 0 is not between 1 and 1000"),
    ("keep_last = -1", "line 1: keep_last = -1 is not between 0 and 1000000"),
    ("keep_backups = 0", "line 1: keep_backups = 0 is not between 1 and 1000"),
    ("min_free_gb = inf", "line 1: min_free_gb = inf is not between 0 and 1000000"),
    ("[recipes.slow]", "line 1: there is no recipe 'slow' to set; there are fast, classic"),
    ("[recipes.fats]\nx = 1", "line 1: there is no recipe 'fats' to set (did you mean 'fast'?)"),
    ("\n[recipes.fast]\nepoch = 1", "line 3: recipes have no setting 'epoch' (did you mean 'epochs'?)"),
    ("[recipes.fast]\nlearning_rate = 1" + 400 * "0", "line 2: learning_rate = 1"),
    ("[recipes.fast]\nbackbone = 'x'", "line 2: there is no backbone 'x'; choose one of efficientnet_lite0"),
    (
        "recipe = 'fsat'",
        "line 1: recipe = 'fsat' is unknown (did you mean 'fast'?); use one of fast, classic",
    ),
    ("backbone = 'x'", "line 1: there is no backbone 'x'; choose one of efficientnet_lite0"),
    ("engine = 'tpu'", "line 1: engine = 'tpu' is unknown; use one of auto, mxnet, onnxruntime"),
    ("cache_gb = -1", "line 1: cache_gb = -1 is not between 0 and 1000000"),
    ("cache_gb = nan", "line 1: cache_gb = nan is not between 0 and 1000000"),
    ("cache_gb = 1" + 400 * "0", "line 1: cache_gb = 1"),
    ("promotion_margin = 1", "line 1: promotion_margin = 1 is not a fraction from 0 to below 1"),
    ("promotion_margin = nan", "line 1: promotion_margin = nan is not a fraction"),
    ("promotion_margin = true", "line 1: promotion_margin = true is not a number"),
    ("auto_promote = 0", "line 1: auto_promote = 0 is not true or false"),
    ("device = 'tpu'", "line 1: device 'tpu' is unknown; use auto, cpu, gpu, gpu:N, or several"),
    ("quiet_hours = 'night'", "line 1: quiet_hours = 'night' is not of the form 22:00-06:00"),
    ("[log]\nlevel = 'loud'", "line 2: level = 'loud' is unknown; use one of debug, info, warning, error"),
    ("[log]\nmax_mb = 0", "line 2: max_mb = 0 is not between 0.1 and 10000"),
    ("[log]\nlog_keep = 1", "line 2: unknown setting 'log_keep' in [log]"),
    ("[notify]\nevents = ['fail']", "line 2: events = ['fail'] is unknown (did you mean 'failed'?); use one"),
    ("[notify]\nevents = 'failed'", "line 2: events = 'failed' is not a list of texts"),
    ("[notify]\nwebhook_secret_file = 'key'", "line 2: webhook_secret_file = 'key' is not a file that can"),
    ("daemon = 3", "line 1: daemon is not a table"),
    ("[[daemon]]", "line 1: daemon is not a table"),
    ("\nrecipes = 3", "line 2: recipes is not a table"),
    ("[recipes]\nfast = 3", "line 2: recipes.fast is not a table"),
    ("[seed]", "line 1: seed = {} is not a whole number"),
    ("seed = 1\nimages = \nseed = 1", "line 2: Invalid value, column 10"),
    ("seed = 1\nseed = 2", "line 2: Cannot overwrite a value"),
    ("\nx = '", "line 2: Expected"),
    ("x = " + 5000 * "[", " cannot be read: its lists are nested too deeply"),
]


@pytest.mark.parametrize(("text", "sentence"), FAULTS)
def test_each_fault_is_one_sentence_that_names_its_line(tmp_path: Path, text: str, sentence: str) -> None:
    (fault,) = faults(written(tmp_path, text))
    assert fault.startswith(f"{tmp_path / 'whisker.toml'}")
    assert sentence in fault


@pytest.mark.parametrize(
    "setting",
    [
        "webhook = 'hooks.example.org/s3cret'",
        "webhook = 'file:///s3cret'",
        "webhook = 'https:///s3cret'",
        "webhook = 'https://a b/s3cret'",
        "webhook = 'https://[::1/s3cret'",
        "webhook = ['s3cret']",
        "webhook = 'https://me:s3cret@example.org'",
        "webhook = 'https://example.org:s3cret'",
        "apprise = 's3cret'",
        "apprise = ['s3cret', 4]",
        "apprise = ['s3cret']",
    ],
)
def test_a_fault_in_a_secret_names_the_setting_and_hides_the_value(tmp_path: Path, setting: str) -> None:
    (fault,) = faults(written(tmp_path, f"[notify]\n{setting}"))
    assert f"line 2: {setting.split()[0]} is not " in fault
    assert "s3cret" not in fault


def test_secrets_are_not_in_the_text_that_python_makes_of_settings() -> None:
    config = Config(notify_webhook="https://example.org/s3cret", notify_apprise=("slack://s3cret",))
    assert "s3cret" not in repr(config) + repr(config.notices())


def test_a_file_with_a_secret_is_found_beside_the_settings(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret")
    file = written(tmp_path, "[notify]\nwebhook_secret_file = 'key'")
    assert load_config(file, {}).notices().webhook_secret_file == tmp_path / "key"


def test_all_faults_of_all_places_are_said_at_once(tmp_path: Path) -> None:
    file = written(tmp_path, "a = 1\nseed = -1\n\n[daemon]\ncron = '* *'\n[recipes.fast]\nepochs = 0\n")
    found = faults(file, {"WHISKER_CACHE_GB": "much", "WHISKER_SEEED": "1"}, device="tpu")
    places = [fault.removeprefix(f"{file}, ").split(":")[0] for fault in found]
    assert places == [
        "line 1",
        "environment, WHISKER_SEEED",
        "line 2",
        "line 5",
        "line 7",
        "environment, WHISKER_CACHE_GB",
        "command line",
    ]


@pytest.mark.parametrize(
    ("variable", "text", "sentence"),
    [
        ("WHISKER_CACHE_GB", "-1", "cache_gb = '-1' is not between 0 and 1000000"),
        ("WHISKER_SEED", "", "seed = '' is not a whole number"),
        ("WHISKER_BASELINE", "yes", "baseline = 'yes' is not true or false"),
        ("WHISKER_EVRY", "1m", "no setting has this name (did you mean 'WHISKER_EVERY'?)"),
        ("WHISKER_RECIPES__SLOW__EPOCHS", "1", "there is no recipe 'slow' to set"),
        ("WHISKER_RECIPES__FAST__EPOCHS", "x", "epochs = 'x' is not a whole number"),
    ],
)
def test_a_fault_in_the_environment_names_the_variable(
    tmp_path: Path, variable: str, text: str, sentence: str
) -> None:
    (fault,) = faults(tmp_path / "whisker.toml", {variable: text})
    assert fault.startswith(f"environment, {variable}: {sentence}")


@pytest.mark.parametrize("value", ["[\n 1,\n 2]", "'''\n\nx = 1'''", '"""a\n[daemon]\n"""'])
def test_a_value_of_several_lines_is_named_by_its_first_and_shifts_no_other(
    tmp_path: Path, value: str
) -> None:
    file = written(tmp_path, f"# first\r\nseed = {value}\nkeep_days = -1\n")
    last = 3 + value.count("\n")
    assert [fault.split(":")[0] for fault in faults(file)] == [f"{file}, line 2", f"{file}, line {last}"]


STATEMENTS = ["", "# a comment", "[daemon]", "x = 1", "z = '''\n[fast]\n'''", "y = [\n1,\n2]", "[recipes]"]


@given(st.lists(st.sampled_from(STATEMENTS), max_size=6, unique=True))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
def test_whatever_stands_above_a_setting_its_line_is_the_right_one(tmp_path: Path, above: list[str]) -> None:
    text = "\n".join([*above, "[recipes.fast]", "epochs = 0"])
    file = written(tmp_path, text)
    assert faults(file)[-1] == f"{file}, line {text.count(chr(10)) + 1}: epochs = 0 is not at least 1"


@given(st.binary(max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_file_whatever_it_holds_is_settings_or_a_sentence(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "whisker.toml"
    file.write_bytes(data)
    try:
        load_config(file, {})
    except BadSettings as error:
        assert str(file) in str(error)


@pytest.mark.parametrize("opened", ["file", "folder"])
def test_settings_that_every_user_may_write_are_refused_with_the_mend(tmp_path: Path, opened: str) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    file = written(home, "seed = 1")
    path = {"file": file, "folder": home}[opened]
    path.chmod(path.stat().st_mode | 0o002)
    (fault,) = faults(file)
    assert fault.endswith(f"run `chmod o-w {path}`")
    path.chmod(path.stat().st_mode & ~0o002)
    assert load_config(file, {}).seed == 1


def test_a_settings_file_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "whisker.toml"
    file.write_bytes(b"seed = 1 # \xff")
    assert "cannot be read" in faults(file)[0]
    file.write_text("#" * 100_001)
    assert "larger than 100000 bytes" in faults(file)[0]
    file.unlink()
    file.mkdir()
    assert "cannot be read" in faults(file)[0]


def test_init_writes_settings_that_others_may_not_write_whatever_the_umask(
    drawn: Path, tmp_path: Path
) -> None:
    before = os.umask(0)
    try:
        make_home(Home(tmp_path / "home"), drawn)
    finally:
        os.umask(before)
    assert load_config(tmp_path / "home" / "whisker.toml", {}).images == drawn


def test_no_image_folder_is_a_sentence_with_the_way_out() -> None:
    with pytest.raises(BadSettings, match="give --images DIR"):
        Config().images_folder()


def test_a_home_is_made_once_and_never_overwritten(drawn: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    assert make_home(home, drawn).classes == ("cat", "dog")
    assert load_config(home.settings_file, {}).images == drawn
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
