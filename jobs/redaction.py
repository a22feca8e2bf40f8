"""Addresses and texts without their secrets: whoever knows the address of a webhook can write there."""

import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pipeline.errors import BadSettings

HIDDEN = "***"
DATABASES = ("sqlite", "postgres")  # how the scheme of one begins
_SHORTEST = 4  # a shorter part of an address is no secret, and would be found in innocent words


def without_secrets(address: str) -> str:
    """Return the scheme of an address, and of a web address the host; keys stand anywhere else in it.

    Of the address of a database all is shown but the password, and what stands behind `?`.
    """
    scheme, found, _ = address.partition("://")
    if not found:
        return HIDDEN if address else ""
    if scheme.startswith(DATABASES):
        return _of_database(address)
    try:
        host = urlsplit(address).hostname if scheme in ("https", "http") else None
    except ValueError:
        host = None
    return f"{scheme}://{host}/{HIDDEN}" if host else f"{scheme}://{HIDDEN}"


def _of_database(address: str) -> str:
    from db.place import in_words, place_of

    try:
        place = place_of(address)
    except BadSettings:
        return HIDDEN
    return address if isinstance(place, Path) else in_words(place)


def without_user(text: str) -> str:
    """Return a text in which no address has a user name, a password or a query, where keys stand too."""
    return re.sub(r"://([^/\s]*@)?([^\s?]*)(\?[^\s'\"]+)?", _plain, text)


def _plain(address: re.Match[str]) -> str:
    user, place, query = address.groups()
    return f"://{HIDDEN}@{place}" * bool(user) + f"://{place}" * (not user) + f"?{HIDDEN}" * bool(query)


def hide(text: str, addresses: Iterable[str]) -> str:
    """Return a stranger's text in which every longer part of these addresses is replaced."""
    for secret in sorted(_parts(addresses), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def _parts(addresses: Iterable[str]) -> set[str]:
    parts = set()
    for address in addresses:
        _, _, rest = address.partition("://")
        pieces = {address, *re.split(r"[/:@?&=#;,]", rest or address)}
        pieces -= set(without_secrets(address).split("/"))  # the host
        parts |= {form for piece in pieces for form in (piece, unquote(piece)) if len(form) >= _SHORTEST}
    return parts
