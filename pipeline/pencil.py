"""Draw smooth shapes in the units of a face, which may be turned, scaled and moved on the canvas."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import ImageDraw

Point = tuple[float, float]
Colour = tuple[int, int, int]

STEPS_PER_SIDE = 6
# What the four corners around a side of a Catmull-Rom spline weigh at each step along it.
WEIGHTS = tuple(
    (
        -0.5 * t + t**2 - 0.5 * t**3,
        1 - 2.5 * t**2 + 1.5 * t**3,
        0.5 * t + 2 * t**2 - 1.5 * t**3,
        -0.5 * t**2 + 0.5 * t**3,
    )
    for t in (step / STEPS_PER_SIDE for step in range(STEPS_PER_SIDE))
)


@dataclass(frozen=True)
class Pencil:
    """Draws in face units: the head is about 1 wide to either side of (0, 0), and y grows downwards."""

    canvas: ImageDraw.ImageDraw
    centre: Point  # pixels
    unit: float  # pixels per face unit
    turn: float = 0.0  # radians, clockwise as one sees it

    def smooth(self, corners: Sequence[Point], fill: Colour, outline: Colour | None = None) -> None:
        """Fill the closed smooth curve through `corners`."""
        self.polygon(smooth_curve(corners), fill, outline)

    def blob(
        self, centre: Point, radii: Point, fill: Colour, outline: Colour | None = None, lean: float = 0.0
    ) -> None:
        """Fill an ellipse with the given half axes that leans by `lean` radians."""
        self.polygon(ellipse(centre, radii, lean), fill, outline)

    def polygon(self, corners: Sequence[Point], fill: Colour, outline: Colour | None = None) -> None:
        """Fill a polygon, and draw its border if there is an outline."""
        pixels = self.place(corners)
        self.canvas.polygon(pixels, fill=fill)
        if outline is not None:
            self.canvas.line([*pixels, pixels[0], pixels[1]], outline, self._width(0.035), joint="curve")

    def line(self, points: Sequence[Point], colour: Colour, width: float) -> None:
        """Draw an open line through `points`; `width` in face units."""
        self.canvas.line(self.place(points), colour, self._width(width), joint="curve")

    def arc(self, start: Point, middle: Point, end: Point, colour: Colour, width: float) -> None:
        """Draw the parabola that leaves `start` towards `middle` and arrives at `end`."""
        points = []
        for step in range(9):
            t = step / 8
            first, second, third = (1 - t) ** 2, 2 * t * (1 - t), t**2
            x = first * start[0] + second * middle[0] + third * end[0]
            y = first * start[1] + second * middle[1] + third * end[1]
            points.append((x, y))
        self.line(points, colour, width)

    def place(self, points: Sequence[Point]) -> list[Point]:
        """Return the pixels of points in face units."""
        cosine, sine = math.cos(self.turn) * self.unit, math.sin(self.turn) * self.unit
        left, top = self.centre
        return [(left + x * cosine - y * sine, top + x * sine + y * cosine) for x, y in points]

    def _width(self, width: float) -> int:
        return max(1, round(width * self.unit))


def ellipse(centre: Point, radii: Point, lean: float = 0.0) -> list[Point]:
    """Return an ellipse as a polygon of 32 corners."""
    cosine, sine = math.cos(lean), math.sin(lean)
    corners = []
    for step in range(32):
        angle = step * math.tau / 32
        x, y = radii[0] * math.cos(angle), radii[1] * math.sin(angle)
        corners.append((centre[0] + x * cosine - y * sine, centre[1] + x * sine + y * cosine))
    return corners


def smooth_curve(corners: Sequence[Point]) -> list[Point]:
    """Return the closed Catmull-Rom spline through `corners`."""
    count = len(corners)
    points = []
    for index in range(count):
        (ax, ay), (bx, by) = corners[index - 1], corners[index]
        (cx, cy), (dx, dy) = corners[(index + 1) % count], corners[(index + 2) % count]
        for wa, wb, wc, wd in WEIGHTS:
            points.append((wa * ax + wb * bx + wc * cx + wd * dx, wa * ay + wb * by + wc * cy + wd * dy))
    return points


def mirrored(points: Sequence[Point], side: int) -> list[Point]:
    """Return the points of the right side (`side` 1) or of the left one (-1)."""
    return [(x * side, y) for x, y in points]
