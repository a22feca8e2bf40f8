"""The app: which address leads to what. Each behaviour has a module of its own."""

import importlib.metadata
import logging

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.requests import Request

from jobs.home import Home
from jobs.serving.access import Access
from jobs.serving.champion import Champion
from jobs.serving.guard import Guard
from jobs.serving.look_over_routes import look_over_routes
from jobs.serving.page_routes import page_routes
from jobs.serving.predict_routes import predict_routes
from pipeline.errors import BadImage, BadSettings, WhiskerError
from pipeline.shown import shown

log = logging.getLogger("whisker")

ABOUT = (
    "Reports, answers about images, and doubtful labels to look over. Where the server has a token, it is "
    "sent as `Authorization: Bearer TOKEN`."
)


def make_app(home: Home, access: Access) -> FastAPI:
    """Return the app of a home. It has no pages of documentation, since these would load from the network."""
    app = FastAPI(
        title="Whisker",
        description=ABOUT,
        version=importlib.metadata.version("whisker"),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for routes in (predict_routes(Champion(home)), look_over_routes(home), page_routes(home)):
        app.include_router(routes)
    app.add_exception_handler(WhiskerError, _known)
    app.add_exception_handler(BadImage, _bad_image)
    app.add_exception_handler(RequestValidationError, _wrong_request)
    app.add_exception_handler(Exception, _unexpected)
    app.add_middleware(Guard, access=access)
    return app


def _known(_request: Request, error: Exception) -> JSONResponse:
    """Answer with the sentence: the request was wrong, or the home is not ready to answer it."""
    if isinstance(error, BadSettings):
        return _problem(422, str(error))
    log.warning("%s", error)
    return _problem(503, str(error))


def _bad_image(_request: Request, error: Exception) -> JSONResponse:
    return _problem(422, f"the image cannot be used: {error}")


def _wrong_request(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    wrong = error.errors()[0]
    place = ".".join(str(part) for part in wrong["loc"])
    return _problem(422, shown(f"{place}: {wrong['msg']}"))


def _unexpected(_request: Request, error: Exception) -> JSONResponse:
    return _problem(500, f"unexpected {type(error).__name__}; the server's log has more")


def _problem(status: int, sentence: str) -> JSONResponse:
    return JSONResponse({"detail": sentence}, status)
