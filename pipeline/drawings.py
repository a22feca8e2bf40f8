"""Draw a small set of cats and dogs for the demonstration, which works without any photograph.

The pictures vary in coat, pose, size, background, light, sharpness and in what stands in front, and each
carries the word "drawn". The same seed gives the same bytes with the same version of Pillow.
"""

import functools
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from pipeline.drawn_faces import COLLARS, draw_cat, draw_dog
from pipeline.pencil import Colour, Pencil, ellipse

ANIMALS: dict[str, Callable[[Pencil, Random], None]] = {"cat": draw_cat, "dog": draw_dog}
WALLS: tuple[Colour, ...] = (
    (206, 222, 226),
    (232, 214, 188),
    (190, 208, 180),
    (226, 196, 190),
    (168, 186, 206),
    (216, 208, 226),
    (148, 160, 150),
    (242, 232, 210),
)
FLOORS: tuple[Colour, ...] = (
    (168, 126, 90),
    (124, 150, 96),
    (150, 142, 138),
    (190, 160, 128),
    (112, 116, 140),
)
OVERSAMPLING = 2  # drawn at twice the size and then shrunk: smooth edges


def draw_demo_images(folder: Path, *, train_per_class: int, test_per_class: int, seed: int) -> None:
    """Write JPEG images to `folder`/{train,test}/{cat,dog}/drawn-0001.jpg and so on, over older ones."""
    for split, count in (("train", train_per_class), ("test", test_per_class)):
        for label in ANIMALS:
            target = folder / split / label
            target.mkdir(parents=True, exist_ok=True)
            for number in range(1, count + 1):
                image = draw_animal(label, Random(f"{seed} {split} {label} {number}"))
                image.save(target / f"drawn-{number:04}.jpg", quality=88)


def draw_animal(label: str, random: Random) -> Image.Image:
    """Draw one cat or dog (RGB, sides of 240 to 320 pixels)."""
    width, height = random.randint(240, 320), random.randint(240, 320)
    image = Image.new("RGB", (width * OVERSAMPLING, height * OVERSAMPLING))
    canvas = ImageDraw.Draw(image)
    _draw_room(canvas, image.size, random)
    ANIMALS[label](_choose_pose(canvas, image.size, random), random)
    if random.random() < 0.4:
        _draw_in_front(canvas, image.size, random)
    image = _photograph(image.reduce(OVERSAMPLING), random)
    _mark(image)
    return image


def _choose_pose(canvas: ImageDraw.ImageDraw, size: tuple[int, int], random: Random) -> Pencil:
    """Place the face: not always in the middle, upright or of one size."""
    width, height = size
    unit = min(size) * random.uniform(0.2, 0.33)
    centre = (width * random.uniform(0.4, 0.6), height * random.uniform(0.42, 0.58))
    return Pencil(canvas, centre, unit, random.gauss(0, 0.2))


def _draw_room(canvas: ImageDraw.ImageDraw, size: tuple[int, int], random: Random) -> None:
    """Draw a wall and a floor with things that have nothing to do with the animal."""
    width, height = size
    canvas.rectangle((0, 0, width, height), random.choice(WALLS))
    edge = height * random.uniform(0.62, 0.9)
    canvas.rectangle((0, edge, width, height), random.choice(FLOORS))
    for _ in range(random.randint(1, 4)):
        thing = random.choice((_draw_ball, _draw_picture, _draw_plant))
        thing(canvas, size, random)


def _draw_ball(canvas: ImageDraw.ImageDraw, size: tuple[int, int], random: Random) -> None:
    width, height = size
    radius = width * random.uniform(0.04, 0.13)
    centre = (random.uniform(0, width), random.uniform(height * 0.55, height))
    canvas.polygon(ellipse(centre, (radius, radius)), fill=random.choice(COLLARS))
    shine = (centre[0] - radius * 0.3, centre[1] - radius * 0.35)
    canvas.polygon(ellipse(shine, (radius * 0.3, radius * 0.22), -0.6), fill=(250, 240, 230))


def _draw_picture(canvas: ImageDraw.ImageDraw, size: tuple[int, int], random: Random) -> None:
    """Draw a framed picture, or a window, on the wall."""
    width, height = size
    left, top = random.uniform(-0.1, 0.85) * width, random.uniform(-0.1, 0.4) * height
    right, bottom = left + random.uniform(0.14, 0.4) * width, top + random.uniform(0.14, 0.4) * height
    frame = random.choice(FLOORS)
    canvas.rectangle((left, top, right, bottom), random.choice(WALLS), frame, max(2, width // 50))


def _draw_plant(canvas: ImageDraw.ImageDraw, size: tuple[int, int], random: Random) -> None:
    width, height = size
    foot = (random.choice((random.uniform(0, 0.18), random.uniform(0.82, 1))) * width, height * 0.86)
    green = random.choice(((86, 140, 84), (116, 156, 76), (66, 112, 92)))
    pencil = Pencil(canvas, foot, width * random.uniform(0.12, 0.22))
    for lean in (-0.7, -0.3, 0.1, 0.5, 0.9):
        tip = (lean * 1.3, -1.7 + abs(lean) * 0.7)
        pencil.smooth(
            [(-0.05, 0), (lean * 0.4 - 0.14, -0.8), tip, (lean * 0.8 + 0.14, -0.7), (0.05, 0)], green
        )
    pencil.polygon([(-0.4, 0), (0.4, 0), (0.3, 0.7), (-0.3, 0.7)], (190, 106, 72))


def _draw_in_front(canvas: ImageDraw.ImageDraw, size: tuple[int, int], random: Random) -> None:
    """Let something cover a part of the animal: the edge of a table, a ball or a plant."""
    width, height = size
    kind = random.random()
    if kind < 0.4:
        edge = height * random.uniform(0.78, 0.9)
        canvas.rectangle((0, edge, width, height), random.choice(FLOORS))
        canvas.rectangle((0, edge, width, edge + height * 0.02), (236, 222, 200))
    elif kind < 0.7:
        _draw_ball(canvas, size, random)
    else:
        _draw_plant(canvas, size, random)


def _photograph(image: Image.Image, random: Random) -> Image.Image:
    """Add what a camera adds: blur on some, uneven light and noise on all."""
    if random.random() < 0.25:
        image = image.filter(ImageFilter.GaussianBlur(random.uniform(0.5, 1.6)))
    generator = np.random.default_rng(random.getrandbits(64))
    grain = random.choice((4, 8, 16))
    pixels = np.asarray(image, dtype=np.int16)
    noise = generator.integers(-grain, grain + 1, pixels.shape[:2], dtype=np.int16)
    start, end = random.uniform(-34, 20), random.uniform(-34, 20)
    light = np.linspace(start, end, pixels.shape[1], dtype=np.float32).astype(np.int16)
    lit = pixels + (noise + light)[:, :, np.newaxis]
    return Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8))


def _mark(image: Image.Image) -> None:
    """Write "drawn" into the lower right corner, so that nobody takes it for a photograph."""
    canvas = ImageDraw.Draw(image)
    place = (image.width - 6, image.height - 5)
    canvas.text(place, "drawn", (255, 255, 255), _font(), "rs", stroke_width=1, stroke_fill=(60, 60, 60))


@functools.cache
def _font() -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(11)
