"""Check and convert the values that settings of recipes are given."""

from typing import Literal, get_args, get_origin

from pipeline.errors import BadSettings

_AT_LEAST_ONE = {"epochs", "batch_size", "baseline_batch_size", "gradient_parts"}
_POSITIVE = {
    "learning_rate", "baseline_learning_rate", "last_stage_learning_rate", "head_learning_rate_factor",
    "validation_share", "least_crop",
}  # fmt: skip
_BELOW_ONE = {"momentum", "last_stage_momentum", "baseline_momentum", "validation_share", "average_decay"}
_AT_MOST_ONE = {"least_crop"}


def checked(name: str, value: object, hint: object, where: str) -> object:
    """Return a setting's value as the type of the setting wants it, tuples for lists.

    Args:
        name: of the setting.
        value: as it was given; a number or a truth value may be text, numbers of a list text with commas.
        hint: the type of the setting.
        where: where the user wrote it, for the message.

    Raises:
        BadSettings: it has another type, or lies outside the range.
    """
    try:
        result = _typed(value, hint)
    except (TypeError, ValueError, KeyError, OverflowError):
        raise BadSettings(f"{where}: {name} = {value!r} is not {_in_words(hint)}") from None
    problem = _out_of_range(name, result)
    if problem:
        raise BadSettings(f"{where}: {name} = {value!r} {problem}")
    return result


def _typed(value: object, hint: object) -> object:
    if hint is bool:
        return (
            {"true": True, "false": False}[value.lower()] if isinstance(value, str) else _exactly(value, bool)
        )
    if hint is int:
        return int(value) if isinstance(value, str) else _exactly(value, int)
    if hint is float:
        return float(value if isinstance(value, str) else _number(value))
    if hint is str:
        return _exactly(value, str)
    if get_origin(hint) is Literal:
        return {choice: choice for choice in get_args(hint)}[value]
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(float(part) for part in parts)  # type: ignore[attr-defined]


def _exactly(value: object, kind: type) -> object:
    if type(value) is not kind:
        raise TypeError(kind)
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(value)
    return float(value)


def _out_of_range(name: str, value: object) -> str | None:
    """Return what is wrong with a value of the right type, None if it fits."""
    numbers = value if isinstance(value, tuple) else (value,)
    if not numbers:
        return "is empty"
    for number in numbers:
        if isinstance(number, str | bool):
            continue
        if not 0 <= number < float("inf"):
            return "is not a finite number of at least 0"
        if name in _AT_LEAST_ONE and number < 1:
            return "is not at least 1"
        if (name in _POSITIVE or isinstance(value, tuple)) and number == 0:
            return "is not greater than 0"
        if name in _BELOW_ONE and number >= 1:
            return "is not below 1"
        if name in _AT_MOST_ONE and number > 1:
            return "is greater than 1"
    return None


def _in_words(hint: object) -> str:
    if get_origin(hint) is Literal:
        return f"one of {', '.join(get_args(hint))}"
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    return words.get(hint, "a list of numbers")  # type: ignore[call-overload, no-any-return]
