"""Small shared libraries, compiled for a test, that answer like an NVIDIA driver, CUDA or cuDNN."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.probe_child import PROJECT_FOLDER

DRIVER = r"""
#include <string.h>
static const char *names[] = {NAMES};
static const int majors[] = {MAJORS}, minors[] = {MINORS};
int cuDriverGetVersion(int *version) { *version = VERSION; return 0; }
int cuInit(unsigned flags) { return INIT; }
int cuDeviceGetCount(int *count) { *count = COUNT; return 0; }
int cuDeviceGet(int *device, int index) { *device = index; return 0; }
int cuDeviceGetName(char *name, int length, int device) { strncpy(name, names[device], length); return 0; }
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    *value = attribute == 75 ? majors[device] : attribute == 76 ? minors[device] : -1;
    return 0;
}
"""

CUDNN = r"""
#include <stddef.h>
#include <stdlib.h>
size_t cudnnGetVersion(void) { return 8906; }
int cudnnOpsInferVersionCheck(void) { return 0; }
int cudnnOpsTrainVersionCheck(void) { return 0; }
int cudnnCnnInferVersionCheck(void) { CNN }
int cudnnCnnTrainVersionCheck(void) { return 0; }
int cudnnAdvInferVersionCheck(void) { return 0; }
int cudnnAdvTrainVersionCheck(void) { return 0; }
"""


def build_library(path: Path, source: str, *options: str) -> Path:
    """Compile a shared library whose soname is its file name, or skip the test without a compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("this test compiles a shared library for Linux and found no C compiler")
    path.parent.mkdir(parents=True, exist_ok=True)
    command = [
        compiler,
        "-shared",
        "-fPIC",
        f"-Wl,-soname,{path.name}",
        *options,
        "-x",
        "c",
        "-",
        "-o",
        str(path),
    ]
    subprocess.run(command, input=source.encode(), check=True)
    return path


def build_driver(
    folder: Path,
    *,
    init: int = 0,
    version: int = 12040,
    gpus: Sequence[tuple[str, int, int]] = (("Ampere", 8, 6),),
) -> Path:
    """Compile a `libcuda.so.1` that reports these GPUs (name, major, minor)."""
    values = {
        "NAMES": ",".join(f'"{name}"' for name, _, _ in gpus) or "0",
        "MAJORS": ",".join(str(major) for _, major, _ in gpus) or "0",
        "MINORS": ",".join(str(minor) for _, _, minor in gpus) or "0",
        "VERSION": str(version),
        "INIT": str(init),
        "COUNT": str(len(gpus)),
    }
    source = DRIVER
    for name, value in values.items():
        source = source.replace(name, value)
    return build_library(folder / "libcuda.so.1", source)


def python(*arguments: str, paths: Sequence[Path] = (), libraries: Sequence[Path] = ()) -> str:
    """Run a Python process with more module and library folders; return its standard output."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, (PROJECT_FOLDER, *paths))),
        "LD_LIBRARY_PATH": os.pathsep.join(map(str, libraries)),
    }
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stdout
