"""What a training found out about itself, and where its network looks."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from db.batches import batches
from db.runs import get_run
from db.snapshots import store_images
from db.tables import HeatMapRow, ImageRow
from pipeline.records import Calibration, DataPoint, Findings, HeatMap, Novelty


def set_findings(session: Session, run_id: int, findings: Findings) -> None:
    """Store what a run's training found out, in place of what was stored before."""
    curve = [
        {**vars(point), "right": dict(point.right), "tested": dict(point.tested)}
        for point in findings.data_curve
    ]
    get_run(session, run_id).findings = {**asdict(replace(findings, data_curve=())), "data_curve": curve}


def add_heat_maps(session: Session, run_id: int, heat_maps: Iterable[HeatMap]) -> None:
    """Store where a run's network looks; an image that is given again replaces its earlier row."""
    get_run(session, run_id)
    for batch in batches(heat_maps):
        ids = store_images(session, [heat_map.sha256 for heat_map in batch])
        rows = [
            {
                "run_id": run_id,
                "image_id": ids[heat_map.sha256],
                "label": heat_map.label,
                "width": heat_map.width,
                "values": heat_map.values,
            }
            for heat_map in batch
        ]
        session.execute(
            delete(HeatMapRow).where(HeatMapRow.run_id == run_id, HeatMapRow.image_id.in_(ids.values())),
            execution_options={"synchronize_session": False},
        )
        session.execute(insert(HeatMapRow), rows)


def load_heat_maps(session: Session, run_id: int) -> tuple[HeatMap, ...]:
    """Return the heat maps of a run, sorted by the hash of their image."""
    rows = session.execute(
        select(ImageRow.sha256, HeatMapRow.label, HeatMapRow.width, HeatMapRow.values)
        .join(ImageRow, ImageRow.id == HeatMapRow.image_id)
        .where(HeatMapRow.run_id == run_id)
        .order_by(ImageRow.sha256)
    )
    return tuple(HeatMap(sha256, label, width, values) for sha256, label, width, values in rows)


def temperature(session: Session, run_id: int) -> float:
    """Return what a run's logits are to be divided by; 1 where it is not known. NoSuchRecord for no run."""
    return read_findings(get_run(session, run_id).findings).temperature


def read_findings(stored: Mapping[str, Any] | None) -> Findings:
    """Return stored findings as records; empty ones where there are none."""
    if stored is None:
        return Findings()
    calibration, novelty = stored["calibration"], stored["novelty"]
    return Findings(
        calibration=None if calibration is None else Calibration(**calibration),
        repeats=tuple(stored["repeats"]),
        data_curve=tuple(DataPoint(**point) for point in stored["data_curve"]),
        novelty=None
        if novelty is None
        else Novelty(**{**novelty, "most_novel": tuple(novelty["most_novel"])}),
    )
