"""List the class folders at a URL, as `pipeline.walk` lists those of this machine."""

import os
import stat
from collections.abc import Callable, Iterator

from pipeline.layout import Layout, is_ignored
from pipeline.records import Quarantined
from pipeline.remote.entries import Entry
from pipeline.remote.folder import RemoteFolder
from pipeline.remote.trouble import Refused, Vanished
from pipeline.walk import Listing, listing_of, packed

DEEPEST = 32  # folders: a server may lead in circles


def walk_remote(
    root: RemoteFolder, layout: Layout, each_page: Callable[[], None]
) -> Iterator[Listing | Quarantined]:
    """Yield the listing of each folder in the class folders.

    Only names that begin with that of the class folder are ever asked for. A folder that cannot be listed is
    yielded as `Quarantined`; an object whose name no folder could hold has that as its problem.

    Raises:
        ImagesUnreachable: the store does not answer, so nothing is known of what it holds.
    """
    for class_folder in layout.class_folders:
        waiting = [os.fsencode(class_folder)]
        while waiting:
            folder = waiting.pop()
            try:
                listing, subfolders = _list(root, folder, each_page)
            except (Vanished, Refused) as error:
                yield Quarantined(folder, str(error))
                continue
            yield listing
            waiting += sorted(subfolders, reverse=True)


def _list(root: RemoteFolder, folder: bytes, each_page: Callable[[], None]) -> tuple[Listing, list[bytes]]:
    entries, subfolders, problems = [], [], {}
    too_deep = folder.count(b"/") >= DEEPEST
    for entry in root.listing(folder, each_page):
        name = os.fsencode(entry.name)
        if entry.folder and name and not too_deep:
            if not is_ignored(name):
                subfolders.append(folder + b"/" + name)
            continue
        if not entry.folder and not (name or entry.size):
            continue  # what some programs put there in the place of a folder
        problem = entry.problem or _problem_of_name(entry, name)
        if problem:
            name = name or b"/"
            problems[name] = problem
        times = (entry.mtime_ns, 0)
        entries.append((name, packed(stat.S_IFREG, entry.size, *times, entry.version)))
    return listing_of(folder, sorted(entries), problems), subfolders


def _problem_of_name(entry: Entry, name: bytes) -> str | None:
    if not name:
        return "its name has // in it, or ends with /"
    return "lies too many folders deep" if entry.folder else None
