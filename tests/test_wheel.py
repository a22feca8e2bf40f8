"""The wheel: what is in it, and that the program works from it alone, in any folder."""

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY

pytestmark = pytest.mark.xdist_group("wheel")

PACKAGES = ("jobs", "pipeline", "db", "templates")
OF_TEMPLATES = {".py", ".html", ".css", ".js", ".toml"}
PATIENCE_SECONDS = 120.0


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of a copy, since setuptools would take what an earlier build has left here."""
    source, folder = tmp_path_factory.mktemp("source") / "whisker", tmp_path_factory.mktemp("wheel")
    left_out = shutil.ignore_patterns(".*", "build", "*.egg-info", "__pycache__", "whisker-*")
    shutil.copytree(REPOSITORY, source, ignore=left_out)
    options = ("--no-deps", "--no-build-isolation", "--quiet", "--wheel-dir")
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, folder, source], check=True)
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel in an environment of its own, which finds all other packages where they are."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    options = ("--no-deps", "--no-index", "--quiet")
    pip = (sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install")
    subprocess.run([*pip, *options, wheel], check=True)
    return folder / "bin" / "whisker"


def command(program: Path, folder: Path, *words: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [program, *map(str, words)],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def environment() -> dict[str, str]:
    """Return an environment that leads to no checkout."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, "WHISKER_SETTLE_SECONDS": "0"}


def document(done: "subprocess.CompletedProcess[str]") -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_everything_that_the_program_needs_is_in_the_wheel_and_nothing_else(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    files = {
        str(path.relative_to(REPOSITORY))
        for package in PACKAGES
        for path in (REPOSITORY / package).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert names == files | {"cli.py"}
    assert {Path(name).suffix for name in names if name.startswith("templates/")} >= OF_TEMPLATES


def test_the_program_of_the_wheel_is_not_that_of_the_checkout(program: Path, tmp_path: Path) -> None:
    modules = "cli", "db", "jobs", "pipeline", "templates"
    code = f"import {', '.join(modules)}\nfor m in ({', '.join(modules)}): print(m.__file__)"
    done = subprocess.run(
        [program.with_name("python"), "-c", code],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    installed = program.parent.parent
    assert all(Path(file).is_relative_to(installed) for file in done.stdout.split())


def test_the_program_of_the_wheel_works_from_any_folder(program: Path, drawn: Path, tmp_path: Path) -> None:
    assert command(program, tmp_path, "--version").stdout.startswith("whisker, version ")
    assert document(command(program, tmp_path, "--json", "init", "--images", drawn))["classes"] == [
        "cat",
        "dog",
    ]
    done = document(command(program, tmp_path, "--json", "run-now", "--no-baseline"))
    assert done["verdict"]["decision"] == "first"
    assert "<style>" in Path(done["report"]).read_text(encoding="utf-8")
    predicted = document(command(program, tmp_path, "--json", "predict", drawn / "test"))
    assert len(predicted["predictions"]) == 12
    look_by_the_daemon(program, tmp_path)


def look_by_the_daemon(program: Path, folder: Path) -> None:
    """Let the daemon look once: it starts the installed program, too."""
    before = document(command(program, folder, "--json", "status"))["last_look"]
    daemon = subprocess.Popen(
        [program, "daemon"], cwd=folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        end = time.monotonic() + PATIENCE_SECONDS
        while (look := document(command(program, folder, "--json", "status"))["last_look"]) == before:
            assert time.monotonic() < end, "the daemon has not looked"
            time.sleep(0.5)
        assert look["outcome"] == "nothing-new"
    finally:
        daemon.send_signal(signal.SIGTERM)
        _, said = daemon.communicate(timeout=PATIENCE_SECONDS)
    assert daemon.returncode == 128 + signal.SIGTERM, said
