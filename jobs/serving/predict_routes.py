"""`POST /predict`."""

from typing import Any

import anyio
from fastapi import APIRouter
from starlette.requests import Request

from jobs.serving.answer import ImageAnswer, answer
from jobs.serving.champion import Champion
from jobs.serving.documents import Prediction, Problem, Problems, prediction_document
from jobs.serving.uploads import FORM, image_in
from pipeline.processors import usable_processors

BINARY = {"schema": {"type": "string", "format": "binary"}}
A_FORM = {
    "schema": {
        "type": "object",
        "properties": {"file": {"type": "string", "format": "binary"}},
        "required": ["file"],
    }
}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"image/*": BINARY, "application/octet-stream": BINARY, FORM: A_FORM},
    }
}
PROBLEMS: Problems = {
    400: {"model": Problem, "description": "The body is damaged"},
    408: {"model": Problem, "description": "The image takes too long to come"},
    413: {"model": Problem, "description": "The image has too many bytes"},
    415: {"model": Problem, "description": "The body is neither an image nor a form"},
    422: {"model": Problem, "description": "The image cannot be used"},
    503: {"model": Problem, "description": "There is no champion, or it cannot be read"},
}


def predict_routes(champion: Champion) -> APIRouter:
    """Return the route that classifies an image."""
    routes = APIRouter()
    at_once = anyio.CapacityLimiter(usable_processors())  # a decoded image is large

    @routes.post("/predict", responses=PROBLEMS, openapi_extra=BODY)
    async def predict(request: Request, heat_map: bool = True, picture: bool = False) -> Prediction:
        """Say the class of an image by the champion: of the body itself, or of the first file of a form."""
        data = await image_in(request)

        def classify() -> ImageAnswer:
            return answer(champion.now(), data, heat_map=heat_map, picture=picture)

        return prediction_document(await anyio.to_thread.run_sync(classify, limiter=at_once))

    return routes
