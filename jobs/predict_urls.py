"""Classify what lies at a URL: single objects, or all below one."""

import os
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from jobs.home import Home
from jobs.image_folder import can_be_read, image_folder_at
from jobs.predict import ON_THIS_MACHINE, Places
from pipeline.decode import read_file
from pipeline.errors import BadSettings
from pipeline.image_folder import ImageFolder, folder_named, read_from
from pipeline.image_paths import image_paths
from pipeline.layout import is_ignored
from pipeline.remote.folder import THREADS, RemoteFolder
from pipeline.remote.opening import checked_url, is_url
from pipeline.remote.trouble import Refused, Vanished
from pipeline.remote.walk import DEEPEST

if TYPE_CHECKING:
    from jobs.config import Config


def places_of(home: Home, settings: "Callable[[], Config]", words: Iterable[bytes]) -> Places:
    """Return what finds and reads images, at URLs too if any of the words is one or is to be read."""
    if not any(word == b"-" or is_url(os.fsdecode(word)) for word in words):
        return ON_THIS_MACHINE
    anywhere = _Anywhere(home, settings)
    return Places(anywhere.paths, anywhere.read, THREADS)


class _Anywhere:
    """Finds and reads images on this machine and at URLs, which are opened as the settings of a home say."""

    def __init__(self, home: Home, settings: "Callable[[], Config]") -> None:
        self._home = home
        self._settings = settings
        self._open: dict[str, ImageFolder] = {}

    def paths(self, words: Iterable[bytes]) -> Iterator[bytes]:
        """Yield what each word names, see `image_paths`; a URL stands for all below it, or for one object."""
        for word in words:
            if is_url(os.fsdecode(word)):
                yield from self._below(os.fsdecode(word))
            else:
                yield from image_paths((word,))

    def read(self, path: bytes) -> bytes:
        """Return the content of a file or object.

        Raises:
            BadImage: it cannot be read.
            ImagesUnreachable: its server does not answer.
        """
        if not is_url(os.fsdecode(path)):
            return read_file(path)
        folder, _, name = path.rpartition(b"/")
        return read_from(self._folder(os.fsdecode(folder)), name)

    def _below(self, url: str) -> Iterator[bytes]:
        """Yield all objects below a URL, or the URL itself where it is one of an object."""
        folder = self._folder(url)
        if not isinstance(folder, RemoteFolder):
            yield from image_paths((os.fsencode(folder),))
            return
        found = False
        for path in _objects(folder, b""):
            found = True
            yield os.fsencode(folder.url) + path
        if not found:
            yield os.fsencode(folder.url)

    def _folder(self, url: str) -> ImageFolder:
        if url not in self._open:
            try:
                can_be_read(folder_named(url))
                known = url if url.lower().startswith("file:") else checked_url(url)
            except ValueError as error:
                raise BadSettings(f"a URL to classify {error}") from None
            self._open[url] = image_folder_at(known, self._settings(), self._home)
        return self._open[url]


def _objects(folder: RemoteFolder, inside: bytes) -> Iterator[bytes]:
    """Yield the objects in a folder and its folders, as they are listed; none where it cannot be listed."""
    folders = []
    try:
        for entry in folder.listing(inside, lambda: None):
            name = os.fsencode(entry.name)
            if is_ignored(name) or not name:
                continue
            if entry.folder and inside.count(b"/") < DEEPEST:
                folders.append(name)
            else:  # a folder that lies too deep is said to be no image
                yield b"/".join((b"", *filter(None, (inside, name))))
    except (Vanished, Refused):
        return
    for name in sorted(folders):
        yield from _objects(folder, b"/".join(filter(None, (inside, name))))
