import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.cuda_libraries import GPU_WHEEL, mxnet_distributions
from pipeline.device import Device, contexts, judge, needs_no_gpu, parse_device, resolve_device
from pipeline.errors import BadSettings, DeviceUnavailable
from pipeline.probe_child import PROJECT_FOLDER, ProbeOutcome, run_probe
from tests.pipeline.fake_cuda import build_driver, python
from tests.pipeline.test_cuda_libraries import install

needs_cpu_wheel = pytest.mark.skipif(
    list(mxnet_distributions()) != ["mxnet"], reason="needs MXNet's CPU wheel"
)


@pytest.mark.parametrize(
    ("name", "parsed"),
    [
        ("auto", ("auto", ())),
        ("cpu", ("cpu", ())),
        ("gpu", ("gpu", ())),
        ("gpu:12", ("gpu", (12,))),
        ("gpu:0,1", ("gpu", (0, 1))),
        ("gpu:3,0-2", ("gpu", (3, 0, 1, 2))),
        ("cpu:1,2", ("cpu", (1, 2))),
    ],
)
def test_the_names_of_devices(name: str, parsed: tuple[str, tuple[int, ...]]) -> None:
    assert parse_device(name) == parsed


OTHERWISE = "is unknown; use auto, cpu, gpu, gpu:N, or several such as gpu:0,1"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        *((name, OTHERWISE) for name in ("", "GPU", "gpu:", "gpu:-1", "gpu:1.5", "gpu:٣", "cuda", "gpu:0\n")),
        *((name, OTHERWISE) for name in ("gpu:0,", "gpu:0,,1", "gpu:0, 1", "gpu:0-1-2", "gpu:0,gpu:1")),
        ("gpu:0,0", "names gpu:0 twice; name each device once"),
        ("gpu:0-3,2", "names gpu:2 twice"),
        ("gpu:3-1", "3-1 is no range; write the smaller number first"),
        ("cpu:0-999", "names 1000 devices, and the most are 64"),
        ("cpu:0,gpu:1", "mixes processors and GPUs"),
    ],
)
def test_any_other_name_is_a_bad_setting(name: str, words: str) -> None:
    with pytest.raises(BadSettings, match=words):
        resolve_device(name)


@pytest.mark.parametrize(("name", "resolved"), [("cpu:1-2", "cpu:1,2"), ("cpu:4", "cpu:4"), ("cpu", "cpu")])
def test_processors_have_one_name_whatever_they_were_asked_for_by(name: str, resolved: str) -> None:
    assert resolve_device(name, "local") == Device(resolved, kvstore="local")


def test_what_adds_up_between_gpus_is_refused_for_processors() -> None:
    with pytest.raises(BadSettings, match="kvstore = 'nccl' is for GPUs, and device is cpu:0,1"):
        resolve_device("cpu:0,1", "nccl")
    assert resolve_device("cpu", "nccl").name == "cpu", "one device has nothing to add up"


@needs_cpu_wheel
def test_auto_with_the_cpu_wheel_is_the_cpu_and_says_why() -> None:
    device = resolve_device("auto")
    assert device.name == "cpu"
    assert "CPU wheel" in (device.note or "")


@needs_cpu_wheel
@pytest.mark.parametrize("name", ["gpu", "gpu:0", "gpu:0,1"])
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
    names = ("cpu", "gpu", "gpu:2", "gpu:0,3", "cpu:1,2")
    assert [" ".join(map(str, contexts(Device(name)))) for name in names] == [
        "cpu(0)", "gpu(0)", "gpu(2)", "gpu(0) gpu(3)", "cpu(1) cpu(2)",
    ]  # fmt: skip


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
        ("gpu:0-1", {}, "refused", "there is no GPU 1; the driver shows gpu:0 (Ampere)"),
        (
            "gpu:0,1",
            {"gpus": [("A4000", 8, 6), ("H100", 9, 0)]},
            "refused",
            "H100 (compute capability 9.0) is",
        ),
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
