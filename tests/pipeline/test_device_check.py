from pathlib import Path

import pytest

from pipeline.device_check import check
from pipeline.probe_child import merge_facts, run_probe
from tests.pipeline.fake_cuda import build_driver, python


def test_the_cpu_is_proved_by_a_training_step_in_a_process_of_its_own() -> None:
    outcome = run_probe("pipeline.device_check", "cpu", timeout_seconds=60)
    assert outcome.exit_status == 0
    assert outcome.facts["proved"] == "cpu"
    assert outcome.facts["mxnet"]


def test_a_gpu_that_mxnet_has_no_code_for_is_refused_before_mxnet_is_imported(tmp_path: Path) -> None:
    driver = build_driver(tmp_path, gpus=[("H100", 9, 0)])
    facts = merge_facts(python("-m", "pipeline.device_check", "gpu", libraries=[driver.parent]).splitlines())
    assert "too new" in facts["problem"]
    assert "mxnet" not in facts


def test_a_gpu_that_fits_the_driver_s_words_still_has_to_compute(tmp_path: Path) -> None:
    driver = build_driver(tmp_path, gpus=[("A4000", 8, 6)])  # a driver without a GPU behind it
    facts = merge_facts(
        python("-m", "pipeline.device_check", "gpu:0", libraries=[driver.parent]).splitlines()
    )
    assert facts["driver"]["gpus"] == [{"name": "A4000", "major": 8, "minor": 6}]
    assert "proved" not in facts
    assert "so none has the number 0" in facts["problem"] or "cannot" in facts["problem"]


def test_each_fact_is_told_before_the_next_step_is_tried() -> None:
    assert list(next(check("gpu"))) == ["driver"]


@pytest.mark.parametrize("kvstore", ["device", "local"])
def test_several_devices_have_to_add_up_right_what_they_have(kvstore: str) -> None:
    assert list(check("cpu:1,2", kvstore))[-1] == {"proved": "cpu:1,2"}


def test_a_way_to_add_up_that_mxnet_was_built_without_is_no_proof() -> None:
    (problem,) = list(check("cpu:1,2", "nccl"))[-1].values()
    assert problem == "MXNet cannot compute on cpu:1,2 (MXNetError: compile with USE_NCCL=1 to use nccl)"


def test_of_all_gpus_those_are_tried_that_mxnet_has_code_for(tmp_path: Path) -> None:
    driver = build_driver(tmp_path, gpus=[("H100", 9, 0), ("A4000", 8, 6)])
    facts = merge_facts(python("-m", "pipeline.device_check", "gpus", libraries=[driver.parent]).splitlines())
    assert "too new" not in facts["problem"], "not the first one"
    assert "so none has the number 1" in facts["problem"] or "cannot" in facts["problem"]
