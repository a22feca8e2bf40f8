"""Classify any files with a trained run: the champion, unless another one is asked for."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from db import store
from db.session import open_read_only
from jobs.answers import UNSURE, best
from jobs.home import Home
from pipeline.errors import BadSettings, NoSuchRecord
from pipeline.image_paths import image_paths
from pipeline.manifest import MANIFEST
from pipeline.predict import Answer, predict
from pipeline.sorting import copy_into
from pipeline.trained_model import TrainedModel, open_trained


@dataclass(frozen=True)
class Classifier:
    """The model of a run."""

    run_id: int
    model: TrainedModel


def open_classifier(home: Home, run_id: int | None) -> Classifier:
    """Open the model of a run; of the champion if none is named.

    Raises:
        NoSuchRecord: there is no champion, or the run has no model.
        WeightsError: a file of the model is missing or is not what was written.
    """
    home.require()
    with open_read_only(home.database)() as session:
        run_id = store.champion_id(session) if run_id is None else run_id
        if run_id is None:
            raise NoSuchRecord(f"the home {home.folder} has no champion yet; `run-now` trains one")
        written = store.artifact_sha256(session, run_id, MANIFEST)
    folder = home.model(run_id)
    if not folder.is_dir():
        raise NoSuchRecord(f"run {run_id} has no model in {home.models}; `cli.py show {run_id}` says why")
    return Classifier(run_id, open_trained(folder, written))


def check_sorting(target: Path, images: Path | None, words: Sequence[bytes]) -> None:
    """Refuse to sort copies into a place where they would be taken for labels, or classified again.

    Raises:
        BadSettings: the target lies in the image folder or in a folder that is being classified.
    """
    place = target.resolve()
    named = [Path(os.fsdecode(word)) for word in words]
    for folder in (*((images,) if images else ()), *(path for path in named if path.is_dir())):
        if place.is_relative_to(folder.resolve()):
            raise BadSettings(f"--sort-into {target} lies inside {folder}; choose a folder outside of it")


def classify(
    classifier: Classifier,
    words: Iterable[bytes],
    listed: Iterable[bytes],
    check_stop: Callable[[], None],
    *,
    reject_below: float = 0.0,
    sort_into: Path | None = None,
) -> Iterator[Answer]:
    """Yield an answer for each file that is named; with `sort_into`, copy each image to its class first.

    Args:
        classifier: what to use.
        words: files, folders and patterns; `-` stands for the paths in `listed`.
        listed: lines with a path each, such as those of standard input.
        check_stop: called before each batch; raises to stop.
        reject_below: less probable answers are sorted into a folder of their own.
        sort_into: where copies go.

    Raises:
        SaveFailed: a copy cannot be written.
    """
    named = (word for item in words for word in (_lines(listed) if item == b"-" else (item,)))
    model = classifier.model
    found = predict(
        image_paths(named),
        model.forward,
        model.preprocessing,
        temperature=model.temperature,
        check_stop=check_stop,
    )
    for answer in found:
        if sort_into and answer.error is None:
            label, probability = best(answer, model.classes)
            copy_into(sort_into / (UNSURE if probability < reject_below else label), answer.path)
        yield answer


def _lines(stream: Iterable[bytes]) -> Iterator[bytes]:
    return (line.removesuffix(b"\n") for line in stream if line.strip(b"\n"))
