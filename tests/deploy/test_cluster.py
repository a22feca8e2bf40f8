"""The examples for batch systems: their commands and settings are those of the program."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from jobs.config import Config
from jobs.settings.setting import settings_of
from tests.conftest import REPOSITORY
from tests.docs.command_lines import parse

SLURM = REPOSITORY / "deploy" / "cluster.slurm"
KUBERNETES = REPOSITORY / "deploy" / "cluster.kubernetes.yaml"
NUMBERS = {"SLURM_PROCID": "1", "JOB_COMPLETION_INDEX": "1"}


def commands(text: str) -> Iterator[list[str]]:
    """Yield the arguments of each call of the program."""
    for line in text.splitlines():
        if match := re.match(r'\s*(?:whisker|"\$whisker"|"\$0")\s+(.*)', line.rstrip("& ")):
            words = shlex.split(match[1])
            yield [NUMBERS.get(word.lstrip("$"), word) for word in words]


@pytest.mark.parametrize(("file", "number"), [(SLURM, 3), (KUBERNETES, 3)], ids=["slurm", "kubernetes"])
def test_the_commands_are_those_of_the_program(file: Path, number: int) -> None:
    found = list(commands(file.read_text(encoding="utf-8")))
    assert len(found) == number
    for arguments in found:
        parse(arguments)


def test_a_command_that_is_not_the_programs_would_be_found() -> None:
    with pytest.raises(click.UsageError):
        parse(["--home", "/h", "cluster-node", "--role", "cook", "--index", "1"])


@pytest.mark.parametrize("file", [SLURM, KUBERNETES], ids=["slurm", "kubernetes"])
def test_the_variables_are_settings(file: Path) -> None:
    known = {setting.variable for setting in settings_of(Config).values()} | {"WHISKER_HOME"}
    used = set(re.findall(r"\bWHISKER_[A-Z_]+\b", file.read_text(encoding="utf-8")))
    assert "WHISKER_CLUSTER_HOSTS" in used
    assert used <= known


def test_a_shell_can_read_the_batch_script() -> None:
    subprocess.run(["bash", "-n", str(SLURM)], check=True)


def test_kubernetes_gets_a_service_a_policy_and_a_job_of_one_name() -> None:
    documents = list(yaml.safe_load_all(KUBERNETES.read_text(encoding="utf-8")))
    assert [document["kind"] for document in documents] == ["Service", "NetworkPolicy", "Job"]
    assert {document["metadata"]["name"] for document in documents} == {"whisker"}
    job = documents[-1]["spec"]
    container = job["template"]["spec"]["containers"][0]
    environment = {variable["name"]: variable["value"] for variable in container["env"]}
    hosts = environment["WHISKER_CLUSTER_HOSTS"].split()
    assert len(hosts) == job["completions"] == job["parallelism"]
    assert hosts == [f"whisker-{index}.whisker" for index in range(len(hosts))]
    subprocess.run(["bash", "-n", "-c", container["args"][0]], check=True)
