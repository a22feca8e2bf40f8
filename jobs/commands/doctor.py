"""The command `doctor`."""

import click

from jobs.commands.state import State
from pipeline.errors import BadSettings


@click.command()
@click.pass_obj
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
