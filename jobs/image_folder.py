"""The image folder of a home, ready to be read: where it is a URL, with what its settings say of that."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.extras import missing
from jobs.home import Home
from jobs.settings.file import read_document
from pipeline.image_folder import ImageFolder, folder_named
from pipeline.remote.folder import RemoteFolder
from pipeline.remote.object_cache import ObjectCache
from pipeline.remote.opening import checked_url, needs

if TYPE_CHECKING:  # which has its settings checked here
    from jobs.config import Config


def can_be_read(folder: ImageFolder) -> None:
    """Check that what reads a URL is installed; a folder of this machine is looked at when it is scanned.

    Raises:
        ValueError: it is no address of an image folder, or a package is missing.
    """
    if not isinstance(folder, RemoteFolder):
        return
    url = checked_url(folder.url)
    if said := missing("s3" if url.startswith("s3:") else "urls"):
        raise ValueError(said)
    if package := needs(url):
        raise ValueError(f"needs the package {package}; run `pip install {package}`")


def connected(config: "Config", home: Home) -> "Config":
    """Return the settings with an image folder that can be read, if it is a URL.

    Raises:
        BadSettings: the file of options cannot be read.
    """
    if not isinstance(config.images, RemoteFolder):
        return config
    return replace(config, images=image_folder_at(checked_url(config.images.url), config, home))


def image_folder_at(text: str, config: "Config", home: Home) -> ImageFolder:
    """Return the image folder that records know by this name.

    Raises:
        BadSettings: the file of options cannot be read.
    """
    folder = folder_named(text)
    if not isinstance(folder, RemoteFolder):
        return folder
    file = config.images_options_file
    options = read_document(file).values if file else {}
    return replace(folder, options=options, cache=_copies(home, int(config.images_cache_gb * 1e9)))


def recorded_folder(text: str, home: Home) -> ImageFolder:
    """Return the image folder that a record names; how a URL is read, the settings of today say."""
    folder = folder_named(text)
    if isinstance(folder, Path):
        return folder
    from jobs.settings.load import load_config  # which checks by this module

    return image_folder_at(text, load_config(home.settings_file), home)


@cache
def _copies(home: Home, limit_bytes: int) -> ObjectCache | None:
    """Return the copies of a home, which no look makes; one object, since it counts what they take."""
    return ObjectCache(home.objects, limit_bytes, home.folder) if limit_bytes else None
