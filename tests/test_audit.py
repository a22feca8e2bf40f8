"""What CI makes of pip-audit's answer, in the form that pip-audit 2.10 gives it."""

import importlib.util
from typing import Any

import pytest

from tests.conftest import REPOSITORY


@pytest.fixture
def audit() -> Any:
    spec = importlib.util.spec_from_file_location("audit", REPOSITORY / ".ci" / "audit.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def package(name: str, *fixes: list[str]) -> dict[str, Any]:
    holes = [{"id": f"CVE-{n}", "fix_versions": fix, "aliases": []} for n, fix in enumerate(fixes)]
    return {"name": name, "version": "1.0", "vulns": holes}


UNKNOWN = {"name": "pillow", "skip_reason": "Dependency not found on PyPI and could not be audited"}


@pytest.mark.parametrize(
    ("packages", "status", "words"),
    [
        ([package("pillow")], 0, "audited 1 of 1 packages: 0 known holes"),
        ([package("pillow", ["13.0.1"]), package("click")], 1, "pillow 1.0: CVE-0, mended in 13.0.1"),
        ([package("pillow", [])], 0, "mended in no version"),
        ([package("numpy", ["1.24"])], 0, "audited 1 of 1 packages: 1 known holes"),
        ([UNKNOWN, UNKNOWN], 0, "audit skipped: the service knows none of the packages"),
        ([UNKNOWN, package("click")], 0, "audited 1 of 2 packages"),
    ],
)
def test_only_a_hole_that_an_update_would_close_fails(
    audit: Any, capsys: pytest.CaptureFixture[str], packages: list[Any], status: int, words: str
) -> None:
    assert audit.judge({"dependencies": packages, "fixes": []}) == status
    assert words in capsys.readouterr().out


def test_a_program_that_cannot_be_run_says_nothing(audit: Any) -> None:
    assert audit.run("/nowhere/pip-audit") == ""
