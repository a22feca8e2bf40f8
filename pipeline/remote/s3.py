"""Objects of S3 and what speaks its language, listed page by page."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.errors import BadImage
from pipeline.remote.entries import Entry, version_number
from pipeline.remote.times import nanoseconds
from pipeline.remote.trouble import Passing, Patience

KEYS_AT_ONCE = 1_000  # the most that S3 gives
# One layer that tries again is enough: ours, which tells what passes.
DEFAULTS: dict[str, Any] = {
    "use_listings_cache": False,
    "config_kwargs": {
        "retries": {"total_max_attempts": 1},
        "connect_timeout": 10,
        "read_timeout": 20,
        "max_pool_connections": 32,
    },
}


class S3Store:
    """The objects below `s3://BUCKET/PREFIX`."""

    def __init__(self, url: str, options: Mapping[str, Any], patience: Patience) -> None:
        import fsspec

        self._fs: Any = fsspec.filesystem("s3", **{**DEFAULTS, **options})
        self._fs.retries = 1
        self._fs.connect()  # which sends nothing, but tells options that do not fit
        self._bucket, _, self._prefix = url.removeprefix("s3://").partition("/")
        self._patience = patience

    def pages(self, folder: str) -> Iterator[Sequence[Entry]]:
        """Yield what lies directly in a folder, a thousand objects at a time."""
        prefix = f"{self._key(folder)}/".lstrip("/")
        wanted = {"Bucket": self._bucket, "Prefix": prefix, "Delimiter": "/", "MaxKeys": KEYS_AT_ONCE}
        wanted |= self._fs.req_kw
        while True:
            page = self._patience.call(lambda: self._fs.call_s3("list_objects_v2", **wanted))
            yield [
                *(Entry(_last(one["Prefix"][:-1]), folder=True) for one in page.get("CommonPrefixes", ())),
                *(_entry(found["Key"].removeprefix(prefix), found) for found in page.get("Contents", ())),
            ]
            if not page.get("IsTruncated"):
                return
            wanted["ContinuationToken"] = page["NextContinuationToken"]

    def read(self, path: str, max_bytes: int) -> tuple[Entry, bytes]:
        """Return an object, and what the answer with its content says of it."""
        from fsspec.asyn import sync

        found: tuple[Entry, bytes] = self._patience.call(
            lambda: sync(self._fs.loop, self._read, path, max_bytes)
        )
        return found

    def look(self, path: str) -> Entry:
        """Return what the store says of an object."""
        head = self._patience.call(lambda: self._fs.call_s3("head_object", **self._object(path)))
        return _entry(_last(path), {**head, "Size": head["ContentLength"]})

    async def _read(self, path: str, max_bytes: int) -> tuple[Entry, bytes]:
        answer = await self._fs._call_s3("get_object", **self._object(path))
        async with answer["Body"] as body:
            if answer["ContentLength"] > max_bytes:
                raise BadImage(f"larger than {max_bytes // 2**20} MiB")
            data: bytes = await body.read()
        if len(data) != answer["ContentLength"]:
            raise Passing("the server's answer was cut off")
        return _entry(_last(path), {**answer, "Size": len(data)}), data

    def _object(self, path: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._key(path), **self._fs.req_kw}

    def _key(self, path: str) -> str:
        return "/".join(part for part in (self._prefix, path) if part)


def _entry(name: str, found: Mapping[str, Any]) -> Entry:
    """Return an entry of what a listing or an answer tells."""
    tag = found.get("ETag")
    return Entry(
        name,
        size=found["Size"],
        mtime_ns=nanoseconds(found.get("LastModified")),
        version=version_number(tag) if tag else 0,
    )


def _last(path: str) -> str:
    return path[path.rfind("/") + 1 :]
