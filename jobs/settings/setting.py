"""One setting: its type, its default, the values it takes, its place; and how a value is checked."""

from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from jobs.redaction import without_user
from jobs.settings.checks import Check
from pipeline.errors import WhiskerError
from pipeline.image_folder import ImageFolder, folder_named
from pipeline.remote.opening import is_url

PREFIX = "WHISKER_"  # of variables of the environment
_WORDS = {
    bool: "true or false", int: "a whole number", float: "a number", str: "a text", Path | None: "a path",
    ImageFolder | None: "a path or an address",
    tuple[str, ...]: "a list of texts",
}  # fmt: skip

T = TypeVar("T")


@dataclass(frozen=True)
class Setting:
    """What is known of a setting besides its value."""

    name: str  # the field of Config
    section: str  # the table of whisker.toml; "": above all tables
    kind: Any  # one of _WORDS
    check: Check | None
    secret: bool  # never shown

    @property
    def key(self) -> str:
        """Its name within its section."""
        return self.name.removeprefix(f"{self.section}_")

    @property
    def path(self) -> str:
        """Its name in whisker.toml, such as `daemon.every`."""
        return f"{self.section}.{self.key}" if self.section else self.key

    @property
    def variable(self) -> str:
        """Its variable of the environment, such as WHISKER_EVERY."""
        return PREFIX + self.name.upper()

    def typed(self, value: object, *, as_text: bool, folder: Path = Path()) -> Any:
        """Return a value of TOML, or the text of a variable, in the setting's type; checked.

        A path is meant relative to `folder`.

        Raises:
            ValueError: it does not fit; the message is a sentence without the place.
        """
        try:
            typed = _from_text(self.kind, str(value)) if as_text else _from_toml(self.kind, value)
        except (TypeError, ValueError, KeyError, ArithmeticError, RuntimeError):
            raise ValueError(f"{self._shown(value)} is not {_WORDS[self.kind]}") from None
        if isinstance(typed, Path):
            typed = folder / typed
        try:
            if self.check is not None:
                self.check(typed)
        except WhiskerError as error:
            raise ValueError(str(error)) from None
        except ValueError as error:
            raise ValueError(f"{self._shown(value)} {error}") from None
        return typed

    def _shown(self, value: object) -> str:
        return self.key if self.secret else f"{self.key} = {as_written(value)}"


def setting(default: T, check: Check | None = None, *, section: str = "", secret: bool = False) -> T:
    """Return a field of Config with its default; the annotation of the field says the type."""
    known = {"section": section, "check": check, "secret": secret}
    made: T = field(default=default, metadata=known, repr=not secret)
    return made


@cache
def settings_of(config: type) -> dict[str, Setting]:
    """Return the settings that a dataclass declares, by name."""
    kinds = get_type_hints(config)
    return {
        item.name: Setting(item.name, kind=kinds[item.name], **item.metadata)
        for item in fields(config)
        if item.metadata
    }


def as_written(value: object) -> str:
    """Return a value nearly as it stands in the file, on one line and not too long."""
    text = str(value).lower() if isinstance(value, bool) else without_user(repr(value))
    return text if len(text) <= 80 else f"{text[:77]}..."


def _from_toml(kind: Any, value: Any) -> Any:
    if kind is float and type(value) in (int, float):
        return float(value)
    if kind == tuple[str, ...] and type(value) is list and all(type(item) is str for item in value):
        return tuple(value)
    if kind == Path | None and isinstance(value, str | Path):
        return _path(str(value))
    if kind == ImageFolder | None and isinstance(value, str | ImageFolder):
        return _image_folder(str(value))
    if type(value) is not kind:
        raise TypeError(value)
    return value


def _from_text(kind: Any, text: str) -> Any:
    if kind is bool:
        return {"true": True, "false": False}[text.lower()]
    if kind == tuple[str, ...]:
        return tuple(text.split())
    if kind == ImageFolder | None:
        return _image_folder(text)
    return _path(text) if kind == Path | None else kind(text)


def _image_folder(text: str) -> ImageFolder | None:
    return folder_named(text) if is_url(text) else _path(text)


def _path(text: str) -> Path | None:
    """Return the path, None for the empty text; raises RuntimeError where `~user` has no folder."""
    if "\0" in text:
        raise ValueError(text)
    return Path(text).expanduser() if text else None
