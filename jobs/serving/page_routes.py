"""The pages and what they are made of, the reports, and whether the server is well."""

import logging
from contextlib import suppress

from fastapi import APIRouter, HTTPException
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from db import store
from db.session import open_read_only
from jobs.home import Home
from jobs.serving.documents import UNREADY, Health
from jobs.serving.pages import STATIC, look_over_page, start_page, static_file
from jobs.serving.reports import INDEX, report_page
from pipeline.errors import DatabaseMissing, WhiskerError

log = logging.getLogger("whisker")


def page_routes(home: Home) -> APIRouter:
    """Return the routes of pages, which are not for programs, and of the health, which is."""
    routes = APIRouter()

    @routes.get("/health", responses=UNREADY)
    def health() -> Health:
        """Say whether the home can be read. No token is needed, so nothing else is said."""
        try:
            with suppress(DatabaseMissing), open_read_only(home.records)() as session:
                store.champion_id(session)
            home.require()
        except WhiskerError as error:
            log.warning("%s", error)
            raise HTTPException(503, "the home cannot be read; the server's log says why") from error
        return Health(status="ok")

    @routes.get("/", include_in_schema=False)
    def start() -> HTMLResponse:
        return HTMLResponse(start_page())

    @routes.get("/look-over", include_in_schema=False)
    def look_over() -> HTMLResponse:
        return HTMLResponse(look_over_page())

    @routes.get("/reports", include_in_schema=False)
    def reports() -> RedirectResponse:
        return RedirectResponse("/reports/")

    @routes.get("/reports/", include_in_schema=False)
    def index() -> HTMLResponse:
        return report(INDEX)

    @routes.get("/reports/{name}", include_in_schema=False)
    def report(name: str) -> HTMLResponse:
        page = report_page(home, name)
        if page is None:
            raise HTTPException(404, "there is no such page; /reports/ leads to those that there are")
        return HTMLResponse(page.html, headers={"content-security-policy": page.policy})

    @routes.get("/static/{name}", include_in_schema=False)
    def static(name: str) -> Response:
        content = static_file(name)
        if content is None:
            raise HTTPException(404, "there is no such file")
        return Response(content, media_type=STATIC[name])

    return routes
