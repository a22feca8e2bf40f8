from pathlib import Path

import pytest

from pipeline.cuda_driver import (
    DriverProbe,
    Gpu,
    choose_gpu,
    driver_problem,
    gpu_problem,
    probe_driver,
    version_text,
)
from tests.pipeline.fake_cuda import build_driver, build_library

AMPERE = Gpu("NVIDIA RTX A4000", 8, 6)
HOPPER = Gpu("NVIDIA H100", 9, 0)


def working(*gpus: Gpu, version: int = 12040) -> DriverProbe:
    return DriverProbe("libcuda.so.1", None, 0, version, gpus)


def test_a_driver_is_asked_for_its_version_and_for_each_gpu(tmp_path: Path) -> None:
    driver = build_driver(tmp_path, version=11000, gpus=[("Hopper", 9, 0), ("Ampere", 8, 6)])
    probe = probe_driver([str(driver)])
    assert probe == DriverProbe(str(driver), None, 0, 11000, (Gpu("Hopper", 9, 0), Gpu("Ampere", 8, 6)))


@pytest.mark.parametrize(("code", "words"), [(100, "shows no GPU"), (803, "reboot"), (3, "cuInit gives 3")])
def test_a_driver_that_does_not_start_lists_no_gpu_and_says_why(
    tmp_path: Path, code: int, words: str
) -> None:
    probe = probe_driver([str(build_driver(tmp_path, init=code))])
    assert (probe.started, probe.gpus) == (code, ())
    assert words in (driver_problem(probe) or "")


def test_without_a_driver_the_loader_s_error_is_kept(tmp_path: Path) -> None:
    probe = probe_driver([str(tmp_path / "libcuda.so.1")])
    assert probe.library is None
    assert "install the driver" in (driver_problem(probe) or "")


def test_a_stub_without_functions_is_no_driver(tmp_path: Path) -> None:
    stub = build_library(tmp_path / "libcuda.so.1", "int nothing;")
    assert "no complete driver library" in (driver_problem(probe_driver([str(stub)])) or "")


def test_the_next_place_is_tried_when_the_first_has_no_driver(tmp_path: Path) -> None:
    driver = str(build_driver(tmp_path))
    assert probe_driver([str(tmp_path / "missing.so.1"), driver]).library == driver


@pytest.mark.parametrize(
    ("version", "usable"), [(10020, False), (11000, True), (11070, True), (11080, True), (13000, True)]
)
def test_a_driver_is_too_old_below_cuda_11(version: int, usable: bool) -> None:
    problem = driver_problem(working(AMPERE, version=version))
    assert (problem is None) == usable
    assert usable or "supports CUDA 10.2 and MXNet needs 11.0" in (problem or "")


@pytest.mark.parametrize(
    ("major", "minor", "words"),
    [
        (3, 7, "too old"),
        (5, 0, None),
        (7, 5, None),
        (8, 9, None),
        (9, 0, "too new"),
        (12, 0, "too new"),
    ],
)
def test_the_gpu_wheel_has_code_for_compute_5_to_8(major: int, minor: int, words: str | None) -> None:
    problem = gpu_problem(Gpu("card", major, minor))
    assert problem is None if words is None else words in (problem or "")


def test_any_gpu_means_the_first_that_mxnet_has_code_for() -> None:
    assert choose_gpu(working(HOPPER, AMPERE), None) == (1, None)


def test_a_gpu_asked_for_by_number_is_never_replaced_by_another() -> None:
    index, problem = choose_gpu(working(HOPPER, AMPERE), 0)
    assert index is None
    assert "NVIDIA H100 (compute capability 9.0) is too new" in (problem or "")


def test_a_number_beyond_the_last_gpu_is_answered_with_the_list() -> None:
    assert choose_gpu(working(AMPERE), 3) == (
        None,
        "there is no GPU 3; the driver shows gpu:0 (NVIDIA RTX A4000)",
    )


def test_a_driver_that_starts_but_shows_no_gpu_is_a_problem() -> None:
    assert "shows no GPU" in (driver_problem(working()) or "")


def test_cuda_versions_are_written_as_people_write_them() -> None:
    assert [version_text(value) for value in (11080, 12040, 11000)] == ["11.8", "12.4", "11.0"]
