"""Where everything that Whisker writes is kept."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.settings.records_place import place_of_records
from pipeline.errors import BadSettings, NoHome

if TYPE_CHECKING:
    from db.place import Place
    from pipeline.image_folder import ImageFolder


@dataclass(frozen=True)
class Home:
    """The folder that a Whisker owns, and the names inside it."""

    folder: Path

    @property
    def settings_file(self) -> Path:
        """`whisker.toml`."""
        return self.folder / "whisker.toml"

    @cached_property
    def records(self) -> "Place":
        """Where the records lie: a SQLite file, or the URL of a server. Read from the settings, once.

        Raises:
            BadSettings: `database_url` cannot be used.
        """
        return place_of_records(self.settings_file, self.folder / "whisker.db")

    @cached_property
    def is_on_server(self) -> bool:
        """Whether the records lie on a server, so that several hosts may share the home."""
        return not isinstance(self.records, Path)

    @property
    def database(self) -> Path:
        """The SQLite file; on a server there is none, and this is where it would be."""
        return self.records if isinstance(self.records, Path) else self.folder / "whisker.db"

    @property
    def lock_file(self) -> Path:
        """Held by the process that writes."""
        return self.folder / "whisker.lock"

    @property
    def daemon_lock_file(self) -> Path:
        """Held by the daemon."""
        return self.folder / "daemon.lock"

    @property
    def mark_file(self) -> Path:
        """What a database on a server, and workers on other hosts, know this home by."""
        return self.folder / "home.id"

    @property
    def reserve(self) -> Path:
        """Space that is held back for the records of a cycle that a full disk ends."""
        return self.folder / "reserve"

    @property
    def daemon_state_file(self) -> Path:
        """What the daemon is doing; written by it alone."""
        return self.folder / "daemon.json"

    @property
    def recipes(self) -> Path:
        """The home's own recipes, a file each."""
        return self.folder / "recipes"

    @property
    def tune_lock_file(self) -> Path:
        """Held by the process that searches for settings; cycles do not wait for it."""
        return self.folder / "tune.lock"

    @property
    def weights(self) -> Path:
        """Pretrained weights."""
        return self.folder / "weights"

    @property
    def cache(self) -> Path:
        """What frozen layers made of images; may be deleted at any time."""
        return self.folder / "cache"

    @property
    def objects(self) -> Path:
        """Copies of images that are read from a URL; may be deleted at any time."""
        return self.cache / "objects"

    @property
    def models(self) -> Path:
        """One folder for each run."""
        return self.folder / "models"

    @property
    def checkpoints(self) -> Path:
        """One folder for each run that has not finished."""
        return self.folder / "checkpoints"

    @property
    def reports(self) -> Path:
        """`index.html` and one page for each cycle."""
        return self.folder / "reports"

    @property
    def logs(self) -> Path:
        """The log files; each has one writer, the owner of a lock."""
        return self.folder / "logs"

    @property
    def cycle_log(self) -> Path:
        """What cycles and looks log; written by who holds `lock_file`."""
        return self.logs / "cycle.log"

    @property
    def daemon_log(self) -> Path:
        """What the daemon logs; written by who holds `daemon_lock_file`."""
        return self.logs / "daemon.log"

    def model(self, run_id: int) -> Path:
        """Return the folder of a run's model."""
        return self.models / f"run-{run_id:04d}"

    def checkpoint(self, run_id: int) -> Path:
        """Return the folder of what a run needs to go on."""
        return self.checkpoints / f"run-{run_id:04d}"

    @property
    def champion(self) -> Path:
        """A symbolic link to the champion's folder, for other programs; the database is the truth."""
        return self.models / "champion"

    @property
    def champion_lock_file(self) -> Path:
        """Held, for an instant, by the process that renews the link."""
        return self.folder / "champion.lock"

    def require(self) -> None:
        """Check that it exists.

        Raises:
            NoHome: it does not.
        """
        if not self.folder.is_dir():
            raise NoHome(
                f"there is no home {self.folder}; "
                f"make one with `cli.py --home {self.folder} init --images DIR`"
            )

    def create(self, images: "ImageFolder | None") -> None:
        """Make the folder, unless it exists.

        Args:
            images: the image folder, which is read only to us, so the home must not lie in it; in none that
                is a URL, it can.

        Raises:
            BadSettings: the home would lie inside the image folder, or cannot be made.
        """
        if isinstance(images, Path) and self.folder.resolve().is_relative_to(images.resolve()):
            raise BadSettings(
                f"the home {self.folder} lies inside the image folder {images}, which is never written to; "
                "choose another --home"
            )
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise BadSettings(
                f"the home {self.folder} cannot be made ({error.strerror}); choose another --home"
            ) from error
