"""Which program this is: processes that share work must be the same, or their results could differ."""

import hashlib
import platform
from functools import cache

from jobs.environment import version_of
from pipeline.probe_child import PROJECT_FOLDER

READING = ("whisker", "pillow", "numpy")
TRAINING = ("mxnet", "mxnet-cu112")


@cache
def program() -> dict[str, str]:
    """Return versions, and a digest of the code that reads and computes, as it was at the first call."""
    return {**_versions(READING), "code": _digest_of_code()}


def training_program(kvstore: str) -> dict[str, str]:
    """Return the same with what else the result of a training over several processes hangs on.

    Args:
        kvstore: what adds up their gradients.
    """
    packages = (*TRAINING, "horovod") if kvstore == "horovod" else TRAINING
    return {**program(), "python": platform.python_version(), **_versions(packages)}


def _versions(packages: tuple[str, ...]) -> dict[str, str]:
    return {name: version_of(name) or "" for name in packages}


def _digest_of_code() -> str:
    digest = hashlib.sha256()
    for folder in ("jobs", "pipeline"):
        for file in sorted((PROJECT_FOLDER / folder).rglob("*.py")):
            name = str(file.relative_to(PROJECT_FOLDER))
            digest.update(name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
