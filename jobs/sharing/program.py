"""Which program this is: processes that share work must be the same, or their results could differ."""

import hashlib
from functools import cache

from jobs.environment import version_of
from pipeline.probe_child import PROJECT_FOLDER

PACKAGES = ("whisker", "pillow", "numpy")


@cache
def program() -> dict[str, str]:
    """Return versions, and a digest of the code that reads and computes, as it was at the first call."""
    return {**{name: version_of(name) or "" for name in PACKAGES}, "code": _digest_of_code()}


def _digest_of_code() -> str:
    digest = hashlib.sha256()
    for file in sorted((PROJECT_FOLDER / "pipeline").glob("*.py")):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
