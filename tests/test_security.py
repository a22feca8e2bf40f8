"""What the source must not do, looked for in its syntax tree: run what a file says, or call a shell."""

import ast
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

FOLDERS = ("jobs", "pipeline", "db", "templates")
SOURCES = [
    REPOSITORY / "cli.py",
    *sorted(path for folder in FOLDERS for path in (REPOSITORY / folder).rglob("*.py")),
]
RESTRICTED_UNPICKLER = (
    REPOSITORY / "pipeline" / "pretrained" / "torch_pickle.py"
)  # reads pickles, and runs nothing in them
FORBIDDEN_IMPORTS = {"pickle", "marshal", "shelve", "dill", "joblib", "yaml", "cloudpickle", "torch"}
FORBIDDEN_CALLS = {
    "eval", "exec", "compile", "__import__", "load_states", "save_states", "system", "popen", "mktemp",
}  # fmt: skip
HARMLESS = {"re.compile", "platform.system"}
FORBIDDEN_ARGUMENTS = {"allow_pickle=True", "shell=True", "weights_only=False"}


def breaches(source: str, *, may_unpickle: bool = False) -> Iterator[str]:
    """Yield what a source does that it must not."""
    for node in ast.walk(ast.parse(source)):
        forbidden = _imported(node) & FORBIDDEN_IMPORTS
        if forbidden and not may_unpickle:
            yield f"imports {', '.join(forbidden)}"
        if isinstance(node, ast.Call):
            yield from (f"line {node.lineno} has {what}" for what in _of_call(node))


def _imported(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name.split(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom):
        return {(node.module or "").split(".")[0]}
    return set()


def _of_call(node: ast.Call) -> Iterator[str]:
    called = ast.unparse(node.func)
    if called.split(".")[-1] in FORBIDDEN_CALLS and called not in HARMLESS:
        yield called
    for keyword in node.keywords:
        passed = f"{keyword.arg}={ast.unparse(keyword.value)}"
        if passed in FORBIDDEN_ARGUMENTS:
            yield passed


def test_no_source_runs_what_a_file_says_or_calls_a_shell() -> None:
    assert len(SOURCES) > 100
    for path in SOURCES:
        source = path.read_text(encoding="utf-8")
        assert list(breaches(source, may_unpickle=path == RESTRICTED_UNPICKLER)) == [], path


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from torch import load",
        "import yaml as y",
        "trainer.load_states('file')",
        "numpy.load('a', allow_pickle=True)",
        "subprocess.run('ls', shell=True)",
        "os.system('ls')",
        "eval('1')",
        "def f():\n    exec(text)",
    ],
)
def test_what_is_forbidden_is_found(source: str) -> None:
    assert len(list(breaches(source))) == 1


def test_no_template_switches_escaping_off() -> None:
    for path in sorted((REPOSITORY / "templates").glob("*.html")):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\|\s*safe\b|autoescape", text), path.name


def test_the_program_writes_files_that_only_their_owner_can_read(tmp_path: Path) -> None:
    images, home = tmp_path / "images", tmp_path / "home"
    for label in ("cat", "dog"):
        (images / label).mkdir(parents=True)
    command = [
        sys.executable,
        str(REPOSITORY / "cli.py"),
        "--home",
        str(home),
        "init",
        "--images",
        str(images),
    ]
    before = os.umask(0)
    try:
        subprocess.run(command, capture_output=True, check=True)
    finally:
        os.umask(before)
    assert home.exists()
    for path in (home, *home.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
