"""The gate around the app: lets a request in or answers it, and gives each answer what closes the site."""

import logging

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jobs.serving.access import Access, Asked, bearer, refusal_of
from pipeline.shown import shown

log = logging.getLogger("whisker")

COOKIE = "whisker-token"
OPEN_PATHS = frozenset({"/health"})  # answered without a token; nothing of the home is in them
OWN_PAGES = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": OWN_PAGES,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
# A browser sends a new cookie of this kind only with what our own page asks for, so no redirect would do. The
# address "?" is the same one without its query, and with it without the token.
GO_ON = (
    '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=?">'
    '<link rel="icon" href="data:,"><title>Whisker</title><a href="?">On to Whisker</a></html>'
)


class Guard:
    """An ASGI app in front of another one."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let the app do it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        await (self._early_answer(request) or self._app)(scope, receive, _closed(send, request))

    def _early_answer(self, request: Request) -> Response | None:
        """Return what is said instead of the app's answer; None if the app is to answer."""
        by_address = request.query_params.get("token")
        carried = bearer(request.headers) or by_address or request.cookies.get(COOKIE)
        asked = Asked(request.method, request.headers, carried)
        refusal = refusal_of(asked, self._access, is_open=request.url.path in OPEN_PATHS)
        if refusal is not None:
            ask_for = {"www-authenticate": "Bearer"} if refusal.status == 401 else None
            return JSONResponse({"detail": refusal.sentence}, refusal.status, ask_for)
        if by_address is None or self._access.token is None or request.method != "GET":
            return None
        remembering = HTMLResponse(GO_ON)
        remembering.set_cookie(COOKIE, by_address, httponly=True, samesite="strict")
        return remembering


def _closed(send: Send, request: Request) -> Send:
    """Return a `send` that adds the headers which the answer does not have itself, and logs it."""

    async def closed(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            client = request.client.host if request.client else "-"
            # Without the query, in which a token may be.
            log.debug("%s %s %s: %d", client, request.method, shown(request.url.path), message["status"])
        await send(message)

    return closed
