"""What the tests of whole cycles share."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from db import store
from db.session import open_read_only
from jobs.config import Config
from jobs.cycle import Outcome, run_cycle
from jobs.home import Home
from jobs.preparation import Request
from jobs.stop import StopFlag
from pipeline.evaluate import silent
from pipeline.image_folder import ImageFolder
from pipeline.recipes import Recipe, recipe_named
from pipeline.records import Cycle
from tests import tiny

QUICK = {"backbone": tiny.NAME, "baseline_epochs": 1, "baseline_images": 8, "batch_size": 8}
REAL = "efficientnet_lite0"  # where it matters what the network knows


def request(folder: Path, images: ImageFolder, *, baseline: bool = False, **changes: Any) -> Request:
    # The engine is named, since timing two of them takes longer than such a small run; `test_cli` names none.
    config = Config(images=images, settle_seconds=0, baseline=baseline, engine="onnxruntime")
    recipe: Recipe = replace(recipe_named("fast"), **{**QUICK, **changes})
    return Request(Home(folder / "home"), config, recipe)


def run(asked: Request, flag: StopFlag | None = None, progress: Callable[..., None] = silent) -> Outcome:
    return run_cycle(asked, flag or StopFlag(), progress)


def cycles(asked: Request) -> list[Cycle]:
    with open_read_only(asked.home.database)() as session:
        return [store.load_cycle(session, cycle_id) for cycle_id in store.cycle_ids(session)]
