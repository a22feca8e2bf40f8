import pytest

from jobs.examination.check import Check
from jobs.examination.devices import (
    cudnn_check,
    driver_check,
    driver_of,
    gpu_checks,
    idle_gpu_check,
    kernel_driver_check,
    library_checks,
    overlapping_check,
    proof_check,
)
from pipeline.cuda_driver import DriverProbe, Gpu
from pipeline.probe_child import ProbeOutcome

AMPERE, HOPPER = Gpu("NVIDIA RTX A4000", 8, 6), Gpu("NVIDIA H100", 9, 0)
NO_DRIVER = DriverProbe(error="libcuda.so.1: cannot open shared object file")


def driver(*gpus: Gpu, version: int = 12040) -> DriverProbe:
    return DriverProbe("libcuda.so.1", None, 0, version, gpus)


def test_with_the_cpu_wheel_an_idle_gpu_that_would_work_is_a_warning() -> None:
    assert idle_gpu_check(driver(AMPERE)).status == "warning"
    assert "'whisker[cu112]'" in idle_gpu_check(driver(AMPERE)).message
    assert "too new" in idle_gpu_check(driver(HOPPER)).message
    assert idle_gpu_check(driver(HOPPER)).status == "ok"
    assert idle_gpu_check(NO_DRIVER) == Check("GPU", "ok", "no NVIDIA GPU was found; training uses the CPU")


def test_a_driver_that_kills_the_process_that_asks_it_is_a_problem_with_that_reason() -> None:
    check = driver_check(driver_of(ProbeOutcome({}, -11, "")))
    assert check.status == "problem"
    assert "signal 11" in check.message


@pytest.mark.parametrize(
    ("version", "status"), [(10020, "problem"), (11000, "warning"), (11070, "warning"), (11080, "ok")]
)
def test_a_driver_before_cuda_11_8_works_without_fusion(version: int, status: str) -> None:
    check = driver_check(driver(AMPERE, version=version))
    assert check.status == status
    assert ("MXNET_USE_FUSION=0" in check.message) == (status == "warning")


def test_each_gpu_has_its_own_check() -> None:
    checks = gpu_checks(driver(AMPERE, HOPPER))
    assert [(check.name, check.status) for check in checks] == [("gpu:0", "ok"), ("gpu:1", "problem")]


@pytest.mark.parametrize(
    ("outcome", "status", "words"),
    [
        (ProbeOutcome({"cudnn": 8906, "cudnn_mismatched": []}, 0, ""), "ok", "cuDNN 8.9.6"),
        (ProbeOutcome({"cudnn": 8906, "cudnn_mismatched": ["CnnInfer"]}, 0, ""), "problem", "CnnInfer"),
        (ProbeOutcome({"cudnn": 8005, "cudnn_mismatched": []}, 0, ""), "problem", "8.1 to 8.9"),
        (ProbeOutcome({"cudnn": 8500}, -6, "Could not load"), "problem", "signal 6: Could not load"),
        (ProbeOutcome({"libraries": []}, 0, ""), "problem", "not there"),
    ],
)
def test_cudnn_must_be_whole_and_of_version_8(outcome: ProbeOutcome, status: str, words: str) -> None:
    check = cudnn_check(outcome)
    assert check.status == status
    assert words in check.message


def test_a_missing_cuda_library_is_named_with_the_loader_s_reason() -> None:
    libraries = [
        {"name": "libcufft.so.10", "path": "/x/libcufft.so.10", "error": None},
        {"name": "libnccl.so.2", "path": None, "error": "cannot open"},
    ]
    first, second = library_checks(libraries)
    assert first.status == "ok"
    assert second.status == "problem"
    assert "libnccl.so.2 cannot be loaded (cannot open); run `pip install" in second.message


def test_the_other_signs_of_a_gpu_are_judged() -> None:
    assert overlapping_check([]).status == "ok"
    assert "nvidia-nccl-cu12" in overlapping_check(["nvidia-nccl-cu12"]).message
    assert kernel_driver_check(["/dev/dxg"]).status == "ok"
    assert "--gpus all" in kernel_driver_check([]).message
    assert proof_check(ProbeOutcome({"proved": "gpu:0"}, 0, "")).message == "MXNet trains one step on gpu:0"
    together = proof_check(ProbeOutcome({"proved": "gpu:0,1"}, 0, ""))
    assert together.status == "ok"
    assert together.message == "MXNet trains one step on gpu:0,1, and these add up what they have"
    assert proof_check(ProbeOutcome({}, None, "")).status == "problem"
