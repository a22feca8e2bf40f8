"""Numbers, instants and strangers' text, as the reports show them."""

import shlex
from datetime import UTC, datetime
from math import isfinite

from markupsafe import Markup

from pipeline.shown import shown

NOTHING = "\N{EN DASH}"
NARROW = "\N{NO-BREAK SPACE}"  # between a number and its unit, so that a line never breaks there
DECISIONS = {
    "first": ("First model", "There was no champion for these classes, so this model is the champion now."),
    "promote": ("Promoted", "The new model takes over from the champion."),
    "hold": ("Champion kept", "The new model is not shown to be better by enough, so the champion stays."),
    "reject": ("Rejected", "The new model is not good enough, so the champion stays."),
}
STATUSES = {"running": "Running", "finished": "Finished", "failed": "Failed", "interrupted": "Interrupted"}
KINDS = {"finetune": "Fine-tune", "scratch": "From scratch"}


def finalize(value: object) -> object:
    """Prepare a template's value for output: text and paths are made visible, our own markup passes."""
    if isinstance(value, bytes) or (isinstance(value, str) and not isinstance(value, Markup)):
        return shown(value)
    return value


def sentence(text: str) -> str:
    """Return `text` with a capital first letter and a full stop."""
    return text[:1].upper() + text[1:] + ("" if text[-1:] in {".", "!", "?", ""} else ".")


def percent(share: float | None) -> str:
    """Return a share as a percentage with one digit; never 100 % for less than all."""
    if share is None or not isfinite(share):
        return NOTHING
    digits = next((n for n in (1, 2) if share >= 1 or round(share * 100, n) < 100), None)
    return f"over 99.99{NARROW}%" if digits is None else f"{share * 100:.{digits}f}{NARROW}%"


def interval(low: float, high: float) -> str:
    """Return an interval of shares in words."""
    return f"{low * 100:.1f} to {high * 100:.1f}{NARROW}%"


def points(difference: float) -> str:
    """Return a difference of shares in percentage points, with two digits where one would say too little."""
    digits = 1 if abs(difference) >= 0.01 else 2
    return f"{difference * 100:.{digits}f}{NARROW}percentage points"


def decimal(value: float | None, digits: int = 4) -> str:
    """Return a number with fixed digits; a dash for none, `not finite` for NaN and infinities."""
    if value is None:
        return NOTHING
    return f"{value:,.{digits}f}" if isfinite(value) else "not finite"


def integer(value: int | None) -> str:
    """Return a whole number with thousands separated."""
    return NOTHING if value is None else f"{value:,d}"


def counted(number: int, noun: str) -> str:
    """Return `1 image`, `2,000 images`."""
    return f"{number:,d}{NARROW}{noun}{'' if number == 1 else 's'}"


def duration(seconds: float | None) -> str:
    """Return a duration: 0.42 s, 12.3 s, 4 min 03 s, 1 h 05 min."""
    if seconds is None or not isfinite(seconds):
        return NOTHING
    if seconds < 59.95:
        return f"{seconds:.{2 if seconds < 1 else 1}f}{NARROW}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}{NARROW}min {rest:02d}{NARROW}s"
    return f"{minutes // 60:,d}{NARROW}h {minutes % 60:02d}{NARROW}min"


def size(number: int) -> str:
    """Return a file's size in decimal units."""
    if number < 1000:
        return f"{number}{NARROW}B"
    for unit, factor in (("kB", 1e3), ("MB", 1e6)):
        if number < factor * 1000:
            return f"{number / factor:.1f}{NARROW}{unit}"
    return f"{number / 1e9:.1f}{NARROW}GB"


def instant(moment: datetime) -> Markup:
    """Return a `<time>` element in UTC, to the minute."""
    utc = moment.astimezone(UTC)
    return Markup('<time datetime="{}">{} UTC</time>').format(
        utc.strftime("%Y-%m-%dT%H:%M:%SZ"), utc.strftime("%Y-%m-%d %H:%M")
    )


def shell_word(text: str) -> str:
    r"""Return `text` as one word for bash; what cannot be shown as it is goes into the form $'\xe9'."""
    if shown(text) == text:
        return shlex.quote(text)
    raw = text.encode("utf-8", "surrogateescape")
    return "$'" + "".join(chr(b) if chr(b).isalnum() and b < 128 else f"\\x{b:02x}" for b in raw) + "'"
