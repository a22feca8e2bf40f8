"""The command `cluster-node`: this process is one of those that train together."""

import os
import signal
import subprocess

import click

from jobs.cluster.nodes import ROLES, Role
from jobs.commands.state import State
from jobs.schedule import parse_interval
from jobs.watching.process_tree import DAEMON_VARIABLE, die_with_the_daemon
from pipeline.errors import ClusterFailed


@click.command("cluster-node")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What this process does.")
@click.option(
    "--index", type=click.IntRange(0), required=True, help="Its number among those of its role, from 0."
)
@click.option("--job", metavar="ID", help="Take part in this job alone, as a cycle says it.")
@click.option("--wait", default="5m", show_default=True, help="How long to wait for a job.")
@click.option("--stay", is_flag=True, help="Take part in one job after the other, until none comes any more.")
@click.option("--ends-with-input", is_flag=True, hidden=True, help="End when standard input does.")
@click.pass_obj
def cluster_node(
    state: State, /, role: Role, index: int, job: str | None, wait: str, stay: bool, ends_with_input: bool
) -> None:
    """Be a server or a worker of a training over several hosts, see docs/CLUSTER.md.

    The cycle starts these processes by itself, or says by which commands you start them. They wait for it,
    and end when it ends. The home must be the cycle's own, on a file system that all hosts share.

    \b
    Examples:
      whisker cluster-node --role server --index 0
      whisker cluster-node --role worker --index 1 --wait 10m
      whisker cluster-node --role worker --index 1 --stay
    """
    die_with_the_daemon()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)  # Python's own handlers do not run while MXNet waits
    seconds = parse_interval(wait).total_seconds()
    state.home.require()
    if stay:
        _stay(state, role, index, seconds)
        return
    from jobs.cluster.node import run_node

    run_node(state.home, role, index, job, seconds, ends_with_input=ends_with_input)


def _stay(state: State, role: Role, index: int, seconds: float) -> None:
    """Start a process for each job: MXNet takes one role in a process, once."""
    from jobs.cluster.node import next_job
    from jobs.cluster.nodes import Node, arguments, here

    done: list[str] = []
    while job := next_job(state.home, role, index, done, seconds):
        done.append(job.id)
        node = arguments(Node(role, index, ""), job.id, 1.0)  # it is there
        environment = {**os.environ, DAEMON_VARIABLE: str(os.getpid())}
        subprocess.run([*here(state.home.folder), *node], env=environment, check=False)
    if not done:
        raise ClusterFailed(f"no job came within {seconds:g} seconds in {state.home.folder}")
