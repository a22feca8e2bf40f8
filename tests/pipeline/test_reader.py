"""Reading images in batches."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.crops import Crop
from pipeline.decode import read_image, to_pixels
from pipeline.reader import ImageReader
from tests.pipeline.training import data_of, small_backbone


def test_each_image_comes_once_in_the_order_asked_for(drawn: Path) -> None:
    data = data_of(drawn, small_backbone())
    order = list(range(len(data.train)))[::-1]
    batches = list(data.reader.batches(data.train, 5, order=order))
    assert [len(batch.positions) for batch in batches] == [5, 5, 5, 5, 4]
    assert np.concatenate([batch.positions for batch in batches]).tolist() == order
    first = read_image((drawn / os.fsdecode(data.train[order[0]].path)).read_bytes())
    assert (batches[0].pixels[0] == to_pixels(first, data.reader.preprocessing)).all()


def test_mirrored_images_are_turned_left_to_right_and_others_are_not(drawn: Path) -> None:
    data = data_of(drawn, small_backbone())
    plain = next(data.reader.batches(data.train, 4))
    mirrored = next(data.reader.batches(data.train, 4, mirrored=lambda position: position == 1))
    assert (mirrored.pixels[1] == plain.pixels[1, :, ::-1]).all()
    assert (mirrored.pixels[[0, 2, 3]] == plain.pixels[[0, 2, 3]]).all()


def test_of_cropped_images_the_part_is_read_and_others_are_whole(drawn: Path) -> None:
    data = data_of(drawn, small_backbone())
    part = Crop(0.5, 0.5, 0.0, 1.0)
    plain = next(data.reader.batches(data.train, 3))
    cropped = next(
        data.reader.batches(
            data.train,
            3,
            mirrored=lambda position: position == 2,
            cropped=lambda position: part if position else None,
        )
    )
    assert (cropped.pixels[0] == plain.pixels[0]).all()
    for position, turn in ((1, 1), (2, -1)):
        image = read_image((drawn / os.fsdecode(data.train[position].path)).read_bytes())
        expected = part.pixels(image, data.reader.preprocessing)
        assert (cropped.pixels[position] == expected[:, ::turn]).all()
        assert (expected != plain.pixels[position]).any()


def test_what_vanished_or_changed_since_the_scan_is_left_out_and_remembered(
    drawn: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "images"
    shutil.copytree(drawn, folder)
    data = data_of(folder, small_backbone())
    gone, changed, cut = (folder / os.fsdecode(image.path) for image in data.train[:3])
    gone.unlink()
    shutil.copyfile(folder / os.fsdecode(data.train[5].path), changed)
    cut.write_bytes(cut.read_bytes()[:500])
    batches = list(data.reader.batches(data.train, 4))
    assert sum(len(batch.positions) for batch in batches) == len(data.train) - 3
    reasons = {data.train[i].path: data.reader.unreadable[data.train[i].path] for i in range(3)}
    assert "vanished" in reasons[data.train[0].path]
    assert reasons[data.train[1].path] == reasons[data.train[2].path] == "changed since the scan"


def test_no_image_at_all_gives_no_batch(drawn: Path) -> None:
    reader = ImageReader(drawn, small_backbone().preprocessing)
    assert list(reader.batches([], 4)) == []


def test_stopping_early_ends_the_threads(drawn: Path) -> None:
    import threading

    data = data_of(drawn, small_backbone())
    before = threading.active_count()
    batches = data.reader.batches(data.train, 2)
    next(batches)
    batches.close()
    for thread in threading.enumerate():
        if thread.name.startswith("ThreadPoolExecutor"):
            thread.join(5)
    assert threading.active_count() == before


def test_a_group_of_which_nothing_can_be_read_is_an_empty_batch(drawn: Path) -> None:
    """Of processes that share a training, each takes part in every step."""
    data = data_of(drawn, small_backbone())
    gone = replace(data.train[0], path=b"train/cat/gone.png")
    found = list(data.reader.groups([gone, data.train[1]], [[0], [1], []]))
    assert [batch.positions.tolist() for batch in found] == [[], [1], []]
    assert {batch.pixels.shape[1:] for batch in found} == {(64, 64, 3)}
    assert [b.positions.tolist() for b in data.reader.batches([gone, data.train[1]], 1)] == [[1]]
