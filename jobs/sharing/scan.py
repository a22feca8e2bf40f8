"""The reading of new files, shared: a worker reads those that it sees as the cycle does."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing

from jobs.program import program
from jobs.sharing.content import pack_files, unpack_files
from jobs.sharing.offer import Offer
from jobs.sharing.owner import Owner
from pipeline.errors import Interrupted
from pipeline.image_folder import ImageFolder
from pipeline.read_files import Reading, read_files
from pipeline.records import FileState

LEAST, MOST = 256, 2048  # files in a piece: a thousand are read in a second or two
WORTH = 512  # with fewer files left nobody is asked


class SharedReading:
    """Reads files for a scan, here and in workers. It is a `pipeline.read_files.ReadFiles`."""

    def __init__(self, owner: Owner, check_stop: Callable[[], None]) -> None:
        self._owner, self._check_stop = owner, check_stop

    def __call__(self, folder: ImageFolder, files: Sequence[FileState]) -> Generator[Reading, None, None]:
        """Read files; workers that come in the middle take part in the rest."""
        done = 0
        if not self._is_worth(len(files)):
            with closing(read_files(folder, files)) as readings:
                for reading in readings:
                    yield reading
                    done += 1
                    if self._is_worth(len(files) - done):
                        break
        if rest := files[done:]:
            try:
                yield from self._shared(folder, rest)
            except Interrupted:
                return  # the scan keeps what was read

    def _is_worth(self, left: int) -> bool:
        return left >= WORTH and self._owner.workers() > 0

    def _shared(self, folder: ImageFolder, files: Sequence[FileState]) -> Generator[Reading, None, None]:
        def here(some: Sequence[FileState], beat: Callable[[], None]) -> list[FileState | None]:
            return read_beating(folder, some, beat)

        offer = Offer(
            kind="scan",
            parameters={"program": program()},
            items=files,
            least=LEAST,
            most=MOST,
            pack=pack_files,
            unpack=lambda _, result: unpack_files(result),
            here=here,
            path=lambda file: file.path,
            check_stop=self._check_stop,
        )
        for some, states in self._owner.share(offer):
            # What a worker could not read as it was seen counts as changed only if it is so here as well.
            unsure = [seen for seen, state in zip(some, states, strict=True) if state is None]
            yield from ((s, state) for s, state in zip(some, states, strict=True) if state is not None)
            yield from read_files(folder, unsure)


def read_beating(
    folder: ImageFolder, files: Sequence[FileState], beat: Callable[[], None]
) -> list[FileState | None]:
    """Read files, and beat after each; None for a file that is not as it was seen."""
    states = []
    with closing(read_files(folder, files)) as readings:
        for _, state in readings:
            states.append(state)
            beat()
    return states
