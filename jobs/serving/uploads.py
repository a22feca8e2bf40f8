"""An image out of a request: the body itself, or the file of a form; never more bytes than allowed."""

import asyncio

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive

MOST_BYTES = 20 * 2**20
SECONDS = 60.0  # in which the whole body must have come
FORM = "multipart/form-data"
HOW = "send it as the body with `Content-Type: image/jpeg` (or its own), or as the file of a form"


async def image_in(request: Request, most: int = MOST_BYTES) -> bytes:
    """Return the bytes of the image that a request brings.

    Raises:
        HTTPException: 400, 408, 413, 415 or 422, with a sentence.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not (kind.startswith("image/") or kind in {"application/octet-stream", FORM}):
        given = f"as {kind!r}" if kind else "without Content-Type"
        raise HTTPException(415, f"an image cannot come {given}; {HOW}")
    bounded = Request(request.scope, _Bounded(request.receive, most))
    try:
        async with asyncio.timeout(SECONDS):
            data = await (_file_of_form(bounded) if kind == FORM else bounded.body())
    except TimeoutError:
        raise HTTPException(408, f"the image did not come within {SECONDS:g} seconds") from None
    except ClientDisconnect:
        raise HTTPException(400, "the connection ended before the image had come") from None
    if not data:
        raise HTTPException(422, f"there is no image in the request; {HOW}")
    return data


async def _file_of_form(request: Request) -> bytes:
    """Return the first file of a form, empty if it has none."""
    async with request.form(max_files=1, max_fields=10) as form:
        for value in form.values():
            if isinstance(value, UploadFile):
                return await value.read()
    return b""


class _Bounded:
    """Hands a body on, until it is larger than allowed; then the rest is read and thrown away.

    Who has not sent all that it wants to send does not read an answer.
    """

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive, self._most, self._left = receive, most, most

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            while message.get("more_body"):
                message = await self._receive()
            raise HTTPException(413, f"the image is larger than {self._most // 2**20} MiB")
        return message
