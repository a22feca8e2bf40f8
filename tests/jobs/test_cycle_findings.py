"""What a cycle keeps beside scores: what the training found out, heat maps, pictures."""

import hashlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image

from db import store
from db.session import open_database
from jobs.predict import classify, open_classifier
from jobs.preparation import Request
from jobs.telling import telling_images
from pipeline.calibration import calibrated
from pipeline.drawings import draw_animal
from pipeline.evaluation_tables import said_index
from pipeline.manifest import MANIFEST
from pipeline.records import Cycle, Evaluation, HeatMap, Prediction, RunDetails
from pipeline.trained_model import open_trained
from tests.jobs.cycles import REAL, request, run
from tests.jobs.stored_homes import redescribe
from tests.pipeline.example_cycles import finished_cycle
from tests.pipeline.example_runs import example_details


def finished(asked: Request) -> Cycle:
    cycle = run(asked).cycle
    assert cycle is not None
    return cycle


def fine_tuned(cycle: Cycle) -> tuple[RunDetails, Evaluation]:
    assert cycle.finetune is not None
    assert cycle.finetune.evaluation is not None
    return cycle.finetune, cycle.finetune.evaluation


def swap(images: Path, *numbers: int) -> None:
    """Give test images the label of the other class, so that they are surely got wrong."""
    for number in numbers:
        cat, dog = (images / "test" / label / f"drawn-{number:04}.jpg" for label in ("cat", "dog"))
        cat.rename(images / "spare")
        dog.rename(cat)
        (images / "spare").rename(dog)


def maps_of(details: RunDetails | None) -> dict[str, HeatMap]:
    assert details is not None
    return {found.sha256: found for found in details.heat_maps}


def add_noise(images: Path, name: str) -> str:
    """Add a training image that looks like no other; return its content hash."""
    path = images / "train" / "cat" / name
    noise = np.random.default_rng(5).integers(0, 256, (80, 90, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_cycle_stores_what_its_training_found_out(images: Path, tmp_path: Path) -> None:
    details, evaluation = fine_tuned(finished(request(tmp_path, images)))
    findings = details.findings
    assert len(findings.repeats) == 5
    assert findings.data_curve[-1].train_images == 24
    assert sum(findings.data_curve[-1].right.values()) == round(12 * evaluation.accuracy)
    assert findings.calibration is not None
    assert findings.novelty is None, "in a first cycle all is new"


def test_a_new_image_unlike_the_others_is_found_and_pictured(images: Path, tmp_path: Path) -> None:
    asked = request(tmp_path, images, backbone=REAL)
    finished(asked)
    added = add_noise(images, "noise.png")
    cycle = finished(asked)
    novelty = fine_tuned(cycle)[0].findings.novelty
    assert novelty is not None
    assert (novelty.images, novelty.novel, novelty.most_novel) == (1, 1, (added,))
    assert added in cycle.thumbnails
    assert fine_tuned(finished(asked))[0].findings.novelty is None, "in the third cycle nothing is new"


def test_the_answers_of_predict_are_the_calibrated_ones_and_the_stored_ones_are_raw(
    images: Path, tmp_path: Path
) -> None:
    asked = request(tmp_path, images)
    swap(images, 1, 2)
    details, evaluation = fine_tuned(finished(asked))
    folder = asked.home.model(details.run.id)
    manifest = json.loads((folder / MANIFEST).read_text())
    assert details.findings.calibration is not None
    assert manifest["temperature"] == details.findings.calibration.temperature
    # The drawn images are so easy that the temperature is 1 or nearly so: a clear one shows what it does.
    redescribe(asked.home, details.run.id, temperature=2.5)
    assert open_trained(folder).temperature == 2.5
    expected = {p.path: p.probabilities for p in calibrated(evaluation, 2.5).predictions}
    answers = classify(open_classifier(asked.home, None), [os.fsencode(images / "test")], [], lambda: None)
    found = {os.path.relpath(answer.path, os.fsencode(images)): answer.probabilities for answer in answers}
    assert set(found) == set(expected)
    assert all(found[path] == pytest.approx(expected[path], abs=2e-4) for path in expected)


def test_a_champion_is_scored_again_without_its_temperature(images: Path, tmp_path: Path) -> None:
    asked = request(tmp_path, images, backbone=REAL)
    details, before = fine_tuned(finished(asked))
    redescribe(asked.home, details.run.id, temperature=5.0)
    draw_animal("dog", Random(77)).save(images / "test" / "dog" / "new.jpg")
    cycle = finished(asked)
    assert cycle.compared is not None
    assert cycle.compared.evaluation is not None
    again = {p.sha256: p.probabilities for p in cycle.compared.evaluation.predictions}
    assert len(again) == 13
    assert all(again[p.sha256] == p.probabilities for p in before.predictions)
    new = next(p for p in cycle.compared.evaluation.predictions if p.path == b"test/dog/new.jpg")
    assert max(new.probabilities) > 0.9, "raw: divided by 5, hardly any probability would be left"


def test_the_worst_errors_have_heat_maps_of_the_class_that_was_said(images: Path, tmp_path: Path) -> None:
    swap(images, 1, 2, 3)
    details, evaluation = fine_tuned(finished(request(tmp_path, images, backbone=REAL)))
    said = {p.sha256: ("cat", "dog")[said_index(p)] for p in evaluation.predictions}
    wrong = {p.sha256 for p in evaluation.predictions if said[p.sha256] != p.label}
    assert wrong
    maps = maps_of(details)
    assert set(maps) == wrong
    assert all(found.label == said[sha256] for sha256, found in maps.items())
    assert all((found.width, len(found.values)) == (7, 49) for found in maps.values())


def test_the_champion_keeps_its_maps_and_gets_those_that_it_has_not_yet(images: Path, tmp_path: Path) -> None:
    asked = request(tmp_path, images, backbone=REAL)
    swap(images, 1, 2)
    first = fine_tuned(finished(asked))[0]
    marked = replace(first.heat_maps[0], values=bytes(49))
    with open_database(asked.home.database).begin() as session:
        store.add_heat_maps(session, first.run.id, [marked])
    swap(images, 3)
    cycle = finished(asked)
    assert cycle.compared is not None
    assert cycle.compared.run.id == first.run.id
    assert maps_of(cycle.compared).keys() > maps_of(first).keys()
    assert maps_of(cycle.compared).keys() == maps_of(cycle.finetune).keys()
    assert marked in cycle.compared.heat_maps, "what is there is not computed again"


def test_without_the_champions_files_or_an_image_the_cycle_goes_on_without_their_maps(
    images: Path, tmp_path: Path
) -> None:
    asked = request(tmp_path, images, backbone=REAL)
    swap(images, 1, 2)
    first = fine_tuned(finished(asked))[0]
    before = maps_of(first)
    draw_animal("dog", Random(77)).save(images / "test" / "dog" / "new.jpg")
    swap(images, 3)
    gone = images / "test" / "cat" / "drawn-0003.jpg"
    vanished = hashlib.sha256(gone.read_bytes()).hexdigest()

    def remove(stage: str, done: int, total: int) -> None:
        """Act as somebody who deletes files while the cycle scores the champion."""
        if stage == "test images, champion":
            shutil.rmtree(asked.home.model(first.run.id), ignore_errors=True)
            gone.unlink(missing_ok=True)

    cycle = run(asked, progress=remove).cycle
    assert cycle is not None
    assert cycle.status == "finished"
    assert cycle.compared is not None
    assert maps_of(cycle.compared) == before
    new = maps_of(cycle.finetune)
    assert new.keys() >= before.keys()
    assert vanished not in new.keys() | cycle.thumbnails.keys()


def said_of_cats(**sure: float) -> RunDetails:
    """Return what a network says of images of cats: the probability that it is one, by content hash."""
    predictions = tuple(Prediction(name, b"x", "cat", (p, 1 - p)) for name, p in sure.items())
    return replace(example_details("finetune", 1), evaluation=Evaluation(0.0, 0.0, predictions))


def test_what_tells_most_is_what_is_wrong_and_what_has_turned_the_surest_first() -> None:
    champion = said_of_cats(a=0.9, b=0.9, c=0.2, d=0.1, e=0.3)
    new = said_of_cats(a=0.4, b=0.3, c=0.9, d=0.8, e=0.2, f=0.0)
    cycle = finished_cycle(finetune=new, compared=champion)
    assert [p.sha256 for p in telling_images(cycle)] == ["f", "e", "b", "a", "d", "c"]
    assert [p.sha256 for p in telling_images(replace(cycle, compared=None))] == ["f", "e", "b", "a"]
    assert telling_images(replace(cycle, finetune=None)) == ()
