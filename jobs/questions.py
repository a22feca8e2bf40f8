"""What only a person can decide: other classes than before, or a large part of the images gone."""

from collections.abc import Iterable

from pipeline.errors import ClassesChanged, ImagesVanished
from pipeline.records import FileState, Snapshot
from pipeline.scan_result import ScanResult


def ask_about_classes(scanned: ScanResult, last: Snapshot | None, *, accepted: bool) -> None:
    """Stop if the class folders are not those of the last finished cycle.

    A folder that was renamed, or is missing since a disk is not there, must not be taken for thousands of
    images that somebody deleted.

    Raises:
        ClassesChanged: they are others, and that was not accepted.
    """
    if last is None or accepted or scanned.layout.classes == last.classes:
        return
    appeared = [f"+{label}" for label in scanned.layout.classes if label not in last.classes]
    vanished = [f"-{label}" for label in last.classes if label not in scanned.layout.classes]
    raise ClassesChanged(
        f"the class folders in {scanned.layout.folder} have changed ({', '.join(vanished + appeared)}); "
        "put them back, or go on with `run-now --accept-classes`"
    )


def ask_about_loss(
    scanned: ScanResult,
    files: Iterable[FileState],
    last: Snapshot | None,
    limit: float,
    *,
    accepted: bool,
) -> None:
    """Stop if more than the share `limit` of the last snapshot's images is not among the settled files.

    Raises:
        ImagesVanished: that many are gone, and that was not accepted.
    """
    if last is None or accepted:
        return
    here = {file.sha256 for file in files if file.problem is None}
    unsettled = set(scanned.settling)
    gone = sum(image.sha256 not in here and image.path not in unsettled for image in last.images)
    if gone > limit * len(last.images):
        raise ImagesVanished(
            f"{gone:,} of the {len(last.images):,} images of the last cycle are gone from "
            f"{scanned.layout.folder}; is a disk missing? "
            "If they shall be gone, go on with `run-now --accept-loss`"
        )
