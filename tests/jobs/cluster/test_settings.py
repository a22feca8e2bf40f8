"""The settings of [cluster]: what fits, and one sentence for what does not."""

import sys
from pathlib import Path

import pytest

from jobs.cluster.nodes import nodes_of, ssh_command
from jobs.cluster.settings import free_port
from jobs.config import Config
from jobs.settings.load import load_config
from pipeline.errors import BadSettings
from tests.jobs.cluster.jobs import needs_horovod

TWO = 'hosts = ["localhost", "127.0.0.1"]'
HOROVOD = f'{TWO}\nkvstore = "horovod"'
FAR = 'hosts = ["a.lan", "me@b.lan"]\nstart = "ssh"\nscheduler = "10.0.0.1"'


def load(folder: Path, text: str) -> Config:
    file = folder / "whisker.toml"
    file.write_text(f"[cluster]\n{text}\n")
    file.chmod(0o600)
    return load_config(file, {})


def test_without_hosts_there_is_no_cluster(tmp_path: Path) -> None:
    assert load(tmp_path, "").cluster() is None


def test_servers_are_dealt_out_to_the_hosts_of_the_workers(tmp_path: Path) -> None:
    cluster = load(tmp_path, f'{FAR}\nservers = 3\ndevices = ["gpu:0,1"]').cluster()
    assert cluster is not None
    assert [str(node) for node in nodes_of(cluster)] == [
        "scheduler 0 on 10.0.0.1",
        "server 0 on a.lan",
        "server 1 on me@b.lan",
        "server 2 on a.lan",
        "worker 0 on a.lan",
        "worker 1 on me@b.lan",
    ]
    assert cluster.devices == ("gpu:0,1", "gpu:0,1")
    assert cluster.summary == "2 workers, 3 servers"


@needs_horovod
def test_horovod_has_no_servers(tmp_path: Path) -> None:
    cluster = load(tmp_path, HOROVOD).cluster()
    assert cluster is not None
    assert [node.role for node in nodes_of(cluster)] == ["scheduler", "worker", "worker"]
    assert cluster.summary == "2 workers, Horovod"


def test_without_horovod_the_settings_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "horovod", None)  # as where it is not installed
    with pytest.raises(
        BadSettings, match=r"needs Horovod, built for .*, on this machine .* deploy/horovod.sh installs it"
    ):
        load(tmp_path, HOROVOD)


def test_a_list_of_hosts_may_stand_in_the_environment(tmp_path: Path) -> None:
    environment = {"WHISKER_CLUSTER_HOSTS": "localhost localhost localhost"}
    assert load_config(tmp_path / "whisker.toml", environment).cluster_hosts == ("localhost",) * 3


def test_what_ssh_runs_is_one_word_for_its_shell(tmp_path: Path) -> None:
    cluster = load(tmp_path, f'{FAR}\nssh_options = ["-p", "2222"]').cluster()
    assert cluster is not None
    command = ssh_command(cluster, "me@b.lan", ["a program", "it's"])
    assert command[-5:] == ["-p", "2222", "--", "me@b.lan", "exec 'a program' 'it'\"'\"'s'"]
    assert "BatchMode=yes" in command


def test_a_scheduler_listens_on_this_machine_or_nothing_begins(tmp_path: Path) -> None:
    here, elsewhere = (
        load(tmp_path, f"{TWO}\nscheduler = {text!r}").cluster() for text in ("", "192.0.2.77")
    )
    assert here is not None
    assert elsewhere is not None
    assert free_port(here) > 0
    with pytest.raises(BadSettings, match=r"scheduler = '192.0.2.77' is no address of this machine"):
        free_port(elsewhere)


WRONG = {
    "a host that ssh would read as an option": ('hosts = ["-oProxyCommand=x"]', "is no name or IPv4 address"),
    "a host with blanks": ('hosts = ["a b"]', "is no name or IPv4 address"),
    "no list": ('hosts = "localhost"', "is not a list of texts"),
    "a way to start that there is not": (f'{TWO}\nstart = "slurm"', "use one of local, ssh, by-hand"),
    "another host, started here": ('hosts = ["a.lan"]', 'hosts names a.lan; write "localhost"'),
    "nobody can reach the scheduler": (
        'hosts = ["a.lan"]\nstart = "ssh"',
        "scheduler must be the name or address by which a.lan reaches this machine",
    ),
    "it is on the loopback": (f"{FAR.replace('10.0.0.1', 'localhost')}", "scheduler must be the name"),
    "devices for three": (f'{TWO}\ndevices = ["cpu", "cpu", "cpu"]', "names 3 devices for 2 hosts"),
    "an unknown device": (f'{TWO}\ndevices = ["tpu"]', "device 'tpu' is unknown"),
    "more devices here than there": (
        f'{TWO}\ndevices = ["gpu:0", "gpu:0,1"]',
        "as many devices for one host",
    ),
    "no server": (f"{TWO}\nservers = 0", "is not between 1 and 1000"),
    "another way to add up": (f'{TWO}\nkvstore = "nccl"', "use one of dist_sync, horovod"),
    "servers of Horovod": (f"{HOROVOD}\nservers = 2", 'kvstore = "horovod" has no servers'),
    "several devices by Horovod": (
        f'{HOROVOD}\ndevices = ["gpu:0,1"]',
        "gives each worker one device, and not gpu:0,1",
    ),
    "no port": (f"{TWO}\nport = 70000", "is not between 0 and 65535"),
    "patience without end": (f'{TWO}\npatience = "forever"', "is not a number with s, m, h or d"),
    "a home that depends on a folder": (f'{TWO}\nhome = "there"', "is not a path that begins with /"),
}


@pytest.mark.parametrize(("text", "said"), WRONG.values(), ids=WRONG)
def test_what_does_not_fit_is_said_in_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadSettings) as raised:
        load(tmp_path, text)
    assert said in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1
