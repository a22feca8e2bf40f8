"""Which store a URL means, and which URLs can be image folders."""

import re
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from pipeline.errors import NoImagesFolder
from pipeline.remote.any_store import AnyStore
from pipeline.remote.entries import Store
from pipeline.remote.s3 import S3Store
from pipeline.remote.trouble import Patience
from pipeline.remote.web import WebStore

_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")
Opener = Callable[[str, Mapping[str, Any], Patience], Store]
_STORES: dict[str, Opener] = {"s3": S3Store, "http": WebStore, "https": WebStore}


def is_url(text: str) -> bool:
    """Return whether a text begins as a URL does."""
    return _URL.match(text) is not None


def checked_url(text: str) -> str:
    """Return a URL of an image folder in the form under which it is known.

    Raises:
        ValueError: it cannot be one; the message ends a sentence, and does not repeat what may be secret.
    """
    scheme, _, rest = text.partition("://")
    scheme = {"s3a": "s3"}.get(scheme.lower(), scheme.lower())
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        password, user, port = parts.password, parts.username, parts.port
    except ValueError:
        raise ValueError("is not an address that can be understood") from None
    if password is not None or (user is not None and scheme in ("http", "https", "s3")) or port == 0:
        raise ValueError("has a user name or password in it; give these by images_options_file")
    if "::" in text or re.search(r"[\0-\x1f\x7f]", text):
        raise ValueError("is not the address of one folder")
    if scheme in ("http", "https") and re.search(r"[?# ]", rest):
        raise ValueError("is not the address of a folder: it has a ?, a # or a blank in it")
    if not rest.strip("/") or (not parts.netloc and scheme in _STORES):
        raise ValueError("names no folder")
    return f"{scheme}://{rest.rstrip('/')}"


def needs(url: str) -> str | None:
    """Return the package that the store of a URL needs and that is not installed; None if all is there.

    Raises:
        ValueError: no store has this scheme.
    """
    from fsspec.registry import known_implementations, registry

    scheme = url.partition("://")[0]
    if scheme in registry:
        return None
    if scheme not in known_implementations:
        raise ValueError(f"has {scheme!r} in front, which fsspec does not know")
    module = known_implementations[scheme]["class"].rpartition(".")[0]
    try:
        import_module(module)
    except ImportError as error:
        return error.name or module.partition(".")[0]
    return None


def open_store(url: str, options: Mapping[str, Any], patience: Patience) -> Store:
    """Return what lists and reads the objects below a URL.

    Raises:
        NoImagesFolder: the options do not fit.
    """
    try:
        return _STORES.get(url.partition("://")[0], AnyStore)(url, options, patience)
    except Exception as error:  # each library has its own for options that do not fit
        said = _without(options, str(error).partition("\n")[0])
        raise NoImagesFolder(
            f"the image folder {url} cannot be opened ({type(error).__name__}: {said}); correct what "
            "images_options_file or the environment says"
        ) from error


def _without(options: Mapping[str, Any], text: str) -> str:
    """Return a text in which no value of these options stands, since each may be secret."""
    for value in options.values():
        if isinstance(value, Mapping):
            text = _without(value, text)
        elif isinstance(value, str) and len(value) >= 4:  # a shorter one stands in innocent words
            text = text.replace(value, "***")
    return text
