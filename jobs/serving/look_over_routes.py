"""What the look-over page asks for: doubtful labels, pictures, and what was decided."""

from typing import Annotated, Literal

import anyio
from fastapi import APIRouter, HTTPException, Path
from fastapi.responses import Response

from db.session import open_read_only
from jobs.decide_labels import decide
from jobs.home import Home
from jobs.serving.documents import SHA256, UNREADY, Decision, Doubts, Problem, Problems, doubts_document
from jobs.serving.doubts import Folder, look_over
from jobs.serving.pictures import picture_of
from pipeline.processors import usable_processors

SIDES = {"small": 160, "large": 640}  # pixels
REFUSED: Problems = {422: {"model": Problem, "description": "There is no such image or class"}}
UNREADABLE: Problems = {400: {"model": Problem, "description": "The body is not UTF-8"}}
MISSING: Problems = {404: {"model": Problem, "description": "There is no such picture"}}
JPEG: Problems = {200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}}


def look_over_routes(home: Home) -> APIRouter:
    """Return the routes about doubtful labels."""
    routes = APIRouter()
    folder = Folder()
    at_once = anyio.CapacityLimiter(usable_processors())  # a decoded image is large

    @routes.get("/doubts", responses=UNREADY)
    def doubts() -> Doubts:
        """List the images whose label is doubtful, decided or not, and the files that cannot be used."""
        home.require()
        with open_read_only(home.records)() as session:
            return doubts_document(look_over(session, folder))

    @routes.post("/decisions", status_code=204, responses=UNREADABLE | REFUSED | UNREADY)
    def decisions(decided: Decision) -> None:
        """Keep what somebody decided about an image's label; the next cycle uses it."""
        decide(home, decided.sha256, decided.decision)

    @routes.get("/pictures/{sha256}", response_class=Response, responses=JPEG | MISSING | REFUSED | UNREADY)
    async def pictures(
        sha256: Annotated[str, Path(pattern=SHA256)], size: Literal["small", "large"] = "small"
    ) -> Response:
        """Return an image of the folder as a JPEG, by its content."""
        jpeg = await anyio.to_thread.run_sync(picture_of, home, sha256, SIDES[size], limiter=at_once)
        if jpeg is None:
            raise HTTPException(404, "there is no picture of this image: its file is gone or has changed")
        return Response(jpeg, media_type="image/jpeg", headers={"cache-control": "private, max-age=3600"})

    return routes
