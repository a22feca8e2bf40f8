"""Objects of any store that fsspec can list."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.errors import BadImage
from pipeline.remote.entries import Entry, version_number
from pipeline.remote.times import nanoseconds
from pipeline.remote.trouble import Passing, Patience

_VERSIONS = ("ETag", "etag", "e_tag", "version", "generation", "md5Hash", "checksum", "ino")
_TIMES = ("LastModified", "last_modified", "mtime", "updated", "modified", "timeModified", "created")
_PAGE = 1_000


class AnyStore:
    """The objects below a URL; fsspec gives a folder's listing as one list."""

    def __init__(self, url: str, options: Mapping[str, Any], patience: Patience) -> None:
        from fsspec.core import url_to_fs

        fs, root = url_to_fs(url, use_listings_cache=False, **options)
        self._fs: Any = fs
        self._root = str(root).rstrip("/")
        self._patience = patience

    def pages(self, folder: str) -> Iterator[Sequence[Entry]]:
        """Yield what lies directly in a folder."""
        place = self._place(folder)
        found = self._patience.call(lambda: self._list(place))
        for start in range(0, len(found), _PAGE):
            some = found[start : start + _PAGE]
            inside = ((str(one["name"]).removeprefix(f"{place}/"), one) for one in some)
            yield [_entry(name.rstrip("/"), one) for name, one in inside if name != one["name"]]

    def read(self, path: str, max_bytes: int) -> tuple[Entry, bytes]:
        """Return an object, and what is said of it before and after it was read."""
        return self._patience.call(lambda: self._read(path, max_bytes))

    def look(self, path: str) -> Entry:
        """Return what the store says of an object."""
        return self._patience.call(lambda: self._look(path))

    def _read(self, path: str, max_bytes: int) -> tuple[Entry, bytes]:
        before = self._look(path)
        if before.size > max_bytes:
            raise BadImage(f"larger than {max_bytes // 2**20} MiB")
        data: bytes = self._fs.cat_file(self._place(path))
        after = self._look(path)
        if before != after:
            raise Passing("it was replaced while it was read")
        if len(data) != after.size:
            raise Passing("the server's answer was cut off")
        return after, data

    def _look(self, path: str) -> Entry:
        place = self._place(path)
        self._fs.invalidate_cache(place)
        return _entry(path[path.rfind("/") + 1 :], self._fs.info(place))

    def _list(self, place: str) -> list[dict[str, Any]]:
        self._fs.invalidate_cache(place)
        return list(self._fs.ls(place, detail=True))

    def _place(self, path: str) -> str:
        return f"{self._root}/{path}" if path else self._root


def _entry(name: str, told: Mapping[str, Any]) -> Entry:
    version = next((told[key] for key in _VERSIONS if told.get(key)), None)
    time = next((told[key] for key in _TIMES if told.get(key)), None)
    return Entry(
        name,
        folder=told.get("type") == "directory",
        size=int(told.get("size") or 0),
        mtime_ns=nanoseconds(time),
        version=version_number(version) if version else 0,
    )
