"""Addresses and texts without their secrets: whoever knows the address of a webhook can write there."""

import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

HIDDEN = "***"
_SHORTEST = 4  # a shorter part of an address is no secret, and would be found in innocent words


def without_secrets(address: str) -> str:
    """Return the scheme of an address, and of a web address the host; keys stand anywhere else in it."""
    scheme, found, _ = address.partition("://")
    if not found:
        return HIDDEN if address else ""
    try:
        host = urlsplit(address).hostname if scheme in ("https", "http") else None
    except ValueError:
        host = None
    return f"{scheme}://{host}/{HIDDEN}" if host else f"{scheme}://{HIDDEN}"


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
