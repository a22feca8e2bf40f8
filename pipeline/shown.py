"""Strangers' text, fit to be shown to people: in a page, a terminal, a log."""

import unicodedata


def shown(text: bytes | str) -> str:
    r"""Return strangers' text with everything invisible made visible: `\n`, `\u202e`, a byte as `\xe9`.

    File names are bytes: what is not UTF-8 (also as `os.fsdecode` hands it over, as surrogates) is shown
    as its bytes. Control and format characters (so also those that turn the direction of writing) are
    escaped.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "surrogateescape")
    if text.isprintable():  # so is nearly all of a page
        return text
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # a byte that was not UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    category = unicodedata.category(character)
    if category[0] == "C" or category in {"Zl", "Zp"}:
        return character.encode("unicode_escape").decode("ascii")
    return character


def cycle_page_name(cycle_id: int) -> str:
    """Return the file name of a cycle's page, beside index.html."""
    return f"cycle-{cycle_id:04d}.html"
