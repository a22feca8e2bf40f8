"""Who may ask the server what: by the name that was asked for, the page that asks, and the token."""

import hmac
import ipaddress
import secrets
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from pipeline.errors import BadSettings

LEAST_TOKEN = 16  # characters; a shorter one could be found by trying
NEW_TOKEN = "auto"  # what --token says for one that nobody has to think of
_READING = frozenset({"GET", "HEAD"})


@dataclass(frozen=True)
class Access:
    """What a request must have to be answered."""

    names: frozenset[str]  # the host names, besides IP addresses, under which the server may be asked
    token: str | None = None  # None: whoever reaches the server may use it


@dataclass(frozen=True)
class Asked:
    """What access depends on, of a request."""

    method: str
    headers: Mapping[str, str]  # by their names in small letters
    token: str | None  # that it carries, wherever


@dataclass(frozen=True)
class Refusal:
    """Why a request is not answered."""

    status: int
    sentence: str


def access_for(host: str, token: str | None, names: Iterable[str] = ()) -> Access:
    """Return the access to a server that listens at `host`: from other machines only with a token.

    Args:
        host: a name or an address.
        token: that somebody has chosen; "auto" for a new one.
        names: further names under which the server may be asked for, such as that of a proxy.

    Raises:
        BadSettings: the token is too short.
    """
    if (token is None and not is_loopback(host)) or token == NEW_TOKEN:
        token = secrets.token_urlsafe(24)
    if token is not None and (len(token) < LEAST_TOKEN or not token.isascii() or not token.isprintable()):
        raise BadSettings(
            f"the token must be {LEAST_TOKEN} characters of ASCII or more; `--token {NEW_TOKEN}` makes one"
        )
    known = {"localhost", host, *names} | (set() if is_loopback(host) else {socket.gethostname()})
    return Access(frozenset(name.lower() for name in known), token)


def is_loopback(host: str) -> bool:
    """Return whether only programs of this machine reach a server that listens at `host`."""
    address = _address(host)
    return host.lower() == "localhost" if address is None else address.is_loopback


def refusal_of(asked: Asked, access: Access, *, is_open: bool = False) -> Refusal | None:
    """Return why a request is not answered; None if it is. What `is_open` needs no token.

    A page of another site can make a browser send requests here: under a name of its own that it lets point
    to this machine, which the Host header gives away, or by a form, which the Origin header gives away.
    Nobody can do so under an IP address.
    """
    host = asked.headers.get("host", "")
    if not _is_ours(host, access.names):
        return Refusal(421, f"this server is not called {host!r}; `--name` lets it be asked so")
    if asked.method not in _READING and _is_of_another_site(asked.headers, host):
        return Refusal(403, "this was sent by a page of another site")
    if access.token is None or is_open:
        return None
    if asked.token is None or not hmac.compare_digest(asked.token.encode(), access.token.encode()):
        return Refusal(
            401,
            "a token is needed: open the address that `serve` has printed, which ends with it, "
            "or send the header `Authorization: Bearer TOKEN`",
        )
    return None


def bearer(headers: Mapping[str, str]) -> str | None:
    """Return the token that a program sends with each request; None if there is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _is_ours(host: str, names: frozenset[str]) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    return name is not None and (name in names or _address(name) is not None)


def _is_of_another_site(headers: Mapping[str, str], host: str) -> bool:
    """Browsers send Origin with each POST; programs that are none need not."""
    if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return True
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2].lower() != host.lower()


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
