#!/usr/bin/env python3.11
"""The command line: parse, call, print. Each command imports what it needs, so `--help` stays quick."""

import json
import os
import sys
from pathlib import Path

import click

from jobs import closed_output
from jobs.commands.backup import backup, restore
from jobs.commands.champion import champion, promote, rollback
from jobs.commands.cluster_node import cluster_node
from jobs.commands.compare import compare
from jobs.commands.completion import COMPLETION_VARIABLE, completion
from jobs.commands.config import show_config
from jobs.commands.daemon import daemon
from jobs.commands.doctor import doctor
from jobs.commands.export import export
from jobs.commands.init import init
from jobs.commands.labels import relabel, suspects
from jobs.commands.notify import notify_test
from jobs.commands.predict import predict
from jobs.commands.prune import prune
from jobs.commands.report import report
from jobs.commands.run_now import run_now
from jobs.commands.runs import runs, show
from jobs.commands.scan import scan
from jobs.commands.serve import serve
from jobs.commands.state import FOLDER, State
from jobs.commands.status import status
from jobs.commands.tune import tune
from jobs.commands.weights import weights
from jobs.commands.work import work
from pipeline.disk import full_disk
from pipeline.errors import WhiskerError


class Program(click.Group):
    """Turns errors into one sentence and an exit status; the only place that does."""

    def invoke(self, ctx: click.Context) -> None:
        """Run the command that was asked for."""
        try:
            super().invoke(ctx)
            sys.stdout.flush()  # here it can still be told if nobody reads
        except WhiskerError as error:
            self._fail(ctx, str(error), error.exit_status, passes=error.passes)
        except KeyboardInterrupt:
            self._fail(ctx, "stopped at once; the next start repairs what was left unfinished", 130)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if isinstance(error, BrokenPipeError) and closed_output.is_closed():
                closed_output.give_up()
                ctx.exit(1)  # as click and rich do
            if (known := full_disk(error)) is not None:
                self._fail(ctx, str(known), known.exit_status, passes=known.passes)
            message = f"unexpected {type(error).__name__}: {error}; --verbose shows where"
            self._fail(ctx, message, 1, passes=True)  # nobody knows, so a daemon tries again

    def _fail(self, ctx: click.Context, message: str, status: int, *, passes: bool = False) -> None:
        from jobs.watching.process_tree import DAEMON_VARIABLE

        if ctx.params.get("as_json"):
            click.echo(json.dumps({"error": message, "exit_status": status, "passes": passes}, indent=2))
        if not (ctx.params.get("as_json") and os.environ.get(DAEMON_VARIABLE)):  # it says so itself, once
            ctx.obj.terminal.say_failure(message, with_traceback=ctx.params["verbose"])
        ctx.exit(status)


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--home",
    type=FOLDER,
    default=Path("whisker-home"),
    envvar="WHISKER_HOME",
    show_envvar=True,
    show_default=True,
    help="Where Whisker writes.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on standard output.")
@click.option("--verbose", is_flag=True, help="Say more, and show tracebacks.")
@click.option("--quiet", is_flag=True, help="Say only what went wrong.")
@click.option("--log-json", is_flag=True, help="Log one JSON object a line, also to standard error.")
@click.version_option(package_name="whisker")
@click.pass_context
def cli(ctx: click.Context, home: Path, as_json: bool, verbose: bool, quiet: bool, log_json: bool) -> None:
    """Keep a cat/dog image classifier up to date by itself, with reports that people can trust.

    All that Whisker writes lies in one folder, the home; your images are only read. Options that stand here
    come before the command. In a checkout, `python cli.py` is the same program as `whisker`.

    \b
    Examples:
      whisker run-now --demo
      whisker init --images photos
      whisker --home /srv/whisker daemon --every 1h
      whisker --json status

    \b
    Exit status:
      0    done, also where there was nothing to do
      1    failed
      2    wrong use, or settings that cannot be
      3    a person has to decide: classes have changed, or many images are gone
      75   another process works in the home
      129, 130, 143   ended by a signal: SIGHUP, SIGINT (Ctrl-C), SIGTERM
    """
    ctx.obj = State(home, as_json=as_json, verbose=verbose, quiet=quiet, log_json=log_json)


COMMANDS = (
    init,
    scan,
    runs,
    show,
    report,
    doctor,
    run_now,
    daemon,
    tune,
    suspects,
    relabel,
    weights,
    predict,
    export,
    champion,
    promote,
    rollback,
    compare,
    show_config,
    notify_test,
    backup,
    restore,
    prune,
    status,
    completion,
    serve,
    cluster_node,
    work,
)
for command in COMMANDS:
    cli.add_command(command)


def main() -> None:
    """Run the program `whisker`."""
    closed_output.fill_the_gaps()
    os.umask(0o077)  # what it writes is the user's own: images, their names, and who is told of what
    name = "whisker" if Path(sys.argv[0]).stem == "whisker" else "cli.py"
    cli(prog_name=name, complete_var=COMPLETION_VARIABLE)


if __name__ == "__main__":
    main()
