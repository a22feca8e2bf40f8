"""A time span in words."""

_UNITS = ((86_400, "days"), (3_600, "hours"), (60, "minutes"))


def in_words(seconds: float) -> str:
    """Return a span such as "90 seconds", "30 minutes" or "36 hours", in the largest fitting unit."""
    for length, unit in _UNITS:
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} seconds"
