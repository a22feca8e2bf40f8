"""The command `serve`."""

import sys
from urllib.parse import quote

import click

from jobs.commands.state import State
from jobs.extras import missing
from pipeline.errors import BadSettings


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8008, show_default=True, help="0 takes one that is free."
)
@click.option(
    "--token",
    envvar="WHISKER_TOKEN",
    help="What a browser or program must know to be answered; `auto` makes one up. Without it, whoever can "
    "reach the server may use it, so one is made up unless only this machine can.",
)
@click.option(
    "--name", "names", multiple=True, help="A further host name to be asked by, such as that of a proxy."
)
@click.pass_obj
def serve(state: State, host: str, port: int, token: str | None, names: tuple[str, ...]) -> None:
    """Show reports, classify images and look over doubtful labels, in a browser.

    It runs until Ctrl-C or SIGTERM, also beside a daemon and its cycles, and answers programs too. Only
    this machine can reach it, unless --host says otherwise; then a token is needed. docs/SERVE.md says what
    the pages show, which keys they have, and how programs ask.

    \b
    Examples:
      whisker serve
      whisker serve --port 8080 --token auto
      whisker serve --host 0.0.0.0 --name photos.example
    """
    _require_packages()
    state.home.require()
    state.config()  # says how to log
    from jobs.serving.access import access_for
    from jobs.serving.server import address_of, listen
    from jobs.serving.server import serve as answer_requests
    from jobs.stop import stop_on_signals

    access = access_for(host, token, names)
    made = access.token if access.token != token else None
    with stop_on_signals() as flag, listen(host, port) as listening:
        from jobs.serving.app import make_app  # takes a second, and an address that is taken is said at once

        address = address_of(listening, host)
        app = make_app(state.home, access)
        answer_requests(app, listening, flag, lambda: _say_ready(state, address, made))
    click.get_current_context().exit(128 + (flag.signal_number or 0))


def _require_packages() -> None:
    if said := missing("serve"):
        raise BadSettings(f"serve {said}")


def _say_ready(state: State, address: str, token: str | None) -> None:
    """Say where the server is, with the token if it is one that nobody knows yet."""
    opened = f"{address}?token={quote(token)}" if token else address
    state.answer(
        {"address": address, "token": token},
        lambda console: console.print(f"{opened} shows {state.home.folder}; Ctrl-C ends it", markup=False),
    )
    sys.stdout.flush()  # who started it may wait for the address
