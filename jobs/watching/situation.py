"""What a failure may depend on besides the images: the settings and the program itself."""

import contextlib
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from jobs.settings.own_recipe import files_in
from jobs.settings.setting import PREFIX
from pipeline.probe_child import PROJECT_FOLDER

FOLDERS = ("db", "jobs", "pipeline", "templates")


def digest_of_situation(
    settings_file: Path, environment: Mapping[str, str] = os.environ, program: Path = PROJECT_FOLDER
) -> str:
    """Return a digest of the files and variables that hold settings, and of the program's files."""
    digest = hashlib.sha256()
    for file in (settings_file, *files_in(settings_file)):
        try:
            digest.update(file.read_bytes())
        except OSError as error:
            digest.update(str(error).encode())
    for name in sorted(environment):
        if name.startswith(PREFIX):
            digest.update(os.fsencode(f"{name}={environment[name]}\0"))
    for file in sorted(file for folder in FOLDERS for file in (program / folder).rglob("*.py")):
        with contextlib.suppress(OSError):  # gone meanwhile: the program is being replaced
            state = file.stat()
            digest.update(f"{file}:{state.st_size}:{state.st_mtime_ns}\0".encode())
    return digest.hexdigest()
