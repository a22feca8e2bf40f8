"""Standard streams that are closed: from the start, or since nobody reads any more, as after `| head`."""

import os
import select
import sys


def fill_the_gaps() -> None:
    """Open /dev/null for each standard stream that was closed before the start, as by `>&-`.

    Else the next file that is opened, perhaps one of the home, would get its number; and what a library or a
    child process prints would be written into that file.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free: this one
            os.set_inheritable(nowhere, True)
            setattr(sys, name, os.fdopen(nowhere, mode, closefd=False))


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
