"""The command `config`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import cli
from jobs.config import Config
from jobs.settings.load import load_settings
from jobs.settings.rows import Row, rows_of
from jobs.settings.setting import settings_of

TEXT = """
seed = 3
[notify]
webhook = "https://example.org/s3cret"
apprise = ["mailto://me:s3cret@example.org"]
[recipes.classic]
epochs = 2
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "whisker.toml"
    file.write_text(TEXT)
    return file


def test_each_setting_has_its_value_and_says_where_it_was_set(file: Path) -> None:
    rows = {row.name: row for row in rows_of(load_settings(file, {"WHISKER_KEEP_LAST": "3"}))}
    assert {setting.path for setting in settings_of(Config).values()} <= set(rows)
    assert rows["seed"] == Row("seed", 3, "file", f"{file}, line 2")
    assert rows["keep_last"] == Row("keep_last", 3, "environment", "environment, WHISKER_KEEP_LAST")
    assert rows["daemon.every"] == Row("daemon.every", "10m", "default", "default")
    assert rows["recipes.fast.epochs"] == Row("recipes.fast.epochs", 100, "default", "default")
    assert rows["recipes.classic.epochs"] == Row("recipes.classic.epochs", 2, "file", f"{file}, line 7")
    assert rows["notify.webhook"].value == "https://example.org/***"
    assert rows["notify.apprise"].value == ["mailto://***"]


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_the_command_shows_all_and_no_secret(file: Path, options: list[str]) -> None:
    result = CliRunner().invoke(cli, ["--home", str(file.parent), *options, "config"])
    assert result.exit_code == 0
    assert f"{file},line2" in "".join(result.output.split()), "a long path is shown over two lines"
    assert "s3cret" not in result.output


def test_a_home_is_named_by_a_variable_too(file: Path) -> None:
    runner = CliRunner(env={"WHISKER_HOME": str(file.parent)})
    document = json.loads(runner.invoke(cli, ["--json", "config"]).output)
    assert document["file"] == str(file)
    assert {"name": "seed", "value": 3, "source": "file", "where": f"{file}, line 2"} in document["settings"]
