from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image

from pipeline.drawings import draw_animal, draw_demo_images
from pipeline.pencil import smooth_curve


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*.jpg")}


def images(count: int) -> Iterator[Image.Image]:
    for number in range(count):
        yield draw_animal("cat" if number % 2 else "dog", Random(number))


def test_the_folders_are_those_that_training_reads(tmp_path: Path) -> None:
    draw_demo_images(tmp_path, train_per_class=2, test_per_class=1, seed=1)
    assert sorted(contents(tmp_path)) == [
        "test/cat/drawn-0001.jpg",
        "test/dog/drawn-0001.jpg",
        "train/cat/drawn-0001.jpg",
        "train/cat/drawn-0002.jpg",
        "train/dog/drawn-0001.jpg",
        "train/dog/drawn-0002.jpg",
    ]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        draw_demo_images(tmp_path / name, train_per_class=2, test_per_class=2, seed=seed)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert not set(contents(tmp_path / "a").values()) & set(contents(tmp_path / "c").values())


def test_more_images_leave_the_first_ones_as_they_were(tmp_path: Path) -> None:
    draw_demo_images(tmp_path / "few", train_per_class=1, test_per_class=0, seed=1)
    draw_demo_images(tmp_path / "many", train_per_class=3, test_per_class=2, seed=1)
    assert contents(tmp_path / "few").items() <= contents(tmp_path / "many").items()


def test_no_two_images_have_the_same_content(tmp_path: Path) -> None:
    draw_demo_images(tmp_path, train_per_class=10, test_per_class=10, seed=1)
    assert len(set(contents(tmp_path).values())) == 40


def test_images_are_jpeg_of_a_photo_s_proportions(tmp_path: Path) -> None:
    draw_demo_images(tmp_path, train_per_class=3, test_per_class=0, seed=1)
    for file in tmp_path.rglob("*.jpg"):
        with Image.open(file) as image:
            image.load()
            assert (image.format, image.mode) == ("JPEG", "RGB")
            assert all(240 <= side <= 320 for side in image.size)


def test_every_image_is_marked_as_drawn_in_its_corner() -> None:
    for image in images(12):
        corner = np.asarray(image)[-18:-2, -44:-4].astype(int)
        assert (corner.min(axis=2) > 230).sum() > 15, "white letters"
        assert (corner.max(axis=2) < 130).sum() > 15, "with a dark border"


def test_mean_colours_do_not_tell_cats_from_dogs() -> None:
    """A drawing that could be told by its brightness would make the demonstration meaningless."""
    means = {
        label: np.array(
            [np.asarray(draw_animal(label, Random(f"{label} {n}"))).mean((0, 1)) for n in range(60)]
        )
        for label in ("cat", "dog")
    }
    difference = abs(means["cat"].mean(0) - means["dog"].mean(0))
    assert (difference < means["cat"].std(0)).all()


def test_an_unknown_animal_is_our_own_mistake() -> None:
    with pytest.raises(KeyError):
        draw_animal("cow", Random(1))


def test_a_smooth_curve_passes_through_its_corners() -> None:
    corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
    assert smooth_curve(corners)[::6] == corners
