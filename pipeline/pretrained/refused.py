"""What the readers of weights files raise among themselves, and the one sentence that becomes of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from pipeline.errors import WeightsError, WhiskerError
from pipeline.shown import shown

LONGEST = 120  # characters that are quoted


class RefusedError(Exception):
    """Why a file is not read; which file it is stands in the sentence that is made of it."""


def refuse(reason: str) -> NoReturn:
    """Refuse the file that is being read."""
    raise RefusedError(reason)


@contextmanager
def one_sentence(file: str, kind: str) -> Iterator[None]:
    """Turn whatever reading a file raises into a WeightsError that names it and its kind.

    Damaged files raise errors of many types, all with the same meaning. For want of memory no file is to
    blame, for each reader checks sizes before it reserves any.
    """
    try:
        yield
    except RefusedError as refusal:
        reason = str(refusal)
    except (MemoryError, WhiskerError):
        raise
    except Exception as error:
        reason = f"it is damaged or cut short ({type(error).__name__}: {in_short(error)})"
    else:
        return
    raise WeightsError(
        f"{file} cannot be read as {kind} weights: {reason}; fetch it again, or pass another file"
    )


def in_short(words: object) -> str:
    """Return the first words of a stranger, such as an error that quotes a file, on one line."""
    return shown(" ".join(str(words).split())[:LONGEST])
