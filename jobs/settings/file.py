"""Read whisker.toml: every value with the line where it stands."""

import re
import stat
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import BadSettings

LARGEST_BYTES = 100_000
Keys = tuple[str, ...]  # the names from the top of the document


@dataclass(frozen=True)
class Document:
    """A settings file as it was read."""

    file: Path
    values: dict[str, Any]
    lines: dict[Keys, int]  # of each key and table; counted from 1

    def where(self, path: Keys) -> str:
        """Return the place of a key in words; of a key within a list or table, that of the outer one."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.file}, line {self.lines[path]}" if path else str(self.file)


def read_document(file: Path) -> Document:
    """Read the settings; none where there is no file.

    Raises:
        BadSettings: others may write the file or its folder, or it is no TOML.
    """
    if not file.exists():
        return Document(file, {}, {})
    refuse_if_others_may_write(file)
    text = _text(file)
    try:
        return Document(file, tomllib.loads(text), dict(_lines(text)))
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"{file}, {_line_first(str(error), text)}") from error
    except RecursionError as error:
        raise BadSettings(f"{file} cannot be read: its lists are nested too deeply") from error


def refuse_if_others_may_write(file: Path) -> None:
    """Check that only its owner and group can change a file, as ssh does with its own.

    Raises:
        BadSettings: every user of the machine can; the message says how to mend it.
    """
    for path in (file.parent, file):
        if path.stat().st_mode & stat.S_IWOTH:
            raise BadSettings(
                f"{path} may be written by every user of this machine, who could so change what Whisker"
                f" does; run `chmod o-w {path}`"
            )


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > LARGEST_BYTES:
            raise BadSettings(f"{file} cannot be read: it is larger than {LARGEST_BYTES} bytes")
        return file.read_text(encoding="utf-8-sig").replace("\r\n", "\n")
    except (UnicodeDecodeError, OSError) as error:
        raise BadSettings(f"{file} cannot be read: {error}") from error


def _lines(text: str) -> Iterator[tuple[Keys, int]]:
    """Yield each key and table of a sound document with its line.

    A statement ends with the first line up to which the lines since the last one are TOML by themselves.
    """
    table: Keys = ()
    begin, statement = 1, ""
    for number, line in enumerate(text.split("\n"), 1):
        statement += f"{line}\n"
        try:
            parsed = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue  # a list or text of several lines
        paths = list(_paths(parsed))
        if statement.lstrip().startswith("["):
            table = max(paths, key=len)
            yield table, begin
        else:
            yield from ((table + path, begin) for path in paths)
        begin, statement = number + 1, ""


def _paths(value: Any, above: Keys = ()) -> Iterator[Keys]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*above, key)
            yield from _paths(inner, (*above, key))


def _line_first(message: str, text: str) -> str:
    """Return tomllib's message with the line in front."""
    if match := re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", message, re.DOTALL):
        return f"line {match[2]}: {match[1]}, column {match[3]}"
    return f"line {text.rstrip().count(chr(10)) + 1}: {message}"
