"""Which classes an image folder has, and whether its sub-folders decide the split."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import NoImagesFolder, TooFewClasses, UnclearFolders
from pipeline.records import Split
from pipeline.remote.entries import Entry
from pipeline.remote.folder import RemoteFolder

SPLITS: tuple[Split, Split] = ("train", "test")
_IGNORED_NAMES = frozenset((b"thumbs.db", b"desktop.ini", b"@eadir", b"__macosx"))
_UNFINISHED = (b".part", b".partial", b".crdownload", b".download", b".tmp", b"~")


@dataclass(frozen=True)
class Layout:
    """The classes of an image folder, and how it is split."""

    split_folders: bool  # train/ and test/ exist and decide; else the split is drawn by content
    classes: tuple[str, ...]  # sorted
    folder: Path | RemoteFolder = Path()

    @property
    def class_folders(self) -> tuple[str, ...]:
        """Return the folders of all classes, relative to the image folder."""
        if not self.split_folders:
            return self.classes
        return tuple(f"{split}/{label}" for split in SPLITS for label in self.classes)


def find_layout(folder: Path | RemoteFolder) -> Layout:
    """Return how `folder` is laid out.

    With sub-folders `train` and `test`, these decide, and others beside them are ignored; else each
    sub-folder is a class.

    Raises:
        NoImagesFolder: it is missing, not a folder or cannot be read.
        ImagesUnreachable: the server that has it does not answer.
        TooFewClasses: it has fewer than two class folders.
        UnclearFolders: `train` and `test` do not fit together, or a class has an impossible name.
    """
    names = _class_names(folder)
    split_folders = set(SPLITS) <= set(names)
    if split_folders:
        names = _common_classes(folder)
    else:
        _check_no_half_split(folder, names)
    if len(names) < 2:
        raise TooFewClasses(_too_few(folder / "train" if split_folders else folder, names))
    return Layout(split_folders, tuple(names), folder)


def is_ignored(name: bytes) -> bool:
    """Return whether a file or folder never counts: hidden, unfinished, or put there by a file manager."""
    lower = name.lower()
    return lower.startswith(b".") or lower.endswith(_UNFINISHED) or lower in _IGNORED_NAMES


def _class_names(folder: Path | RemoteFolder) -> list[str]:
    """Return the names of the sub-folders that may be classes, sorted."""
    names = [entry.name for entry in _entries(folder) if entry.is_dir() and not is_ignored(_raw(entry))]
    for name in names:
        if not name.isprintable():  # a byte that is not UTF-8 is not printable either
            raise UnclearFolders(
                f"the class folder {name!a} in {folder} has a name that cannot be printed; rename it"
            )
    return sorted(names)


def _entries(folder: Path | RemoteFolder) -> Iterable[os.DirEntry[str] | Entry]:
    if isinstance(folder, RemoteFolder):
        return folder.entries()
    try:
        with os.scandir(folder) as listing:
            return list(listing)
    except FileNotFoundError:
        raise NoImagesFolder(
            f"the image folder {folder} does not exist; correct its path, or connect its disk"
        ) from None
    except NotADirectoryError:
        raise NoImagesFolder(
            f"{folder} is a file; give the folder that holds one sub-folder per class"
        ) from None
    except OSError as error:
        raise NoImagesFolder(
            f"the image folder {folder} cannot be read ({error.strerror}); mend its permissions or its disk"
        ) from None


def _raw(entry: os.DirEntry[str] | Entry) -> bytes:
    return os.fsencode(entry.name)


def _common_classes(folder: Path | RemoteFolder) -> list[str]:
    """Return the classes of train/ and test/, which must be the same."""
    train, test = (set(_class_names(folder / split)) for split in SPLITS)
    for label in sorted(train ^ test):
        has, lacks = ("train", "test") if label in train else ("test", "train")
        raise UnclearFolders(
            f"class {label!r} has a folder in {folder / has} but none in {folder / lacks}; "
            "add the missing folder with images, or remove the other"
        )
    return sorted(train)


def _check_no_half_split(folder: Path | RemoteFolder, names: list[str]) -> None:
    """Refuse what would silently turn `train` or `Test` into a class."""
    for name in names:
        if name.lower() in SPLITS:
            raise UnclearFolders(
                f"{folder} has a folder {name!r}, but not both 'train' and 'test' in lower case; make these "
                f"two, each with one sub-folder per class, or put the class folders directly into {folder}"
            )


def _too_few(folder: Path | RemoteFolder, names: list[str]) -> str:
    found = f"has only one class folder ({names[0]!r})" if names else "has no class folder"
    loose = sum(entry.is_file() and not is_ignored(_raw(entry)) for entry in _entries(folder))
    hint = "make one sub-folder per class, such as cat and dog, and put the images into them"
    if loose:
        files = "1 file that lies" if loose == 1 else f"{loose} files that lie"
        hint = f"make one sub-folder per class, such as cat and dog, for the {files} directly in it"
    return f"{folder} {found}, and a classifier needs at least two; {hint}"
