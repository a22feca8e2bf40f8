"""The calls of Whisker in lines of shell, and click's own opinion of them."""

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from cli import cli

Words = list[str]

PUNCTUATION = frozenset("();<>|&")
NAMES = frozenset({"whisker", "cli.py"})


def calls(line: str) -> list[Words]:
    """Return the arguments of each call of Whisker in a line of shell."""
    return [arguments for command in _commands(line) if (arguments := _of_whisker(command)) is not None]


def parse(arguments: Sequence[str]) -> tuple[str, ...]:
    """Let click read a command line, as far as that runs nothing; return the names of the command.

    Raises:
        click.UsageError: it is not one of Whisker.
    """
    names: list[str] = []
    command: click.Command = cli
    context, rest = click.Context(cli, info_name="whisker"), list(arguments)
    while isinstance(command, click.Group):
        _, rest, _ = command.make_parser(context).parse_args(rest)
        if not rest:
            return tuple(names)
        name, found, rest = command.resolve_command(context, rest)
        assert name is not None
        assert found is not None
        names.append(name)
        context, command = click.Context(found, parent=context, info_name=name), found
    command.make_context(names[-1], rest, parent=context.parent)
    return tuple(names)


def _commands(line: str) -> Iterator[Words]:
    """Yield the words of each command in a line, which operators of the shell part."""
    tokens = shlex.shlex(line, posix=True, punctuation_chars=True)
    tokens.whitespace_split = True
    words: Words = []
    for token in tokens:
        if set(token) <= PUNCTUATION:
            yield words
            words = []
        else:
            words.append(token)
    yield words


def _of_whisker(command: Words) -> Words | None:
    """Return the arguments of a command that is Whisker; also behind a variable, `sudo`, or `podman exec`."""
    while command and re.fullmatch(r"\w+=\S*", command[0]):
        command = command[1:]
    match command:
        case ["sudo", "-u", _, *command] | ["sudo", *command] | ["podman", "exec", _, *command]:
            return _of_whisker(command)
        case [python, "cli.py", *arguments] if "python" in python:
            return arguments
        case [program, *arguments] if Path(program).name in NAMES:
            return arguments
    return None
