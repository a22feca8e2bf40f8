"""Files of a web server that lists its folders as pages with links."""

from collections.abc import Iterator, Mapping, Sequence
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes, urljoin

from pipeline.errors import BadImage
from pipeline.remote.entries import Entry, version_number
from pipeline.remote.times import nanoseconds
from pipeline.remote.trouble import Passing, Patience, Refused, Vanished, trouble_of_status

MAX_PAGE_BYTES = 256 * 2**20
AT_ONCE = 32  # requests
_PAGE = 512
_AS_IT_IS = {"Accept-Encoding": "identity"}  # so that the length is that of the file


class WebStore:
    """The files below `http://HOST/FOLDER`; no redirection is followed, since it may lead anywhere."""

    def __init__(self, url: str, options: Mapping[str, Any], patience: Patience) -> None:
        import fsspec
        from aiohttp import ClientTimeout

        patient = {"timeout": ClientTimeout(total=None, sock_connect=10, sock_read=20)}
        client = {**patient, **options.get("client_kwargs", {})}
        self._fs: Any = fsspec.filesystem("http", **{**options, "client_kwargs": client, "encoded": True})
        self._url = url
        self._patience = patience

    def pages(self, folder: str) -> Iterator[Sequence[Entry]]:
        """Yield what lies directly in a folder; each file is asked for its size and age."""
        url = self._address(folder) + "/"
        links = links_of(self._call(self._get, url, MAX_PAGE_BYTES)[1].decode("utf-8", "replace"), url)
        yield [Entry(name, folder=True) for name, is_folder in links if is_folder]
        names = [name for name, is_folder in links if not is_folder]
        for start in range(0, len(names), _PAGE):
            yield self._call(self._looks, folder, names[start : start + _PAGE])

    def read(self, path: str, max_bytes: int) -> tuple[Entry, bytes]:
        """Return a file, and what the answer with its content says of it."""
        headers, data = self._call(self._get, self._address(path), max_bytes)
        return _entry(path, headers), data

    def look(self, path: str) -> Entry:
        """Return what the server says of a file."""
        found: Entry = self._call(self._look, path)
        return found

    def _call(self, action: Any, *args: Any) -> Any:
        from fsspec.asyn import sync

        return self._patience.call(lambda: sync(self._fs.loop, action, *args))

    async def _get(self, url: str, max_bytes: int) -> tuple[Mapping[str, str], bytes]:
        session = await self._fs.set_session()
        async with session.get(url, headers=_AS_IT_IS, allow_redirects=False) as answer:
            _check(answer)
            if (answer.content_length or 0) > max_bytes:
                raise BadImage(f"larger than {max_bytes // 2**20} MiB")
            data = bytearray()
            async for some in answer.content.iter_chunked(2**18):
                data += some
                if len(data) > max_bytes:
                    raise BadImage(f"larger than {max_bytes // 2**20} MiB")
        if answer.content_length not in (None, len(data)):
            raise Passing("the server's answer was cut off")
        headers = answer.headers.copy()  # whose names are found whatever their case
        headers["Content-Length"] = str(len(data))
        return headers, bytes(data)

    async def _look(self, path: str) -> Entry:
        session = await self._fs.set_session()
        for ask in (session.head, session.get):  # not every server knows HEAD
            async with ask(self._address(path), headers=_AS_IT_IS, allow_redirects=False) as answer:
                if answer.status not in (405, 501):
                    _check(answer)
                    return _entry(path, answer.headers)
        raise Refused("the server does not give it")

    async def _looks(self, folder: str, names: Sequence[str]) -> list[Entry]:
        """Return what the server says of some files of a folder; what vanishes meanwhile is left out."""
        import asyncio

        limit = asyncio.Semaphore(AT_ONCE)

        async def one(name: str) -> Entry | None:
            async with limit:
                try:
                    return await self._look(f"{folder}/{name}".lstrip("/"))
                except Vanished:
                    return None
                except Refused as error:
                    return Entry(name, problem=str(error))

        return [found for found in await asyncio.gather(*map(one, names)) if found]

    def _address(self, path: str) -> str:
        return f"{self._url}/{quote_from_bytes(path.encode(errors='surrogateescape'))}".rstrip("/")


def links_of(page: str, url: str) -> list[tuple[str, bool]]:
    """Return the names of files and folders directly below `url` to which its page has links.

    Links to anywhere else (the folder above, other servers, the same page sorted otherwise) do not count.
    """
    found = _Links()
    found.feed(page)
    names = {}
    for link in found.links:
        try:
            below = urljoin(url, link)
        except ValueError:
            continue
        name = below.removeprefix(url)
        raw = unquote_to_bytes(name.rstrip("/"))
        if name == below or not raw or {*"?#"} & {*name} or {*b"/\0"} & {*raw}:
            continue
        names[raw.decode(errors="surrogateescape")] = name.endswith("/")
    return sorted(names.items())


class _Links(HTMLParser):
    """The addresses of all links of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the address of a link."""
        if tag == "a":
            self.links += [value for name, value in attrs if name == "href" and value]


def _check(answer: Any) -> None:
    """Raise what a status means."""
    if answer.status != 200:
        raise trouble_of_status(answer.status)


def _entry(path: str, headers: Mapping[str, str]) -> Entry:
    tag = headers.get("ETag")
    size = headers.get("Content-Length", "")
    return Entry(
        path[path.rfind("/") + 1 :],
        size=int(size) if size.isdigit() else 0,
        mtime_ns=nanoseconds(headers.get("Last-Modified")),
        version=version_number(tag) if tag else 0,
    )
