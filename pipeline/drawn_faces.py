"""The faces of drawn cats (pointed ears, whiskers, slit pupils) and dogs (floppy ears, muzzle, tongue).

Coats are shared and some dogs prick their ears, so that no single trait tells the two apart.
"""

from dataclasses import dataclass
from random import Random

from pipeline.pencil import Colour, Pencil, Point, mirrored

BLACK: Colour = (38, 32, 32)
WHITE: Colour = (252, 249, 243)
PINK: Colour = (232, 150, 152)
TONGUE: Colour = (226, 104, 116)

COATS: tuple[Colour, ...] = (
    (222, 148, 76),  # ginger
    (196, 158, 112),  # fawn
    (132, 128, 130),  # grey
    (84, 74, 72),  # charcoal
    (236, 222, 196),  # cream
    (146, 98, 62),  # brown
    (176, 176, 182),  # silver
    (240, 238, 234),  # white
)
CAT_EYES: tuple[Colour, ...] = ((140, 190, 92), (226, 178, 62), (104, 170, 208), (190, 148, 60))
DOG_EYES: tuple[Colour, ...] = ((92, 58, 36), (66, 44, 34), (124, 84, 46))
COLLARS: tuple[Colour, ...] = ((204, 62, 60), (58, 110, 178), (62, 142, 96), (226, 170, 48), (130, 84, 160))


@dataclass(frozen=True)
class Coat:
    """The colours of one animal."""

    fur: Colour
    dark: Colour  # outline, stripes, patches
    light: Colour  # muzzle and chest
    inner: Colour  # inside of the ears


def draw_cat(pencil: Pencil, random: Random) -> None:
    """Draw the head and shoulders of a cat."""
    coat = _choose_coat(random)
    wide = random.uniform(0.92, 1.08)
    _draw_shoulders(pencil, coat, random)
    for side in (-1, 1):
        _draw_pointed_ear(
            pencil, coat, side, lean=random.uniform(-0.06, 0.06), height=random.uniform(0.9, 1.1)
        )
    head = [(0, -0.72), (0.55, -0.6), (0.86, -0.1), (0.84, 0.24), (0.5, 0.62), (0, 0.74)]
    _draw_head(pencil, coat, [(x * wide, y) for x, y in head])
    if random.random() < 0.55:
        _draw_stripes(pencil, coat)
    elif random.random() < 0.4:
        pencil.smooth([(0.12, -0.66), (0.6, -0.5), (0.76, -0.05), (0.3, 0.08)], coat.dark)
    for side in (-1, 1):
        pencil.blob((side * 0.2, 0.36), (0.27, 0.22), coat.light)
    pencil.blob((0, 0.55), (0.2, 0.13), coat.light)
    _draw_cat_eyes(pencil, coat, random)
    pencil.smooth([(-0.1, 0.16), (0, 0.13), (0.1, 0.16), (0, 0.28)], random.choice((PINK, PINK, BLACK)))
    for side in (-1, 1):
        pencil.arc((0, 0.28), (side * 0.03, 0.44), (side * 0.2, 0.4), BLACK, 0.028)
        _draw_whiskers(pencil, coat, side, random.uniform(-0.08, 0.08))


def draw_dog(pencil: Pencil, random: Random) -> None:
    """Draw the head and shoulders of a dog."""
    coat = _choose_coat(random)
    long = random.uniform(0.94, 1.12)
    pricked = random.random() < 0.2
    _draw_shoulders(pencil, coat, random)
    for side in (-1, 1):
        if pricked:
            _draw_pointed_ear(pencil, coat, side, lean=0.04, height=1.08)
    head = [(0, -0.76), (0.5, -0.66), (0.74, -0.2), (0.64, 0.3), (0.42, 0.76), (0, 0.9)]
    _draw_head(pencil, coat, [(x, y * long) for x, y in head])
    if random.random() < 0.4:
        pencil.smooth([(0.08, -0.6), (0.5, -0.56), (0.62, -0.1), (0.3, 0.12), (0.1, -0.16)], coat.dark)
    if random.random() < 0.45:
        pencil.smooth(
            [(0, -0.74), (0.12, -0.3), (0.16, 0.2), (0, 0.4), (-0.16, 0.2), (-0.12, -0.3)], coat.light
        )
    pencil.smooth(
        [(0, 0.04), (0.3, 0.16), (0.46, 0.46), (0.26, 0.72 * long), (0, 0.78 * long),
         (-0.26, 0.72 * long), (-0.46, 0.46), (-0.3, 0.16)],
        coat.light,
    )  # fmt: skip
    if not pricked:
        _draw_floppy_ears(pencil, coat, random)
    _draw_dog_eyes(pencil, coat, random)
    _draw_dog_mouth(pencil, random)


def _choose_coat(random: Random) -> Coat:
    fur = _vary(random.choice(COATS), random)
    dark = _mix(fur, BLACK, random.uniform(0.35, 0.6))
    light = _mix(fur, WHITE, random.uniform(0.55, 0.95))
    return Coat(fur, dark, light, _mix(PINK, fur, 0.3))


def _draw_shoulders(pencil: Pencil, coat: Coat, random: Random) -> None:
    """Draw the chest below the head, with a collar on some."""
    pencil.smooth([(0, 0.3), (0.62, 0.62), (1.0, 1.3), (1.1, 2.6), (-1.1, 2.6), (-1.0, 1.3), (-0.62, 0.62)],
                  coat.fur, coat.dark)  # fmt: skip
    pencil.smooth([(0, 0.6), (0.36, 0.9), (0.4, 1.6), (0, 2.2), (-0.4, 1.6), (-0.36, 0.9)], coat.light)
    if random.random() < 0.45:
        collar = random.choice(COLLARS)
        pencil.arc((-0.68, 0.76), (0, 1.3), (0.68, 0.76), collar, 0.15)
        pencil.blob((0, 1.1), (0.11, 0.12), (238, 200, 84), _mix(collar, BLACK, 0.4))


def _draw_head(pencil: Pencil, coat: Coat, right_half: list[Point]) -> None:
    """Draw the head from its right outline, top to chin, and that outline mirrored."""
    pencil.smooth(right_half + mirrored(right_half[-2:0:-1], -1), coat.fur, coat.dark)


def _draw_pointed_ear(pencil: Pencil, coat: Coat, side: int, lean: float, height: float) -> None:
    tip = (0.72 + lean, -0.62 - 0.62 * height)
    outer = [(0.14, -0.62), (0.4, -0.98), tip, (0.86, -0.72), (0.84, -0.1)]
    inner = [(0.36, -0.62), (0.5, -0.88), (tip[0] - 0.02, tip[1] + 0.2), (0.76, -0.66), (0.72, -0.4)]
    pencil.smooth(mirrored(outer, side), coat.fur, coat.dark)
    pencil.smooth(mirrored(inner, side), coat.inner)


def _draw_floppy_ears(pencil: Pencil, coat: Coat, random: Random) -> None:
    """Draw ears that hang down over the side of the head, each a little different."""
    colour = random.choice((coat.dark, _mix(coat.fur, BLACK, 0.18)))
    length = random.uniform(0.2, 0.75)
    for side in (-1, 1):
        low = length + random.uniform(-0.08, 0.08)
        outline = [(0.34, -0.68), (0.7, -0.72), (1.0, -0.3), (1.06, low - 0.2)]
        outline += [(0.86, low), (0.68, low - 0.28), (0.6, -0.24)]
        pencil.smooth(mirrored(outline, side), colour, _mix(coat.dark, BLACK, 0.4))


def _draw_stripes(pencil: Pencil, coat: Coat) -> None:
    """Draw the forehead and cheeks of a tabby."""
    for x in (-0.2, 0.0, 0.2):
        pencil.smooth(
            [(x - 0.05, -0.68 + abs(x) / 3), (x + 0.05, -0.68 + abs(x) / 3), (x * 0.7, -0.32)], coat.dark
        )
    for side in (-1, 1):
        for y in (0.06, 0.24):
            stripe = [(0.84, y - 0.04), (0.84, y + 0.06), (0.52, y + 0.06)]
            pencil.smooth(mirrored(stripe, side), coat.dark)


def _draw_cat_eyes(pencil: Pencil, coat: Coat, random: Random) -> None:
    """Draw almond eyes with upright slits; a contented cat closes them."""
    iris = random.choice(CAT_EYES)
    slit = random.uniform(0.035, 0.11)
    closed = random.random() < 0.08
    glance = random.uniform(-0.03, 0.03)
    for side in (-1, 1):
        if closed:
            pencil.arc((side * 0.2, -0.06), (side * 0.38, 0.1), (side * 0.56, -0.1), BLACK, 0.05)
            continue
        pencil.blob((side * 0.37, -0.06), (0.2, 0.165), iris, _mix(coat.dark, BLACK, 0.6), lean=-side * 0.25)
        pencil.blob((side * 0.37 + glance, -0.06), (slit, 0.15), BLACK)
        pencil.blob((side * 0.37 + glance + 0.05, -0.12), (0.036, 0.036), WHITE)


def _draw_dog_eyes(pencil: Pencil, coat: Coat, random: Random) -> None:
    """Draw round brown eyes under brows."""
    iris = random.choice(DOG_EYES)
    size = random.uniform(0.125, 0.155)
    glance = random.uniform(-0.03, 0.03)
    brow = random.uniform(-0.08, 0.01)
    for side in (-1, 1):
        x = side * 0.31
        pencil.blob((x, -0.14), (size * 1.12, size * 1.05), WHITE, _mix(coat.dark, BLACK, 0.5))
        pencil.blob((x + glance, -0.13), (size * 0.86, size * 0.9), iris)
        pencil.blob((x + glance, -0.13), (size * 0.48, size * 0.5), BLACK)
        pencil.blob((x + glance + 0.045, -0.18), (0.034, 0.034), WHITE)
        pencil.arc(
            (x - 0.13, -0.36 + side * brow), (x, -0.46), (x + 0.13, -0.36 - side * brow), coat.dark, 0.05
        )


def _draw_dog_mouth(pencil: Pencil, random: Random) -> None:
    """Draw the large nose, the smile and, on most, the tongue."""
    if random.random() < 0.6:
        tongue = [(-0.13, 0.58), (0.13, 0.58), (0.14, 0.82), (0, 0.94), (-0.14, 0.82)]
        pencil.smooth(tongue, TONGUE, (176, 66, 82))
        pencil.line([(0, 0.62), (0, 0.8)], (190, 76, 92), 0.025)
    for side in (-1, 1):
        pencil.arc((0, 0.54), (side * 0.12, 0.68), (side * 0.33, 0.5), BLACK, 0.035)
    pencil.line([(0, 0.36), (0, 0.55)], BLACK, 0.03)
    pencil.smooth([(-0.2, 0.18), (0, 0.14), (0.2, 0.18), (0.12, 0.34), (0, 0.4), (-0.12, 0.34)], BLACK)
    pencil.blob((-0.06, 0.21), (0.06, 0.025), (120, 112, 112))


def _draw_whiskers(pencil: Pencil, coat: Coat, side: int, droop: float) -> None:
    colour = _mix(WHITE, coat.dark, 0.12) if sum(coat.light) < 690 or sum(coat.fur) < 600 else (120, 108, 100)
    for spread in (-0.14, 0.0, 0.14):
        start, end = (side * 0.28, 0.34 + spread / 3), (side * 1.16, 0.34 + spread * 1.6 + droop)
        pencil.arc(start, (side * 0.7, 0.26 + spread), end, colour, 0.016)


def _vary(colour: Colour, random: Random) -> Colour:
    """Return a colour a little lighter or darker, for two ginger cats are not of one ginger."""
    change = random.randint(-16, 12)
    red, green, blue = (max(0, min(255, channel + change)) for channel in colour)
    return red, green, blue


def _mix(first: Colour, second: Colour, share: float) -> Colour:
    """Return `first` with a `share` (0 to 1) of `second`."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue
