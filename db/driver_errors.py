"""What an engine does with errors of its driver."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, ExceptionContext, event

from pipeline.errors import WhiskerError


def raise_as_ours(engine: Engine, as_ours: Callable[[Any], WhiskerError | None]) -> None:
    """Let an engine raise an error of ours in the place of one of its driver, where there is one for it."""

    def translate(context: ExceptionContext) -> None:
        known = as_ours(context.original_exception)
        if known is not None:
            raise known from context.original_exception

    event.listen(engine, "handle_error", translate)
