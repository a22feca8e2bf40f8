import json
from pathlib import Path

import pytest

from pipeline.cuda_libraries import (
    CUDA_LIBRARIES,
    GPU_WHEEL,
    distributions_problem,
    load_cuda_libraries,
    mxnet_distributions,
    prepare_import,
)
from pipeline.errors import MXNetUnavailable
from pipeline.probe_child import merge_facts
from tests.pipeline.fake_cuda import CUDNN, build_driver, build_library, python

CUBLAS_LT, CUBLAS = "cublas/lib/libcublasLt.so.11", "cublas/lib/libcublas.so.11"


def install(site: Path, name: str, version: str = "1.9.1") -> None:
    """Write the metadata of an installed distribution."""
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def build_cuda_wheels(site: Path, cnn: str = "return 0;") -> None:
    """Compile all ten libraries; cuBLAS needs its helper, which no search path of the loader leads to."""
    root = site / "nvidia"
    for library in CUDA_LIBRARIES:
        if library == CUBLAS:
            helper = str(root / CUBLAS_LT)
            build_library(
                root / library, "int lt(void); int blas(void) { return lt(); }", "-Wl,--no-as-needed", helper
            )
        elif library.startswith("cudnn"):
            build_library(root / library, CUDNN.replace("CNN }", cnn + " }"))
        else:
            build_library(root / library, "int lt(void) { return 7; }")


def test_no_mxnet_and_two_mxnets_are_problems_with_a_way_out() -> None:
    assert "pip install 'whisker[cpu]'" in (distributions_problem([]) or "")
    assert "pip uninstall mxnet mxnet-cu112" in (distributions_problem(["mxnet", "mxnet-cu112"]) or "")
    assert distributions_problem(["mxnet"]) is None


def test_both_wheels_in_one_environment_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path / "a", "mxnet")
    install(tmp_path / "b", "mxnet-cu112")
    monkeypatch.syspath_prepend(str(tmp_path / "a"))
    monkeypatch.syspath_prepend(str(tmp_path / "b"))
    assert mxnet_distributions() == {"mxnet": "1.9.1", "mxnet-cu112": "1.9.1"}
    with pytest.raises(MXNetUnavailable, match="each overwrites the other's files"):
        prepare_import()


def test_libraries_that_are_not_there_are_reported_not_raised(tmp_path: Path) -> None:
    loaded = load_cuda_libraries([tmp_path])
    assert [library.name for library in loaded] == [Path(path).name for path in CUDA_LIBRARIES]
    missing = [library for library in loaded if library.path is None]
    assert all("cannot open shared object file" in (library.error or "") for library in missing)


def test_all_libraries_load_from_the_wheels_in_an_order_that_finds_each_other(tmp_path: Path) -> None:
    build_cuda_wheels(tmp_path)
    facts = merge_facts(python("-m", "pipeline.cuda_libraries", paths=[tmp_path]).splitlines())
    assert [Path(library["path"]).relative_to(tmp_path / "nvidia") for library in facts["libraries"]] == [
        Path(path) for path in CUDA_LIBRARIES
    ]
    assert (facts["cudnn"], facts["cudnn_mismatched"]) == (8906, [])


def test_a_cudnn_of_mixed_versions_names_its_parts(tmp_path: Path) -> None:
    build_cuda_wheels(tmp_path, cnn="return 10;")
    facts = merge_facts(python("-m", "pipeline.cuda_libraries", paths=[tmp_path]).splitlines())
    assert facts["cudnn_mismatched"] == ["CnnInfer"]


def test_a_cudnn_that_aborts_leaves_what_was_known_before(tmp_path: Path) -> None:
    build_cuda_wheels(tmp_path, cnn="abort();")
    facts = merge_facts(python("-m", "pipeline.cuda_libraries", paths=[tmp_path]).splitlines())
    assert facts["cudnn"] == 8906
    assert "cudnn_mismatched" not in facts


PREPARE = """
import ctypes, json, os
from pipeline.cuda_libraries import prepare_import
prepare_import()
found = {}
for soname in ("libcublas.so.11", "libcudnn.so.8", "libcuda.so.1"):
    try:
        found[soname] = bool(ctypes.CDLL(soname))
    except OSError:
        found[soname] = False
print(json.dumps({"found": found, "fusion": os.environ.get("MXNET_USE_FUSION")}))
"""


@pytest.mark.parametrize(("version", "fusion"), [(11000, "0"), (11070, "0"), (11080, None), (12040, None)])
def test_before_the_gpu_wheel_is_imported_its_libraries_answer_to_their_sonames(
    tmp_path: Path, version: int, fusion: str | None
) -> None:
    build_cuda_wheels(tmp_path)
    install(tmp_path, GPU_WHEEL)
    driver = build_driver(tmp_path / "driver", version=version)
    # -S hides the MXNet of this environment, so that the GPU wheel is the only one.
    facts = json.loads(python("-S", "-c", PREPARE, paths=[tmp_path], libraries=[driver.parent]))
    assert facts == {
        "found": {"libcublas.so.11": True, "libcudnn.so.8": True, "libcuda.so.1": True},
        "fusion": fusion,
    }


def test_with_the_cpu_wheel_no_cuda_library_is_touched(tmp_path: Path) -> None:
    build_cuda_wheels(tmp_path)
    install(tmp_path, "mxnet")
    facts = json.loads(python("-S", "-c", PREPARE, paths=[tmp_path]))
    assert facts["found"]["libcublas.so.11"] is False
