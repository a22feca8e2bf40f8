"""Every error that a user can meet; each message is one sentence: what, where, how to mend it.

Those marked "passes" may be gone at the next try, with nobody doing anything: their class has
`passes = True`. To try the others again is of no use before somebody has mended something.

WhiskerError                 exit status 1
├── UsageError               2   wrong use or bad settings
│   ├── BadSettings
│   ├── NoHome
│   ├── UnknownBackbone
│   ├── UnknownRecipe
│   ├── NoSuchRecord
│   ├── CannotPromote
│   ├── NothingToCompare
│   ├── CannotTune
│   ├── NothingToRestore
│   └── UnfitWorker
├── DataError                1   the image folders cannot be used
│   ├── NoImagesFolder           passes
│   ├── ImagesUnreachable        passes
│   ├── UnclearFolders
│   ├── EmptyClass
│   ├── TooFewImages
│   ├── NoSettledImages          passes
│   └── TooFewClasses
├── NeedsDecision            3   only a person can decide
│   ├── ClassesChanged
│   └── ImagesVanished
├── WeightsError             1   pretrained weights are missing or wrong
│   └── WeightsUnreachable           passes
├── DeviceUnavailable        1   the device asked for cannot be used
├── MXNetUnavailable         1   MXNet is not installed, or twice
├── TrainingDiverged         1   the loss or a parameter is not finite
├── ComputingFailed          1   MXNet failed
│   └── OutOfMemory              1   there is too little memory
├── ClusterFailed            1   a process of a training over several hosts died or is silent; passes
├── CannotExport             1   a model cannot be given away as was asked
├── SaveFailed               1   a file could not be written whole
│   └── DiskFull                     passes
├── DatabaseError            1   the database cannot be used
│   ├── DatabaseBusy                 passes
│   ├── DatabaseUnreachable          passes
│   ├── DatabaseMissing
│   └── DatabaseTooNew
├── GivenUp                  1   a cycle was cut off too often
├── ChampionChanged          1   somebody else changed the champion meanwhile
├── HomeLost                 1   the home or its lock is not there any more
├── CannotListen             1   the address of a server cannot be used
├── Locked                   75  another process holds the home; passes
│   └── TakenOver                    another host has taken it over meanwhile; passes
└── Interrupted              130/143  ended by a signal
"""


class WhiskerError(Exception):
    """The root: one sentence for the user."""

    exit_status = 1
    passes = False  # whether the same attempt may succeed later, with nobody doing anything


class UsageError(WhiskerError):
    """The command or the settings are wrong."""

    exit_status = 2


class BadSettings(UsageError):
    """A setting has a wrong name, type or value."""


class NoHome(UsageError):
    """The home folder does not exist yet."""


class UnknownBackbone(UsageError):
    """No backbone has this name."""


class UnknownRecipe(UsageError):
    """No recipe has this name."""


class NoSuchRecord(UsageError):
    """The database has no row with this id."""


class CannotPromote(UsageError):
    """The run cannot become the champion."""


class NothingToCompare(UsageError):
    """Two runs have no test image, or no classes, in common."""


class CannotTune(UsageError):
    """There is nothing to search for in this recipe."""


class NothingToRestore(UsageError):
    """There is no backup, or no reason to put one in the database's place."""


class UnfitWorker(UsageError):
    """A worker has another program or another home than the cycle whose work it should share."""


class DataError(WhiskerError):
    """The image folders cannot be used as they are."""


class NoImagesFolder(DataError):
    """The folder of images is missing or cannot be read, as that of a disk which is not mounted."""

    passes = True


class ImagesUnreachable(DataError):
    """The server that has the images does not answer, or not as it should."""

    passes = True


class UnclearFolders(DataError):
    """The sub-folders do not say clearly which the classes are."""


class NoSettledImages(DataError):
    """All files are still being written."""

    passes = True


class EmptyClass(DataError):
    """A class has no readable image in a split."""


class TooFewImages(DataError):
    """A class has too few images to train on for what is asked."""


class TooFewClasses(DataError):
    """Fewer than two class folders."""


class NeedsDecision(WhiskerError):
    """Only a person can decide whether to go on."""

    exit_status = 3


class ClassesChanged(NeedsDecision):
    """The class folders are not those of the last cycle."""


class ImagesVanished(NeedsDecision):
    """A large part of the images of the last cycle is gone."""


class WeightsError(WhiskerError):
    """Pretrained weights cannot be found, fetched or read."""


class WeightsUnreachable(WeightsError):
    """The server that has the weights does not answer, or not as it should."""

    passes = True


class DeviceUnavailable(WhiskerError):
    """The device that was asked for cannot be used."""


class MXNetUnavailable(WhiskerError):
    """MXNet is not installed, or installed twice, or cannot be imported."""


class TrainingDiverged(WhiskerError):
    """A loss or a parameter is NaN or infinite."""


class ComputingFailed(WhiskerError):
    """MXNet failed."""


class OutOfMemory(ComputingFailed):
    """There is too little memory."""

    def __init__(self, message: str, *, goes_on: bool) -> None:
        super().__init__(message)
        self.goes_on = goes_on  # whether a new process goes on, with a batch in smaller parts


class ClusterFailed(WhiskerError):
    """A process of a training over several hosts died, went silent or never came; the next cycle goes on."""

    passes = True


class CannotExport(WhiskerError):
    """A model cannot be written in the form that was asked for, or would not say what it says here."""


class SaveFailed(WhiskerError):
    """A file could not be written whole."""


class DiskFull(SaveFailed):
    """There is too little space for what must be written: files, or the database."""

    passes = True


class DatabaseError(WhiskerError):
    """The database cannot be used."""


class DatabaseBusy(DatabaseError):
    """Another program held the database for longer than we wait."""

    passes = True


class DatabaseUnreachable(DatabaseError):
    """The server of the database does not answer, or the connection to it was lost."""

    passes = True


class DatabaseMissing(DatabaseError):
    """There is no database to read."""


class DatabaseTooNew(DatabaseError):
    """The database was made by a newer version of Whisker."""


class GivenUp(WhiskerError):
    """A cycle was cut off so often that something in it must be the reason."""


class ChampionChanged(WhiskerError):
    """Another run became the champion since the decision was prepared."""


class HomeLost(WhiskerError):
    """Somebody has removed the home, or the lock that this process holds."""


class CannotListen(WhiskerError):
    """The address at which a server should listen cannot be used."""


class Locked(WhiskerError):
    """Another process holds this home."""

    exit_status = 75
    passes = True


class TakenOver(Locked):
    """Another process has taken the home over, since this one could not be heard for too long."""


class Interrupted(WhiskerError):
    """A signal asked to stop; what was finished is kept."""

    def __init__(self, signal_number: int) -> None:
        super().__init__("stopped by a signal; all finished epochs are kept")
        self.exit_status = 128 + signal_number


class BadImage(Exception):
    """A file is no usable image; the message is the reason for its quarantine, so no user meets the error."""
