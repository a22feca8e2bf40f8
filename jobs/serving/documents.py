"""The JSON documents of the app, as its OpenAPI description has them; fields may be added, never renamed."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints

from jobs.labels import EXCLUDE
from jobs.serving.answer import ImageAnswer
from jobs.serving.doubts import Doubt, LookOver
from jobs.serving.keys import keys_of
from pipeline.pictures import Placed
from pipeline.records import LabelDecision, SnapshotImage
from pipeline.shown import shown

MOST = 1000  # of each list, that a page shows at once
SHA256 = "^[0-9a-f]{64}$"
Sha256 = Annotated[str, StringConstraints(pattern=SHA256)]


class Problem(BaseModel):
    """Why a request was not answered."""

    detail: str = Field(description="one sentence")


Problems = dict[int | str, dict[str, Any]]  # of a route, by status
UNREADY: Problems = {503: {"model": Problem, "description": "The database cannot be used"}}


class Health(BaseModel):
    """That the server can do its work."""

    status: Literal["ok"]


class HeatMap(BaseModel):
    """Where the evidence for the class is; the position is in pixels of the upright image."""

    png: str = Field(
        description="data: URI of a PNG, the more opaque the more evidence, its own most as full"
    )
    x: float
    y: float
    width: float
    height: float


class Prediction(BaseModel):
    """What the champion says of an image."""

    run: int = Field(description="the run that is champion")
    label: str
    probability: float
    probabilities: dict[str, float]
    width: int = Field(description="pixels of the upright image")
    height: int
    heat_map: HeatMap | None = Field(description="null if it was not asked for or the model has none")
    picture: str | None = Field(description="data: URI of a JPEG, if it was asked for")


class Partner(BaseModel):
    """The image of another class that shows the same picture."""

    sha256: str
    label: str
    path: str


class DoubtfulLabel(BaseModel):
    """An image whose label is, or was, doubtful."""

    sha256: str
    kind: Literal["conflict", "suspect"]
    labels: list[str] = Field(description="several only if the image lies under several classes")
    suggested: str | None
    probability: float | None = Field(description="of its label, by networks that had not seen it")
    reason: str | None
    path: str
    partner: Partner | None
    decision: str | None = Field(description="a class, `exclude`, or null")
    settled: bool = Field(description="by what was decided about its partner")


class UnusableFile(BaseModel):
    """A file in quarantine."""

    path: str
    reason: str


class EarlierDecision(BaseModel):
    """What was decided about an image that is not doubtful now."""

    sha256: str
    path: str
    decision: str


class Doubts(BaseModel):
    """What there is to look over."""

    classes: list[str]
    keys: dict[str, str] = Field(description="the key that decides for a class, empty if none does")
    in_all: int
    left: int = Field(description="those that nobody has decided on")
    doubts: list[DoubtfulLabel] = Field(description=f"the first {MOST}")
    quarantine: list[UnusableFile]
    earlier: list[EarlierDecision]


class Decision(BaseModel):
    """What somebody has decided about an image."""

    sha256: Sha256
    decision: str | None = Field(description="a class, `exclude`, or null to take back what was decided")


def prediction_document(found: ImageAnswer) -> Prediction:
    """Return what is said of an image."""
    return Prediction(
        run=found.run_id,
        label=found.label,
        probability=max(found.probabilities),
        probabilities=dict(zip(found.classes, found.probabilities, strict=True)),
        width=found.width,
        height=found.height,
        heat_map=None if found.heat_map is None else _heat_map(found.heat_map),
        picture=found.picture,
    )


def doubts_document(found: LookOver) -> Doubts:
    """Return what there is to look over."""
    return Doubts(
        classes=list(found.classes),
        keys=keys_of(found.classes),
        in_all=len(found.doubts),
        left=found.left,
        doubts=[_doubt(doubt) for doubt in found.doubts[:MOST]],
        quarantine=[
            UnusableFile(path=shown(file.path), reason=file.reason) for file in found.quarantine[:MOST]
        ],
        earlier=[
            EarlierDecision(
                sha256=one.decision.sha256, path=shown(one.path), decision=one.decision.label or EXCLUDE
            )
            for one in found.earlier[:MOST]
        ],
    )


def _doubt(doubt: Doubt) -> DoubtfulLabel:
    return DoubtfulLabel(
        sha256=doubt.sha256,
        kind="suspect" if doubt.reason is None else "conflict",
        labels=list(doubt.labels),
        suggested=doubt.suggested,
        probability=doubt.probability,
        reason=doubt.reason,
        path=shown(doubt.path),
        partner=None if doubt.partner is None else _partner(doubt.partner),
        decision=_in_a_word(doubt.decision),
        settled=doubt.settled,
    )


def _heat_map(placed: Placed) -> HeatMap:
    return HeatMap(png=placed.uri, x=placed.x, y=placed.y, width=placed.width, height=placed.height)


def _partner(image: SnapshotImage) -> Partner:
    return Partner(sha256=image.sha256, label=image.label, path=shown(image.path))


def _in_a_word(decision: LabelDecision | None) -> str | None:
    return None if decision is None else decision.label or EXCLUDE
