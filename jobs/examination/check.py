"""What an examination finds: one record per check."""

from dataclasses import dataclass
from typing import Literal

CheckStatus = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Check:
    """One thing that was looked at; where it is not ok, the message names the way out."""

    name: str
    status: CheckStatus
    message: str  # one sentence
