import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.cuda_libraries import GPU_WHEEL, mxnet_distributions
from pipeline.device import Device, context, judge, needs_no_gpu, parse_device, resolve_device
from pipeline.errors import BadSettings, DeviceUnavailable
from pipeline.probe_child import PROJECT_FOLDER, ProbeOutcome, run_probe
from tests.pipeline.fake_cuda import build_driver, python
from tests.pipeline.test_cuda_libraries import install

needs_cpu_wheel = pytest.mark.skipif(
    list(mxnet_distributions()) != ["mxnet"], reason="needs MXNet's CPU wheel"
)


@pytest.mark.parametrize(
    ("name", "parsed"),
    [("auto", ("auto", None)), ("cpu", ("cpu", None)), ("gpu", ("gpu", None)), ("gpu:12", ("gpu", 12))],
)
def test_the_names_of_devices(name: str, parsed: tuple[str, int | None]) -> None:
    assert parse_device(name) == parsed


@pytest.mark.parametrize(
    "name", ["", "GPU", "gpu:", "gpu:-1", "gpu:1.5", "gpu:٣", "cpu:0", "cuda", "gpu:0\n"]
)
def test_any_other_name_is_a_bad_setting(name: str) -> None:
    with pytest.raises(BadSettings, match="use auto, cpu, gpu or gpu:N"):
        resolve_device(name)


@needs_cpu_wheel
def test_auto_with_the_cpu_wheel_is_the_cpu_and_says_why() -> None:
    device = resolve_device("auto")
    assert device.name == "cpu"
    assert "CPU wheel" in (device.note or "")


@needs_cpu_wheel
@pytest.mark.parametrize("name", ["gpu", "gpu:0"])
def test_a_gpu_asked_for_with_the_cpu_wheel_is_refused_not_replaced(name: str) -> None:
    with pytest.raises(DeviceUnavailable, match=rf"--device {name} cannot be used: .*whisker\[cu112\]"):
        resolve_device(name)


@needs_cpu_wheel
def test_with_the_cpu_wheel_no_gpu_is_looked_for_unless_it_is_named() -> None:
    assert {name: needs_no_gpu(name) for name in ("cpu", "auto", "gpu")} == {
        "cpu": True, "auto": True, "gpu": False,
    }  # fmt: skip


def test_with_the_gpu_wheel_only_the_cpu_by_name_needs_no_look(tmp_path: Path) -> None:
    install(tmp_path, GPU_WHEEL)
    code = "from pipeline.device import needs_no_gpu as f; print(f('cpu'), f('auto'), f('gpu:0'))"
    assert python("-S", "-c", code, paths=[tmp_path]) == "True False False\n"


def test_resolving_a_device_does_not_import_mxnet() -> None:
    code = (
        "import sys; from pipeline.device import resolve_device; resolve_device('auto'); "
        "print('mxnet' in sys.modules)"
    )
    assert python("-c", code) == "False\n"


def test_the_context_of_a_device_is_mxnet_s() -> None:
    assert str(context(Device("cpu"))) == "cpu(0)"
    assert str(context(Device("gpu:2"))) == "gpu(2)"


@pytest.mark.parametrize(
    ("outcome", "name", "words"),
    [
        (ProbeOutcome({"proved": "gpu:1"}, 0, ""), "gpu:1", None),
        (ProbeOutcome({"problem": "it is too new"}, 1, ""), "cpu", "it is too new"),
        (ProbeOutcome({"driver": {}}, None, ""), "cpu", "did not answer within 9 seconds"),
        (ProbeOutcome({}, -6, "Could not load libcudnn"), "cpu", "signal 6: Could not load libcudnn"),
        (ProbeOutcome({}, 1, "RuntimeError: x"), "cpu", "status 1: RuntimeError: x"),
        (ProbeOutcome({"proved": "gpu:0"}, -11, ""), "cpu", "signal 11"),
    ],
)
def test_only_a_finished_proof_counts_and_all_else_leaves_a_reason(
    outcome: ProbeOutcome, name: str, words: str | None
) -> None:
    device = judge(outcome, 9)
    assert device.name == name
    assert device.note is None if words is None else words in (device.note or "")


RESOLVE = """
import json, sys
from pipeline.device import resolve_device
from pipeline.errors import DeviceUnavailable
try:
    device = resolve_device(sys.argv[1])
    print(json.dumps([device.name, device.note]))
except DeviceUnavailable as error:
    print(json.dumps(["refused", str(error)]))
"""


@pytest.mark.parametrize(
    ("wanted", "driver", "result", "words"),
    [
        ("auto", {"gpus": [("H100", 9, 0)]}, "cpu", "H100 (compute capability 9.0) is too new"),
        ("gpu", {"gpus": [("H100", 9, 0)]}, "refused", "H100 (compute capability 9.0) is too new"),
        ("gpu:4", {}, "refused", "there is no GPU 4"),
        ("auto", {"init": 100}, "cpu", "shows no GPU"),
        ("gpu:0", {"init": 803}, "refused", "reboot"),
        ("gpu:0", {"version": 10020}, "refused", "too old: it supports CUDA 10.2"),
        ("gpu", None, "refused", "install the driver"),
    ],
)
def test_with_the_gpu_wheel_a_child_process_asks_the_driver(
    tmp_path: Path, wanted: str, driver: dict[str, int] | None, result: str, words: str
) -> None:
    install(tmp_path, GPU_WHEEL)
    if driver is not None:
        build_driver(tmp_path / "driver", **driver)  # type: ignore[arg-type]
    # -S hides the MXNet of this environment, so that the GPU wheel is the only one.
    answer = python("-S", "-c", RESOLVE, wanted, paths=[tmp_path], libraries=[tmp_path / "driver"])
    name, reason = json.loads(answer)
    assert name == result
    assert words in reason


def test_a_probe_that_hangs_is_killed_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hanging.py").write_text(
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print('{\"child\": %d}' % child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    outcome = run_probe("hanging", timeout_seconds=1)
    assert outcome.exit_status is None
    assert not is_running(outcome.facts["child"])


def is_running(process: int) -> bool:
    """Return whether the process still runs; a zombie that nobody has waited for does not."""
    for _ in range(50):
        try:
            state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except FileNotFoundError:
            return False
        if state in "ZX":
            return False
        time.sleep(0.05)
    return True


def test_a_probe_finds_this_project_from_any_folder(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(PROJECT_FOLDER)!r}); "
        "from pipeline.probe_child import run_probe; "
        "print(run_probe('pipeline.cuda_driver', timeout_seconds=20).exit_status)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == "0\n"
