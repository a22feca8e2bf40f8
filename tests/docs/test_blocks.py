"""The commands of the documents are commands of the program, and run.

A block that begins with `sh` is run; one that begins with `sh shown` is only read, since it installs
something or does not end.
"""

import re
from contextlib import suppress

import click
import pytest

from docs.make.commands import all_commands
from tests.docs.command_lines import calls, parse
from tests.docs.conftest import Place
from tests.docs.markdown import DOCUMENTS, Block, blocks, code_words

RUN, SHOWN = "sh", "sh shown"
TEXT = {"", "text", "toml", "ini", "json", "python"}
COMMAND = re.compile(r"^\s*(\S*/)?(whisker|python|cli\.py|sudo|pip) \S", re.MULTILINE)
LANGUAGES = {RUN, SHOWN} | TEXT
MADE = {"docs/COMMANDS.md", "benchmarks/RESULTS.md"}  # by programs
BY_HAND = [name for name in DOCUMENTS if name not in MADE]
FROM_NOTHING = ("README.md", "docs/QUICKSTART.md")  # their first command makes the home
PLACEHOLDERS = {"ID": "1", "N": "1", "A": "1", "B": "2", "P": "0.5", "SHELL": "bash"}
OF_OTHERS = {"--format", "--offline", "--read-only", "--time"}  # options of podman and systemd-analyze


def shell(name: str, *languages: str) -> list[Block]:
    return [block for block in blocks(DOCUMENTS[name]) if block.language in languages]


def lines(text: str) -> list[str]:
    return text.replace("\\\n", " ").splitlines()


@pytest.mark.parametrize("name", BY_HAND)
def test_every_block_with_commands_says_that_it_has_some(name: str) -> None:
    """Or it would not be looked at; what is only indented is text."""
    for block in blocks(DOCUMENTS[name]):
        assert block.language in LANGUAGES, f"line {block.line}"
        if block.language in TEXT:
            assert not COMMAND.search(block.text), f"line {block.line}"


@pytest.mark.parametrize("name", BY_HAND)
def test_the_command_lines_are_those_of_the_program(name: str) -> None:
    for block in shell(name, RUN, SHOWN):
        for line in lines(block.text):
            for arguments in calls(line):
                parse(arguments)


@pytest.mark.parametrize("name", BY_HAND)
def test_the_commands_within_the_text_are_those_of_the_program(name: str) -> None:
    for words in code_words(DOCUMENTS[name]):
        if words.startswith(("cli.py ", "whisker ")) and "[" not in words:
            filled = re.sub(r"\b[A-Z]+\b", lambda match: PLACEHOLDERS.get(match[0], match[0]), words)
            for arguments in calls(filled):
                with suppress(click.MissingParameter):  # a text may name a command without its arguments
                    parse(arguments)


@pytest.mark.parametrize("name", BY_HAND)
def test_the_options_within_the_text_exist(name: str) -> None:
    known = {
        option
        for context in all_commands()
        for parameter in context.command.get_params(context)
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    named = {
        match[0]
        for words in code_words(DOCUMENTS[name])
        for match in re.finditer(r"(?<![\w-])--[a-z][a-z-]+", words)
    }
    assert sorted(named - known - OF_OTHERS) == []


def run_all(name: str, place: Place) -> None:
    done = place.run("\n".join(block.text for block in shell(name, RUN)))
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("name", FROM_NOTHING)
def test_the_commands_of_an_introduction_run_one_after_the_other(name: str, place: Place) -> None:
    run_all(name, place)


@pytest.mark.parametrize("name", [name for name in BY_HAND if name not in FROM_NOTHING and shell(name, RUN)])
def test_the_commands_of_other_documents_run_in_a_home_with_cycles(name: str, finished: Place) -> None:
    run_all(name, finished)
