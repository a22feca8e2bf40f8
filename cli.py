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
from jobs.commands.compare import compare
from jobs.commands.completion import COMPLETION_VARIABLE, completion, run_ids
from jobs.commands.config import show_config
from jobs.commands.daemon import daemon
from jobs.commands.export import export
from jobs.commands.labels import relabel, suspects
from jobs.commands.notify import notify_test
from jobs.commands.predict import predict
from jobs.commands.prune import prune
from jobs.commands.run_now import run_now
from jobs.commands.serve import serve
from jobs.commands.state import FOLDER, State
from jobs.commands.status import status
from jobs.commands.tune import tune
from jobs.commands.weights import weights
from pipeline.disk import full_disk
from pipeline.errors import BadSettings, WhiskerError


class Program(click.Group):
    """Turns errors into one sentence and an exit status; the only place that does."""

    def invoke(self, ctx: click.Context) -> None:
        """Run the command that was asked for."""
        try:
            super().invoke(ctx)
            if sys.stdout:  # None where it was closed before the start
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


pass_state = click.make_pass_decorator(State)


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


@cli.command()
@click.option("--images", type=FOLDER, required=True, help="Folder of images; it is only read.")
@pass_state
def init(state: State, images: Path) -> None:
    """Make a home with a commented whisker.toml.

    The image folder has one sub-folder for each class, or train/ and test/ with such sub-folders. It must be
    there; nothing is trained yet. Settings that exist already are never overwritten.

    \b
    Examples:
      whisker init --images photos
      whisker --home /srv/whisker init --images /srv/photos
    """
    from jobs.new_home import make_home

    layout = make_home(state.home, images)
    file = state.home.settings_file
    state.answer(
        {"home": str(state.home.folder), "settings": str(file), "classes": layout.classes},
        lambda console: console.print(
            f"made {file} for the classes {', '.join(layout.classes)}; next: run-now, or daemon", markup=False
        ),
    )


@cli.command()
@click.option("--images", type=FOLDER, help="Folder of images; it is only read.")
@click.option("--explain", is_flag=True, help="List everything in quarantine, and what each rule says.")
@pass_state
def scan(state: State, images: Path | None, explain: bool) -> None:
    """Say what is new, changed, gone or in quarantine, and whether a cycle would start.

    Nothing is written and nothing is trained. Without a home, all images are new. The exit status is 3 where
    a person has to decide, as it would be for a cycle.

    \b
    Examples:
      whisker scan
      whisker scan --explain
      whisker scan --images photos
      whisker --json scan
    """
    from jobs.display import show_look
    from jobs.documents import scan_document
    from jobs.glance import glance

    with state.at_work() as (flag, progress):
        look = glance(state.home, state.config(images=images), flag, progress)
    state.answer(scan_document(look), lambda console: show_look(console, look, explain=explain))


@cli.command()
@pass_state
def runs(state: State) -> None:
    """List all runs, newest first.

    A run is one training of one network: the fine-tuning of a cycle, or its baseline from scratch. Runs that
    failed or were interrupted are listed too. `show` tells more of one, `champion` which one predicts.

    \b
    Examples:
      whisker runs
      whisker --json runs
    """
    from db import store
    from db.session import open_read_only
    from jobs.display import runs_table
    from jobs.documents import run_document

    with open_read_only(state.home.database)() as session:
        found = store.list_runs(session)
    document = {"runs": [run_document(run, epochs=False) for run in found]}
    state.answer(document, lambda console: console.print(runs_table(found)))


@cli.command()
@click.argument("run_id", metavar="ID", type=int, shell_complete=run_ids)
@pass_state
def show(state: State, run_id: int) -> None:
    """Show one run: its result, epochs, settings and files.

    ID is its number in `runs`. Also shown are the notes that the training made of its decisions, the error
    that ended it, and the versions of all that it was computed with.

    \b
    Examples:
      whisker show 1
      whisker --json show 1
    """
    from db import store
    from db.session import open_read_only
    from jobs.display import show_run
    from jobs.documents import show_document

    with open_read_only(state.home.database)() as session:
        details = store.load_run(session, run_id)
    state.answer(show_document(details), lambda console: show_run(console, details))


@cli.command()
@click.option("--open", "open_it", is_flag=True, help="Open the index in a browser.")
@click.option("--all", "anew", is_flag=True, help="Render also the pages that are up to date.")
@pass_state
def report(state: State, open_it: bool, anew: bool) -> None:
    """Render the reports from the database: what is missing, has changed, or is of another version.

    Everything that a page shows is in the database, so pages may be deleted at any time. Prints where the
    index is. A cycle renders its own page and the index at its end.

    \b
    Examples:
      whisker report
      whisker report --open
      whisker report --all
    """
    from db.session import open_read_only
    from jobs.reports import write_all

    index = write_all(state.home, open_read_only(state.home.database), anew=anew)
    if open_it:
        click.launch(index.as_uri())
    state.answer({"report": str(index)}, lambda console: console.print(str(index), markup=False))


@cli.command()
@pass_state
def doctor(state: State) -> None:
    """Say what is installed, which devices work, what is wrong and how to mend it.

    It examines the software, the GPU, the clock, the settings, the disk, permissions, weights, the database
    with its backups, the models and the image folder. Nothing is changed. What may crash or hang is tried in
    processes of its own.

    \b
    Examples:
      whisker doctor
      whisker --json doctor

    \b
    Exit status:
      1    something is a problem; a warning is none
    """
    from dataclasses import asdict

    from jobs.config import Config
    from jobs.display import show_checks
    from jobs.doctor import examine

    try:
        config, problem = state.config(), None
    except BadSettings as error:  # the more need is there for all the other checks
        config, problem = Config(), str(error)
    checks = examine(state.home.folder, config, settings_problem=problem)
    state.answer(
        {"checks": [asdict(check) for check in checks]}, lambda console: show_checks(console, checks)
    )
    if any(check.status == "problem" for check in checks):
        click.get_current_context().exit(1)


COMMANDS = (
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
)
for command in COMMANDS:
    cli.add_command(command)


def main() -> None:
    """Run the program `whisker`."""
    os.umask(0o077)  # what it writes is the user's own: images, their names, and who is told of what
    name = "whisker" if Path(sys.argv[0]).stem == "whisker" else "cli.py"
    cli(prog_name=name, complete_var=COMPLETION_VARIABLE)


if __name__ == "__main__":
    main()
