"""Get ready for a job: only where this process does what its owner would have done."""

from collections.abc import Mapping
from typing import Any

from jobs.config import Config
from jobs.home import Home
from jobs.home_mark import mark_of
from jobs.program import program
from jobs.sharing.content import pack_files, unpack_files
from jobs.sharing.scan import read_beating
from jobs.sharing.task import Beat, Task, Unfit
from pipeline.errors import UnfitWorker
from pipeline.image_folder import ImageFolder, those_as_seen
from pipeline.records import FileState, SharedJob


def task_for(job: SharedJob, home: Home, config: Config) -> Task:
    """Return what to do with the chunks of a job.

    Raises:
        Unfit: nothing in this job.
        UnfitWorker: nothing at all, as long as this process runs.
    """
    theirs, ours = job.parameters["program"], program()
    if differing := [name for name in theirs if theirs[name] != ours.get(name)]:
        name = differing[0]
        raise UnfitWorker(
            f"this worker has another program than the cycle that shares its work ({name} {ours.get(name)!r},"
            f" there {theirs[name]!r}): install the same on both hosts and start the worker again"
        )
    if job.kind == "scan":
        return _Reading(config.images_folder())
    return _rows_task(job.parameters, home, config)


class _Reading(Task):
    """Reads new files."""

    def __init__(self, folder: ImageFolder) -> None:
        self._folder = folder

    def do(self, content: bytes, beat: Beat) -> bytes:
        """Read some files; the result has None for each that is not here as the owner saw it."""
        files = [file for file in unpack_files(content) if file is not None]
        seen = those_as_seen(self._folder, files)
        if not seen:
            raise Unfit(
                f"none of {len(files)} new files is in {self._folder} as the cycle sees it:"
                " the image folder must be the same one on both hosts, on a file system that they share"
            )
        states: dict[bytes, FileState | None] = {}
        for file, state in zip(seen, read_beating(self._folder, seen, beat), strict=True):
            states[file.path] = state
        return pack_files([states.get(file.path) for file in files])


def _rows_task(parameters: Mapping[str, Any], home: Home, config: Config) -> Task:
    """Return what computes rows; it imports MXNet, which takes over a second."""
    from jobs.sharing.rows_task import RowsTask

    if mark_of(home) != parameters["mark"]:
        raise UnfitWorker(
            f"the home {home.folder} is not that of the cycle that shares its work:"
            " it must lie on a file system that both hosts share"
        )
    return RowsTask(parameters, home, config)
