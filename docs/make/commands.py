"""Print docs/COMMANDS.md: every command with its options, from the program itself.

python -m docs.make.commands > docs/COMMANDS.md
"""

import inspect
from collections.abc import Iterator

import click

from cli import cli

PROGRAM = "whisker"
LITERAL = "\b"  # begins a paragraph that click does not fill

INTRODUCTION = """\
# Commands

Made by `make docs` from what `--help` says, so change it there. `whisker` is what `pip install` makes; in a
checkout `python cli.py` is the same program. [FORMATS.md](FORMATS.md) tells what `--json` prints.
"""


def all_commands() -> Iterator[click.Context]:
    """Yield a context for the program itself and for each command that is shown, in the order of `--help`."""
    yield from _below(click.Context(cli, info_name=PROGRAM))


def _below(context: click.Context) -> Iterator[click.Context]:
    yield context
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            command = context.command.commands[name]
            if not command.hidden:
                yield from _below(click.Context(command, parent=context, info_name=name))


def paragraphs(command: click.Command) -> list[str]:
    """Return the parts of a command's help text; those that are not to be filled begin with LITERAL."""
    return inspect.cleandoc(command.help or "").split("\n\n")


def options(context: click.Context) -> list[tuple[str, str]]:
    """Return how each option that is shown is written, and what its help says; without --help itself."""
    help_option = context.command.get_help_option(context)
    found = (one for one in context.command.get_params(context) if isinstance(one, click.Option))
    records = (option.get_help_record(context) for option in found if option is not help_option)
    return [record for record in records if record is not None]


def reference() -> str:
    """Return the document."""
    contexts = list(all_commands())
    links = (f"[{title}](#{title.lower().replace(' ', '-')})" for title in map(_title, contexts))
    parts = (part for context in contexts for part in _section(context))
    return "\n".join([INTRODUCTION, f"{', '.join(links)}\n", *parts])


def _title(context: click.Context) -> str:
    return context.command_path.removeprefix(f"{PROGRAM} ") if context.parent else "Global options"


def _section(context: click.Context) -> Iterator[str]:
    yield f"## {_title(context)}\n"
    yield f"    {' '.join([context.command_path, *context.command.collect_usage_pieces(context)])}\n"
    for paragraph in paragraphs(context.command):
        yield f"{_literal(paragraph) if paragraph.startswith(LITERAL) else paragraph}\n"
    if listed := options(context):
        yield "\n".join(f"- `{written}`: {said}" for written, said in listed) + "\n"


def _literal(paragraph: str) -> str:
    """Return a heading with its lines, such as the examples, as Markdown."""
    heading, *lines = inspect.cleandoc(paragraph.removeprefix(LITERAL)).splitlines()
    return "\n".join([heading, "", *(f"    {line.removeprefix('  ')}" for line in lines)])


if __name__ == "__main__":
    print(reference(), end="")
