"""The frozen records that travel between the stages.

A field has the same name here, in the table and in the template. Accuracies are fractions from 0 to 1,
losses are means over images in nats, durations are seconds, instants are aware datetimes in UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Split = Literal["train", "test"]
RunKind = Literal["finetune", "scratch"]
Status = Literal["running", "finished", "failed", "interrupted"]
Decision = Literal["first", "promote", "hold", "reject"]
# How the note of a run begins that was cut off and went on, and how it ends if that changed no number.
WENT_ON, SAME_NUMBERS = "went on after epoch", "its numbers are those of a run that was not"
LookOutcome = Literal["nothing-new", "finished", "failed", "interrupted"]


# ---------------------------------------------------------------- data


@dataclass(frozen=True, slots=True)
class FileState:
    """What the index knows of one file: its stat, and either its content or why it cannot be used."""

    path: bytes  # relative to the image folder, as the operating system gives it (not always UTF-8)
    size: int  # bytes
    mtime_ns: int
    ctime_ns: int
    inode: int  # or what stands for the version of an object, see `pipeline.remote.folder`
    sha256: str | None  # None if the file could not be read
    width: int | None  # pixels, after the EXIF orientation; None if it could not be decoded
    height: int | None
    problem: str | None  # why it is in quarantine; None if it can be used
    fingerprint: bytes | None = None  # the perceptual hash of a usable image


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A file that cannot be used, and why."""

    path: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class SnapshotImage:
    """One image (content hash) as a cycle uses it."""

    sha256: str
    label: str
    split: Split
    path: bytes  # one of its paths, relative to the image folder


@dataclass(frozen=True)
class Snapshot:
    """The frozen list of images that a cycle trains and tests on, sorted by (split, label, sha256)."""

    digest: str  # SHA-256 over (sha256, label, split) of all images
    classes: tuple[str, ...]  # sorted; the index is the class index of the network
    images: tuple[SnapshotImage, ...]
    quarantined: tuple[Quarantined, ...]
    leaks: tuple["Leak", ...] = ()  # training images that were left out, since a test image shows the same
    mended: int = 0  # images whose label comes from somebody's decision, not from their folder

    def part(self, split: Split) -> tuple[SnapshotImage, ...]:
        """Return the images of one split, in snapshot order."""
        return tuple(image for image in self.images if image.split == split)

    @property
    def has_split_folders(self) -> bool:
        """Whether folders decided the split; a class cannot be called like one of these folders."""
        return all(image.path.startswith(image.split.encode() + b"/") for image in self.images)

    def summary(self) -> "SnapshotSummary":
        """Return the snapshot as numbers, zeros included."""
        counts: dict[Split, dict[str, int]] = {
            split: dict.fromkeys(self.classes, 0) for split in ("train", "test")
        }
        for image in self.images:
            counts[image.split][image.label] += 1
        return SnapshotSummary(self.digest, self.classes, counts, self.quarantined)


@dataclass(frozen=True, slots=True)
class Leak:
    """A training image that shows the same picture as a test image, and is left out of training."""

    train: SnapshotImage
    test: SnapshotImage
    distance: int  # bits by which their perceptual hashes differ
    transform: str  # what turns one into the other, one of `perceptual_hash.TRANSFORMS`


@dataclass(frozen=True, slots=True)
class Suspect:
    """A training image whose label is probably wrong."""

    sha256: str
    path: bytes
    label: str  # what its folder or an earlier decision says
    suggested: str  # the most probable class, by networks that did not see the image
    probability: float  # of the label it has, 0..1
    score: float  # probability of the suggested label minus that of its own, -1..1; the higher, the worse


@dataclass(frozen=True)
class LabelDecision:
    """What somebody decided about one image; the files are never touched."""

    sha256: str
    label: str | None  # None: leave the image out


ChangeKind = Literal["added", "moved", "other split", "relabelled", "removed", "replaced"]


@dataclass(frozen=True, slots=True)
class Change:
    """How one image differs from the snapshot before; label, split and path are the newest known."""

    kind: ChangeKind
    sha256: str
    path: bytes
    label: str
    split: Split
    before: str | None = None  # the former label, split or content hash


# ---------------------------------------------------------------- network


@dataclass(frozen=True)
class Preprocessing:
    """How an image becomes the input of a network; it belongs to the backbone and to each saved model.

    `squash` resizes to size x size; `crop` scales the short side to `short_side` and cuts the central
    size x size square. Then pixel / 255, minus `mean`, divided by `std`, per channel (RGB).
    """

    size: int
    resize: Literal["squash", "crop"]
    short_side: int
    interpolation: Literal["bilinear", "bicubic"]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@dataclass(frozen=True)
class Layer:
    """One row of the network's structure."""

    name: str
    kind: str  # e.g. Conv2D
    output_shape: tuple[int, ...]  # without the batch axis
    parameters: int


@dataclass(frozen=True)
class NetworkStructure:
    """What the report shows of a network."""

    layers: tuple[Layer, ...]
    new_last_layer: str  # name of the layer that was added for the classes
    filters: tuple[Any, ...]  # first convolution, nested lists (filters, height, width, 3), each 0..1


# ---------------------------------------------------------------- training


@dataclass(frozen=True)
class EpochMetrics:
    """What one pass over the training images gave."""

    epoch: int  # counted from 1
    phase: str  # "head", "last stage" or "all layers": which parameters were trained
    train_loss: float  # mean over images, nats; without the regularisation term
    train_accuracy: float
    test_loss: float
    test_accuracy: float
    seconds: float  # this epoch, evaluation included


@dataclass(frozen=True)
class Note:
    """A decision that a training took, in a plain sentence."""

    text: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a network says of one test image."""

    sha256: str
    path: bytes
    label: str
    probabilities: tuple[float, ...]  # one per class, in the order of the snapshot's classes


@dataclass(frozen=True)
class Evaluation:
    """A network on all test images of a snapshot."""

    accuracy: float
    log_loss: float  # mean over images, nats
    predictions: tuple[Prediction, ...]


@dataclass(frozen=True)
class Calibration:
    """The temperature that the logits are divided by, and what that does on held-out training images."""

    temperature: float  # above 0; above 1 where the network was too sure of itself
    images: int  # held-out training images that it was fitted on
    log_loss_before: float  # mean over these images, nats
    log_loss_after: float


@dataclass(frozen=True)
class DataPoint:
    """What a head that was fitted on a part of the training images says of the test images."""

    share: float  # of the training images, 0..1
    train_images: int
    right: Mapping[str, int]  # by class: test images given the right class
    tested: Mapping[str, int]  # by class: test images


@dataclass(frozen=True)
class Novelty:
    """How far the new training images lie from the earlier ones, as cosine distances of features."""

    images: int  # new training images
    novel: int  # those farther from any earlier image than `limit`
    limit: float  # 99 % of the earlier images have another earlier image within this distance
    distance: float  # median over the new images, to the nearest earlier one
    usual_distance: float  # median over the earlier images, to the nearest other one
    most_novel: tuple[str, ...]  # content hashes of the novel ones, the farthest first, bounded


@dataclass(frozen=True)
class Findings:
    """What a training on frozen features finds out about its own uncertainty, at hardly any cost."""

    calibration: Calibration | None = None
    repeats: tuple[float, ...] = ()  # test accuracies of heads fitted on resampled training images
    data_curve: tuple[DataPoint, ...] = ()  # by growing share
    novelty: Novelty | None = None  # None in a first cycle, and where nothing is new

    @property
    def temperature(self) -> float:
        """What the logits are to be divided by; 1 where it is not known."""
        return 1.0 if self.calibration is None else self.calibration.temperature


@dataclass(frozen=True)
class HeatMap:
    """Where in an image a network sees a class: a class activation map."""

    sha256: str
    label: str  # the class whose evidence is shown
    width: int  # values in a row
    values: bytes  # row by row, 0..255: none to the most evidence in this image


@dataclass(frozen=True)
class Artifact:
    """A published file of a run."""

    name: str  # relative to the run's model folder
    sha256: str
    size: int  # bytes


@dataclass(frozen=True)
class Run:
    """One training of one network, as the database has it."""

    id: int
    cycle_id: int
    kind: RunKind
    status: Status
    backbone: str
    recipe: str
    settings: Mapping[str, Any]  # the whole resolved recipe
    environment: Mapping[str, str]  # versions, device, processor
    device: str
    seed: int
    train_images: int
    test_images: int
    started_at: datetime
    seconds: float | None  # whole run; None while it is running
    images_per_second: float | None  # training images seen, by the time spent on training
    error: str | None
    notes: tuple[str, ...] = ()  # decisions the run took, in plain sentences
    epochs: tuple[EpochMetrics, ...] = ()
    test_accuracy: float | None = None
    test_log_loss: float | None = None
    model_pruned_at: datetime | None = None  # when its model was removed to save space


@dataclass(frozen=True)
class Verdict:
    """Whether the new model replaces the champion, and why, in one sentence."""

    decision: Decision
    reason: str
    margin: float = 0.0  # the least gain in accuracy for which the champion is replaced, 0..1


@dataclass(frozen=True)
class RunDetails:
    """A run with all that its page shows."""

    run: Run
    evaluation: Evaluation | None = None
    structure: NetworkStructure | None = None
    artifacts: tuple[Artifact, ...] = ()
    findings: Findings = Findings()
    heat_maps: tuple[HeatMap, ...] = ()


PromotionSource = Literal["cycle", "promote", "rollback"]


@dataclass(frozen=True)
class Promotion:
    """One change of champion."""

    id: int
    run_id: int
    at: datetime
    reason: str
    source: PromotionSource  # a cycle's verdict, or what a person did by hand


@dataclass(frozen=True)
class Activity:
    """What the process that holds the home is doing."""

    pid: int
    process_start: str  # when the process started, as the system counts; a pid is used again
    host: str
    stage: str
    done: int  # of `total` in this stage; 0 where it does not count
    total: int
    started_at: datetime
    stage_started_at: datetime
    beat_at: datetime  # when this was stored
    progress_at: datetime  # when `stage` or `done` last changed
    cycle_id: int | None = None  # these two are filled in by the database
    run_id: int | None = None


@dataclass(frozen=True)
class LookRecord:
    """One look at the image folder and how it ended."""

    started_at: datetime
    ended_at: datetime
    outcome: LookOutcome
    reason: str
    cycle_id: int | None


@dataclass(frozen=True)
class SnapshotSummary:
    """A snapshot as numbers: what lists and reports need of it."""

    digest: str
    classes: tuple[str, ...]
    counts: Mapping[Split, Mapping[str, int]]  # counts["train"]["cat"]
    quarantined: tuple[Quarantined, ...]

    def total(self, *splits: Split) -> int:
        """Return the number of images in some splits."""
        return sum(sum(self.counts[split].values()) for split in splits)


@dataclass(frozen=True)
class LastData:
    """The data of a folder's last finished cycle, as numbers."""

    data_digest: str | None  # over all that the snapshot was made from; None where some was not settled
    summary: SnapshotSummary
    leaks: int


@dataclass(frozen=True)
class Cycle:
    """One pass of scan, training, verdict and report."""

    id: int
    status: Status
    images_folder: str
    started_at: datetime
    finished_at: datetime | None
    error: str | None
    snapshot: SnapshotSummary | None
    finetune: RunDetails | None
    scratch: RunDetails | None  # may belong to an earlier cycle, see `scratch_reused`
    scratch_reused: bool
    verdict: Verdict | None
    champion_id: int | None  # the run that was champion when the cycle ended
    changes: tuple[Change, ...] = ()  # since the last finished cycle, bounded; empty in the first one
    change_counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # kind -> label -> images
    leaks: tuple[Leak, ...] = ()
    suspects: tuple[Suspect, ...] = ()  # the most suspicious first
    mended: int = 0
    thumbnails: Mapping[str, bytes] = field(default_factory=dict)  # sha256 -> JPEG, bounded
    compared: RunDetails | None = None  # the champion that the fine-tune was compared with, on these images
    previous: "Cycle | None" = None  # the folder's finished cycle before this one, without predictions
    arrivals: Mapping[str, int] = field(default_factory=dict)  # sha256 of a test image -> its first cycle


# ---------------------------------------------------------------- shared work

JobKind = Literal["scan", "features"]


@dataclass(frozen=True)
class SharedJob:
    """Work of a cycle that other processes may take chunks of."""

    id: int
    kind: JobKind
    parameters: Mapping[str, Any]  # what a process must know, or have in common, to take part
    lease_seconds: float
    done: int  # files
    total: int  # files


@dataclass(frozen=True)
class Claim:
    """A chunk that somebody works on; whoever claims it after him has another `attempt`."""

    chunk_id: int
    job_id: int
    attempt: int  # counted from 1
    content: bytes
    failures: int  # earlier attempts that were lost with their process, or ended in an error
    error: str | None  # the last error


@dataclass(frozen=True)
class Worker:
    """A process that works on chunks."""

    id: int
    pid: int
    process_start: str  # a pid is used again
    host: str
    started_at: datetime
    is_alive: bool  # it has beaten lately
    chunks_done: int
    doing: JobKind | None
    said: str | None  # why it takes no part in some job
