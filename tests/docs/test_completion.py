"""Completion in real shells: what is offered after Tab."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.docs.conftest import Place

# What bash does at a press of Tab: look up who completes the command, and call that with the words so far.
PRESS_TAB = """\
source <({program} completion bash)
words=("$@")
COMP_WORDS=("${{words[@]}}"); COMP_CWORD=$((${{#words[@]}} - 1))
complete -p "$(basename "$1")" >/dev/null
by=$(complete -p "$(basename "$1")" | sed 's/.*-F \\([^ ]*\\).*/\\1/')
compopt() {{ echo "compopt $1 $2"; }}  # only within a completion of readline's own
"$by" "$1"
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def offered(place: Place, *words: str, program: str = "whisker") -> list[str]:
    done = subprocess.run(
        ["bash", "-eu", "-c", PRESS_TAB.format(program=program), "bash", *words],
        cwd=place.folder, env=place.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("pro",), ["promote"]),
        (("--qu",), ["--quiet"]),
        (("weights", "f"), ["fetch"]),
        (("weights", "fetch", "efficientnet_lite1"), ["efficientnet_lite1"]),
        (("run-now", "--recipe", ""), ["fast", "classic", "thorough"]),
        (("run-now", "--backbone", "resnet18"), ["resnet18_v1", "resnet18_v2", "resnet18_tv"]),
        (("run-now", "--device", "g"), ["gpu"]),
        (("run-now", "--no-b"), ["--no-baseline"]),
        (("predict", "--format", "j"), ["jsonl"]),
        (("completion", ""), ["bash", "zsh", "fish"]),
        (("init", "--images", ""), ["compopt -o dirnames", ""]),
        (("predict", "inb"), ["compopt -o default", ""]),
        (("show", ""), ["3", "2", "1"]),
        (("compare", "1", "2"), ["2"]),
        (("predict", "--run", "3"), ["3"]),
        (("--home", "elsewhere", "show", ""), [""]),
        (("--home", "~/whisker-home", "show", "3"), ["3"]),
    ],
)
def test_bash_completes(finished: Place, words: tuple[str, ...], found: list[str]) -> None:
    at_home = Place(finished.folder, {**finished.environment, "HOME": str(finished.folder)})
    assert offered(at_home, "whisker", *words) == found
    assert not (finished.folder / "elsewhere").exists()


def test_bash_completes_the_script_of_a_checkout(finished: Place, tmp_path: Path) -> None:
    """The first line of cli.py asks for python3.11, which an activated environment has."""
    python = tmp_path / "python3.11"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o700)
    path = f"{tmp_path}:{finished.environment['PATH']}"
    place = Place(REPOSITORY, {**finished.environment, "PATH": path})
    assert offered(place, "./cli.py", "pro", program="./cli.py") == ["promote"]


def test_a_database_that_cannot_be_read_is_no_error_at_tab(finished: Place, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "whisker.db").write_bytes(b"no database" * 500)
    assert offered(finished, "whisker", "--home", str(home), "show", "") == [""]
    assert [path.name for path in home.iterdir()] == ["whisker.db"]


def test_the_recipes_of_the_home_are_offered_too(finished: Place, tmp_path: Path) -> None:
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "mine.toml").touch()
    assert offered(finished, "whisker", "--home", str(tmp_path), "tune", "--recipe", "m") == ["mine"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_script_for_another_shell_is_sound(finished: Place, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    done = finished.run(f"whisker completion {shell} > script.{shell} && {shell} -n script.{shell}")
    assert done.returncode == 0, done.stderr


def test_fish_completes(finished: Place) -> None:
    if shutil.which("fish") is None:
        pytest.skip("fish is not installed")
    lines = 'whisker completion fish | source; complete --do-complete "whisker run-now --recipe f"'
    done = subprocess.run(
        ["fish", "--no-config", "--command", lines],
        cwd=finished.folder, env=finished.environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["fast"]
