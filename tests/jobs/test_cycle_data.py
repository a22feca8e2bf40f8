"""Cycles over data that change: arrivals, losses, leaks, labels."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from db import store
from db.session import open_read_only
from jobs.cycle import Outcome
from jobs.decide_labels import apply_decisions
from jobs.glance import glance
from jobs.labels import doubts_csv
from jobs.look import Accepted
from jobs.preparation import Request
from jobs.stop import StopFlag
from pipeline.errors import BadSettings, ClassesChanged, ImagesVanished
from pipeline.evaluate import silent
from pipeline.records import Cycle, Snapshot, Suspect
from tests.jobs.cycles import REAL, cycles, request, run
from tests.jobs.doubtful_images import add_wrong_label


def finished(asked: Request) -> Cycle:
    cycle = run(asked).cycle
    assert cycle is not None
    return cycle


def frozen(outcome: Outcome) -> Snapshot:
    assert outcome.look.snapshot is not None
    return outcome.look.snapshot


def test_a_renamed_class_folder_is_a_question_and_the_records_stay(
    finished_once: Request, tmp_path: Path
) -> None:
    asked, images = finished_once, tmp_path / "images"
    (first,) = cycles(asked)
    for split in ("train", "test"):
        (images / split / "dog").rename(images / split / "hound")
    with pytest.raises(ClassesChanged, match=r"-dog, \+hound"):
        run(replace(asked, if_changed=True))
    assert [cycle.id for cycle in cycles(asked)] == [first.id]
    accepted = finished(replace(asked, accepted=Accepted(classes=True)))
    assert accepted.verdict is not None
    assert accepted.verdict.decision == "first"


def test_a_disk_that_is_missing_for_a_while_costs_neither_records_nor_reading_again(
    finished_once: Request, tmp_path: Path
) -> None:
    asked, images = finished_once, tmp_path / "images"
    (first,) = cycles(asked)
    shutil.move(images / "train", tmp_path / "away")
    for label in ("cat", "dog"):
        (images / "train" / label).mkdir(parents=True)
        shutil.copy(tmp_path / "away" / label / "drawn-0001.jpg", images / "train" / label)
    with pytest.raises(ImagesVanished, match="22 of the 36 images"):
        run(asked)
    shutil.rmtree(images / "train")
    shutil.move(tmp_path / "away", images / "train")
    again = run(replace(asked, if_changed=True))
    assert again.cycle is None
    assert again.look.scanned.changed_files == ()
    with open_read_only(asked.home.database)() as session:
        assert store.champion_id(session) == first.champion_id


def test_a_loss_that_is_accepted_is_taken(finished_once: Request, tmp_path: Path) -> None:
    asked, images = finished_once, tmp_path / "images"
    for label in ("cat", "dog"):
        for number in range(2, 13):
            (images / "train" / label / f"drawn-{number:04}.jpg").unlink()
    cycle = finished(replace(asked, accepted=Accepted(loss=True)))
    assert cycle.change_counts["removed"] == {"cat": 11, "dog": 11}
    assert cycle.finetune is not None
    assert cycle.finetune.run.train_images == 2


def test_the_differences_from_the_last_cycle_are_stored(finished_once: Request, tmp_path: Path) -> None:
    asked, images = finished_once, tmp_path / "images"
    (first,) = cycles(asked)
    assert first.changes == ()
    cat = images / "train" / "cat"
    for number in (1, 2, 3):
        (cat / f"drawn-{number:04}.jpg").rename(images / "train" / "dog" / f"moved-{number}.jpg")
    (cat / "drawn-0004.jpg").unlink()
    with Image.open(cat / "drawn-0005.jpg") as image:
        image.rotate(37, expand=True).save(cat / "drawn-0005.jpg")
    cycle = finished(asked)
    assert cycle.change_counts == {"relabelled": {"dog": 3}, "removed": {"cat": 1}, "replaced": {"cat": 1}}
    assert [(change.kind, os.fsdecode(change.path)) for change in cycle.changes] == [
        ("relabelled", "train/dog/moved-1.jpg"),
        ("relabelled", "train/dog/moved-2.jpg"),
        ("relabelled", "train/dog/moved-3.jpg"),
        ("removed", "train/cat/drawn-0004.jpg"),
        ("replaced", "train/cat/drawn-0005.jpg"),
    ]
    assert {change.before for change in cycle.changes[:3]} == {"cat"}


def test_a_leak_is_left_out_and_kept_with_the_cycle_and_its_pictures(images: Path, tmp_path: Path) -> None:
    with Image.open(images / "test" / "cat" / "drawn-0002.jpg") as image:
        ImageOps.mirror(image).save(images / "train" / "cat" / "leak.jpg", quality=60)
    cycle = finished(request(tmp_path, images))
    (leak,) = cycle.leaks
    assert (leak.train.path, leak.test.path) == (b"train/cat/leak.jpg", b"test/cat/drawn-0002.jpg")
    assert leak.transform == "mirrored"
    assert {leak.train.sha256, leak.test.sha256} <= set(cycle.thumbnails)
    assert cycle.finetune is not None
    assert cycle.finetune.run.train_images == 24


def test_a_drawn_split_is_stored_and_never_changes(drawn: Path, quick: None, tmp_path: Path) -> None:
    images = tmp_path / "flat"
    for label in ("cat", "dog"):
        shutil.copytree(drawn / "train" / label, images / label)
    asked = request(tmp_path, images)
    first = frozen(run(asked))
    for label in ("cat", "dog"):
        for source in (drawn / "test" / label).iterdir():
            shutil.copy(source, images / label / f"new-{source.name}")
    (images / "cat" / "drawn-0001.jpg").rename(images / "cat" / "renamed.jpg")
    config = replace(asked.config, test_fraction=0.5)  # only for what is drawn from now on
    second = frozen(run(replace(asked, config=config)))
    before = {image.sha256: image.split for image in first.images}
    now = {image.sha256: image.split for image in second.images}
    assert {sha256: now[sha256] for sha256 in before} == before
    assert len(now) == 36


def test_decided_labels_are_used_by_the_next_cycle_and_the_files_stay(images: Path, tmp_path: Path) -> None:
    asked = request(tmp_path, images)
    first = run(asked)
    before = {path: path.read_bytes() for path in images.rglob("*.jpg")}
    train = frozen(first).part("train")
    cat, dog = (next(i for i in train if i.label == label) for label in ("cat", "dog"))
    file = tmp_path / "decided.csv"
    file.write_text(f"sha256,path,decision\n{cat.sha256},x,dog\n{dog.sha256},y,exclude\n")
    assert apply_decisions(asked.home, images, file) == (1, 1)
    second = run(replace(asked, if_changed=True))
    assert second.cycle is not None
    assert second.cycle.mended == 1
    labels = {image.sha256: image.label for image in frozen(second).images}
    assert labels[cat.sha256] == "dog"
    assert dog.sha256 not in labels
    assert {path: path.read_bytes() for path in images.rglob("*.jpg")} == before
    file.write_text(f"sha256,decision\n{dog.sha256},dog\n")
    assert apply_decisions(asked.home, images, file) == (1, 0)
    assert dog.sha256 in {image.sha256 for image in frozen(run(asked)).images}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a,b\n1,2\n", "has no columns sha256 and decision"),
        ("sha256,decision\n123,cat\n", r"line 2: no image .* has the content hash '123'"),
        ("sha256,decision\n{known},bird\n", r"line 2: 'bird' is neither a class \(cat, dog\) nor 'exclude'"),
    ],
)
def test_a_list_that_does_not_fit_is_refused_whole(
    finished_once: Request, tmp_path: Path, text: str, sentence: str
) -> None:
    asked, images = finished_once, tmp_path / "images"
    with open_read_only(asked.home.database)() as session:
        snapshot = store.last_finished_snapshot(session, str(images))
    assert snapshot is not None
    known = snapshot.images[0].sha256
    file = tmp_path / "decided.csv"
    good = f"{known},dog\n" if text.startswith("sha256") else ""
    file.write_text(text.format(known=known) + good)
    with pytest.raises(BadSettings, match=sentence):
        apply_decisions(asked.home, images, file)
    with open_read_only(asked.home.database)() as session:
        assert store.label_decisions(session) == {}


def test_suspects_are_stored_with_the_cycle_and_written_as_a_list_to_decide_on(
    images: Path, tmp_path: Path
) -> None:
    wrong = os.fsencode(add_wrong_label(images).relative_to(images))
    cycle = finished(request(tmp_path, images, backbone=REAL))
    assert wrong in [suspect.path for suspect in cycle.suspects]
    text = doubts_csv(cycle.suspects)
    assert text.splitlines()[0] == "sha256,path,label,suggested,probability,score,reason,decision"
    assert len(text.splitlines()) == 1 + len(cycle.suspects)


def test_hostile_names_stay_within_their_cell() -> None:
    suspect = Suspect("0" * 64, b'a",b\n=1+1\xe9.jpg', "cat", "dog", 0.1, 0.8)
    (_, row) = doubts_csv([suspect]).splitlines()
    assert row == f'{"0" * 64},"a"",b\\n=1+1\\xe9.jpg",cat,dog,0.100000,0.800000,suspect,'


def test_a_look_at_unchanged_data_loads_no_image_and_says_the_same(images: Path, tmp_path: Path) -> None:
    (images / "train" / "cat" / "text.jpg").write_text("not an image")
    asked = request(tmp_path, images)
    first = run(asked).look
    again = run(replace(asked, if_changed=True)).look
    glanced = glance(asked.home, asked.config, StopFlag(), silent)
    for look in (again, glanced):
        assert look.snapshot is None
        assert look.summary == first.summary
        assert not look.would_run
        assert look.reason.startswith("nothing new since the last finished cycle (0 new")


@pytest.mark.parametrize("what", ["decision", "fraction", "file"])
def test_whatever_a_snapshot_depends_on_makes_the_next_look_a_whole_one(
    images: Path, tmp_path: Path, what: str
) -> None:
    asked = request(tmp_path, images)
    path = frozen(run(asked)).images[0].path
    if what == "decision":
        decided = tmp_path / "decided.csv"
        decided.write_text(f"sha256,decision\n{frozen(run(asked)).images[0].sha256},exclude\n")
        apply_decisions(asked.home, images, decided)
    elif what == "fraction":
        asked = replace(asked, config=replace(asked.config, test_fraction=0.3))
    else:
        os.utime(images / os.fsdecode(path))
    assert glance(asked.home, asked.config, StopFlag(), silent).snapshot is not None
