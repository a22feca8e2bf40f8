"""The command `notify-test`."""

from typing import TYPE_CHECKING

import click

from jobs.commands.state import State

if TYPE_CHECKING:
    from rich.console import Console

    from jobs.notices.send import Delivery


@click.command("notify-test")
@click.pass_obj
def notify_test(state: State) -> None:
    """Send a test notice to everybody in [notify], and say what came of it.

    It goes out whatever `events` says, by the webhook and by the services of apprise, and is tried again as a
    real one is. Addresses and secrets are not shown.

    \b
    Examples:
      whisker notify-test
      whisker --json notify-test

    \b
    Exit status:
      1    somebody could not be told
      2    nobody is named in [notify]
    """
    from dataclasses import asdict
    from datetime import UTC, datetime

    from jobs.notices.notice import Notice
    from jobs.notices.send import deliver
    from pipeline.errors import BadSettings

    settings = state.config().notices()
    notice = Notice(("test",), state.home.folder, datetime.now(UTC), "sent by `cli.py notify-test`")
    deliveries = deliver(settings, "test", notice)
    if not deliveries:
        raise BadSettings(
            f"nobody is to be told: set webhook or apprise in [notify] of {state.home.settings_file}"
        )
    state.answer(
        {"deliveries": [asdict(delivery) for delivery in deliveries]},
        lambda console: _show(console, deliveries),
    )
    if any(delivery.error for delivery in deliveries):
        click.get_current_context().exit(1)


def _show(console: "Console", deliveries: "list[Delivery]") -> None:
    for delivery in deliveries:
        outcome = f"not told: {delivery.error}" if delivery.error else "told"
        console.print(f"{delivery.receiver}: {outcome} ({delivery.attempts} attempts)", markup=False)
