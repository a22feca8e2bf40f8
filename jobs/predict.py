"""Classify any files with a trained run: the champion, unless another one is asked for."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from jobs.answers import UNSURE, best
from jobs.home import Home
from pipeline.decode import read_file
from pipeline.errors import BadSettings
from pipeline.image_folder import ImageFolder
from pipeline.image_paths import image_paths
from pipeline.predict import Answer, predict
from pipeline.remote.opening import is_url
from pipeline.sorting import copy_into
from pipeline.trained_model import TrainedModel, open_trained


@dataclass(frozen=True)
class Places:
    """Where images are that somebody names."""

    paths: Callable[[Iterable[bytes]], Iterator[bytes]] = image_paths  # of the files that words stand for
    read: Callable[[bytes], bytes] = read_file  # the content of one, or BadImage
    threads: int | None = None  # that read at once; None: one for each processor


ON_THIS_MACHINE = Places()


def open_classifier(home: Home, run_id: int | None) -> TrainedModel:
    """Open the model of a run; of the champion if none is named.

    Raises:
        NoSuchRecord: there is no champion, or the run has no model.
        WeightsError: a file of the model is missing or is not what was written.
    """
    from jobs.published import published_model  # the database takes its time, and a given model needs none

    found = published_model(home, run_id)
    return replace(open_trained(found.folder, found.manifest_sha256), run_id=found.run_id)


def check_sorting(target: Path, images: ImageFolder | None, words: Sequence[bytes]) -> None:
    """Refuse to sort copies into a place where they would be taken for labels, or classified again.

    Raises:
        BadSettings: the target lies in the image folder or in a folder that is being classified; or what is
            classified is not on this machine.
    """
    if urls := [word for word in words if is_url(os.fsdecode(word))]:
        raise BadSettings(f"--sort-into copies files of this machine, and {os.fsdecode(urls[0])} is none")
    place = target.resolve()
    named = [Path(os.fsdecode(word)) for word in words]
    label_folders = (images,) if isinstance(images, Path) else ()
    for folder in (*label_folders, *(path for path in named if path.is_dir())):
        if place.is_relative_to(folder.resolve()):
            raise BadSettings(f"--sort-into {target} lies inside {folder}; choose a folder outside of it")


def classify(
    model: TrainedModel,
    words: Iterable[bytes],
    listed: Iterable[bytes],
    check_stop: Callable[[], None],
    *,
    places: Places = ON_THIS_MACHINE,
    reject_below: float = 0.0,
    sort_into: Path | None = None,
) -> Iterator[Answer]:
    """Yield an answer for each file that is named; with `sort_into`, copy each image to its class first.

    Args:
        model: what to use.
        words: files, folders and patterns; `-` stands for the paths in `listed`.
        listed: lines with a path each, such as those of standard input.
        check_stop: called before each batch; raises to stop.
        places: finds and reads what is named, see `jobs.predict_urls`.
        reject_below: less probable answers are sorted into a folder of their own.
        sort_into: where copies go.

    Raises:
        SaveFailed: a copy cannot be written.
    """
    named = (word for item in words for word in (_lines(listed) if item == b"-" else (item,)))
    found = predict(
        places.paths(named),
        model.forward,
        model.preprocessing,
        temperature=model.temperature,
        check_stop=check_stop,
        read=places.read,
        threads=places.threads,
    )
    for answer in found:
        if sort_into and answer.error is None:
            label, probability = best(answer, model.classes)
            copy_into(sort_into / (UNSURE if probability < reject_below else label), answer.path)
        yield answer


def _lines(stream: Iterable[bytes]) -> Iterator[bytes]:
    return (line.removesuffix(b"\n") for line in stream if line.strip(b"\n"))
