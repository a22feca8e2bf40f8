"""Every command has a help text from which it can be used, with examples that the program takes."""

import re

import click
import pytest

from docs.make.commands import LITERAL, all_commands, options, paragraphs, reference
from tests.conftest import REPOSITORY
from tests.docs.command_lines import calls, parse

WIDTH = 80  # of a terminal; click does not fill the examples
CONTEXTS = {context.command_path: context for context in all_commands()}


@pytest.fixture(params=CONTEXTS)
def context(request: pytest.FixtureRequest) -> click.Context:
    return CONTEXTS[request.param]


def names(context: click.Context) -> tuple[str, ...]:
    return tuple(context.command_path.split()[1:])


def examples(command: click.Command) -> list[str]:
    """Return the lines under "Examples:"."""
    found = [
        lines for part in paragraphs(command) if (lines := part.splitlines())[:2] == [LITERAL, "Examples:"]
    ]
    assert len(found) == 1, "a help text has one part that begins with \\b and `Examples:`"
    return [line.strip() for line in found[0][2:]]


def test_a_help_text_begins_with_one_sentence_and_goes_on_with_more(context: click.Context) -> None:
    summary, more, *_ = paragraphs(context.command)
    assert re.fullmatch(r"[A-Z][^.]*(\.\w[^.]*)*\.", summary.replace("\n", " ")), summary
    assert not more.startswith(LITERAL), "after the first sentence, say what it does and what it does not"
    assert more.endswith(".")


def test_every_option_says_what_it_does(context: click.Context) -> None:
    for written, said in options(context):
        assert re.match(r"\S.*\.( *\[.*\])?$", said, re.DOTALL), f"{written}: {said!r}"


def test_every_argument_is_explained(context: click.Context) -> None:
    text = " ".join(part for part in paragraphs(context.command) if not part.startswith(LITERAL))
    for parameter in context.command.params:
        if isinstance(parameter, click.Argument):
            name = re.sub(r"[][.]", "", parameter.make_metavar(context))
            assert re.search(rf"\b{re.escape(name)}\b", text), f"the help text does not speak of {name}"


def test_the_examples_are_command_lines_of_this_command(context: click.Context) -> None:
    lines = examples(context.command)
    assert lines
    for line in lines:
        parsed = [parse(arguments) for arguments in calls(line)]
        assert any(found[: len(names(context))] == names(context) for found in parsed), line


def test_what_is_not_filled_fits_a_terminal(context: click.Context) -> None:
    for line in context.get_help().splitlines():
        assert len(line) <= WIDTH, line


def test_the_reference_is_what_the_program_says() -> None:
    """`make docs` writes it anew."""
    assert (REPOSITORY / "docs" / "COMMANDS.md").read_text(encoding="utf-8") == reference()


def test_a_wrong_example_would_be_noticed() -> None:
    for line in ("whisker frobnicate", "whisker run-now --epoch 3", "whisker show one", "whisker compare 1"):
        (arguments,) = calls(line)
        with pytest.raises(click.UsageError):
            parse(arguments)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("find photos | whisker predict -", [["predict", "-"]]),
        ("whisker predict --format csv photos > answers.csv", [["predict", "--format", "csv", "photos"]]),
        (".venv/bin/python cli.py --home h status  # now", [["--home", "h", "status"]]),
        ("WHISKER_SEED=3 whisker run-now && whisker runs", [["run-now"], ["runs"]]),
        ("sudo -u whisker /opt/venv/bin/python cli.py status", [["status"]]),
        ("sudo systemctl reload whisker", []),
        ("pip install 'whisker[notify]'", []),
    ],
)
def test_calls_are_found_in_lines_of_shell(line: str, found: list[list[str]]) -> None:
    assert calls(line) == found
