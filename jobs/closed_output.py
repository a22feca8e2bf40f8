"""Standard output that nobody reads any more, as after `predict photos | head`."""

import os
import select
import sys


def is_closed() -> bool:
    """Return whether standard output is a pipe whose reader is gone."""
    try:
        output = sys.stdout.fileno()
    except (AttributeError, OSError, ValueError):  # there is none
        return False
    found = select.poll()
    found.register(output, 0)
    return any(event & select.POLLERR for _, event in found.poll(0))


def give_up() -> None:
    """Let what is still to be written to standard output go nowhere, so that the end brings no error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
