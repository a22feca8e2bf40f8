"""The command `tune`."""

import json
import os
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import cli
from tests.processes import read_until, started

SETTLED = {"WHISKER_SETTLE_SECONDS": "0", "WHISKER_ENGINE": "onnxruntime"}


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_it_says_what_was_tried_and_what_came_of_it(drawn: Path, tmp_path: Path, form: list[str]) -> None:
    words = ["--home", str(tmp_path / "home"), *form, "tune", "--images", str(drawn), "--trials", "1"]
    result = CliRunner(env=SETTLED).invoke(cli, words)
    assert result.exit_code == 0, result.stderr
    if form:
        document = json.loads(result.stdout)
        assert (document["begun_with"], document["test_images_used"]) == ("fast", 0)
        assert [trial["ending"] for trial in document["trials"]] == ["finished", "finished"]
    else:
        assert "1 trial in" in result.stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--minutes", "1", "--trials", "1"], "give --minutes or --trials, not both"),
        (["--minutes", "-1"], "Invalid value for '--minutes'"),
        (["--trials", "0"], "Invalid value for '--trials'"),
        (["--recipe", "slow"], "recipe = 'slow' is unknown; use one of fast"),
        (["--recipe", "classic"], "'classic' trains all layers"),
        (["--name", "classic"], "'classic' is a recipe of Whisker's"),
        ([], "no image folder is set"),
    ],
)
def test_wrong_use_is_one_sentence(tmp_path: Path, words: list[str], sentence: str) -> None:
    result = CliRunner().invoke(cli, ["--home", str(tmp_path / "home"), "tune", *words])
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert not (tmp_path / "home").exists()


def test_a_signal_ends_it_with_the_best_so_far(drawn: Path, tmp_path: Path) -> None:
    words = ("--home", tmp_path / "home", "--json", "tune", "--images", drawn)
    with started(*words, environment={**os.environ, **SETTLED}) as process:
        read_until(process, "trial 1:")
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 143
    document = json.loads(out)
    assert (document["status"], document["recipe"], document["confirmation"]) == ("stopped", None, None)
    assert len(document["trials"]) >= 2
    assert not (tmp_path / "home" / "recipes").exists()
