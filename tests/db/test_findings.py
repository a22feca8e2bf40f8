from dataclasses import replace
from types import MappingProxyType

import pytest
from sqlalchemy.orm import Session

from db import store
from pipeline.errors import NoSuchRecord
from pipeline.records import Calibration, DataPoint, Findings, HeatMap, Novelty
from tests.db.samples import begin_cycle, begin_run, sha

FINDINGS = Findings(
    calibration=Calibration(1.0 + 1 / 3, 400, 0.25, 0.125),
    repeats=(0.9, 0.91, 0.89),
    data_curve=(
        DataPoint(0.5, 2, {"cat": 1, "dog": 0}, {"cat": 1, "dog": 1}),
        DataPoint(1.0, 4, MappingProxyType({"cat": 1, "dog": 1}), {"cat": 1, "dog": 1}),
    ),
    novelty=Novelty(10, 2, 0.3, 0.2, 0.1, (sha("a"), sha("b"))),
)
HEAT_MAPS = tuple(
    sorted(
        (HeatMap(sha(name), "cat", 2, bytes([0, 255, 10, number])) for number, name in enumerate("abc")),
        key=lambda heat_map: heat_map.sha256,
    )
)


@pytest.fixture
def run_id(session: Session) -> int:
    return begin_run(session, begin_cycle(session)[0])


def again(session: Session) -> None:
    session.flush()
    session.expire_all()


@pytest.mark.parametrize("findings", [FINDINGS, Findings(), replace(FINDINGS, novelty=None, repeats=())])
def test_findings_come_back_as_they_were(session: Session, run_id: int, findings: Findings) -> None:
    assert store.load_run(session, run_id).findings == Findings()
    store.set_findings(session, run_id, FINDINGS)
    store.set_findings(session, run_id, findings)
    again(session)
    assert store.load_run(session, run_id).findings == findings


def test_heat_maps_come_back_and_one_of_the_same_image_replaces_the_earlier(
    session: Session, run_id: int
) -> None:
    store.add_heat_maps(session, run_id, HEAT_MAPS[:2])
    changed = replace(HEAT_MAPS[1], label="dog", values=b"\0\0\0\0")
    store.add_heat_maps(session, run_id, [changed, HEAT_MAPS[2]])
    store.add_heat_maps(session, run_id, [])
    assert store.load_run(session, run_id).heat_maps == (HEAT_MAPS[0], changed, HEAT_MAPS[2])


def test_the_page_of_a_cycle_has_both_and_the_list_of_cycles_neither(session: Session) -> None:
    cycle_id, _ = begin_cycle(session)
    run_id = begin_run(session, cycle_id)
    store.set_findings(session, run_id, FINDINGS)
    store.add_heat_maps(session, run_id, HEAT_MAPS)
    details = store.load_cycle(session, cycle_id).finetune
    assert details is not None
    assert (details.findings, details.heat_maps) == (FINDINGS, HEAT_MAPS)
    (listed,) = store.list_cycles(session)
    assert listed.finetune is not None
    assert (listed.finetune.findings, listed.finetune.heat_maps) == (Findings(), ())


def test_the_temperature_of_a_run_is_1_where_none_was_fitted(session: Session, run_id: int) -> None:
    assert store.temperature(session, run_id) == 1.0
    store.set_findings(session, run_id, Findings(repeats=(0.5,)))
    assert store.temperature(session, run_id) == 1.0
    store.set_findings(session, run_id, FINDINGS)
    again(session)
    assert store.temperature(session, run_id) == 1.0 + 1 / 3


def test_a_run_that_is_not_there_has_no_findings(session: Session) -> None:
    with pytest.raises(NoSuchRecord, match="no run 5"):
        store.set_findings(session, 5, FINDINGS)
    with pytest.raises(NoSuchRecord, match="no run 5"):
        store.add_heat_maps(session, 5, HEAT_MAPS)
