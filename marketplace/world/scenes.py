"""Five scenes drawn with lines, boxes and colours. Wear shows as faded paint, stains, cracks, gaps and weeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import ImageDraw

WIDTH, HEIGHT = 320, 240
Colour = tuple[int, int, int]
WALLS: tuple[Colour, ...] = ((226, 205, 170), (200, 120, 96), (214, 214, 208), (164, 186, 200), (236, 224, 196))
ROOFS: tuple[Colour, ...] = ((142, 62, 48), (84, 86, 96), (112, 78, 58))
WOODS: tuple[Colour, ...] = ((178, 128, 78), (132, 88, 54), (206, 170, 122), (240, 238, 232))
TEXTILES: tuple[Colour, ...] = ((66, 104, 150), (150, 66, 78), (84, 128, 96), (196, 164, 92), (120, 92, 140))
GREY: Colour = (128, 124, 116)


@dataclass(frozen=True)
class Canvas:
    """Where a scene is drawn: the pen, the scene's own random numbers, and the condition shown, from 0 to 1."""

    pen: ImageDraw.ImageDraw
    rng: np.random.Generator
    condition: float

    @property
    def wear(self) -> float:
        return 1.0 - self.condition

    def pick(self, colours: tuple[Colour, ...]) -> Colour:
        """One of the colours, a little varied, and greyer the more the house is worn."""
        base = colours[int(self.rng.integers(len(colours)))]
        varied = np.array(base) + self.rng.normal(0.0, 8.0, 3)
        faded = varied + (np.array(GREY) - varied) * 0.65 * self.wear
        return _colour(faded)

    def near(self, centre: float, spread: float) -> float:
        return float(centre + self.rng.uniform(-spread, spread))

    def box(self, x: float, y: float, width: float, height: float, fill: Colour, outline: Colour | None = None) -> None:
        self.pen.rectangle((x, y, x + width, y + height), fill=fill, outline=outline)

    def count(self, most: float) -> int:
        """How many marks of wear to draw: Poisson, rising with the square of wear."""
        return int(self.rng.poisson(most * self.wear**2))


def facade(canvas: Canvas) -> None:
    """A house from the street: sky, lawn, walls, roof, windows and a door."""
    _sky(canvas)
    _ground(canvas, 190.0)
    x, y, width, height = canvas.near(70, 20), canvas.near(95, 12), canvas.near(180, 25), canvas.near(100, 8)
    wall = canvas.pick(WALLS)
    canvas.box(x, y, width, height, wall, _shade(wall, 0.6))
    canvas.pen.polygon(
        [(x - 14, y), (x + width / 2, y - canvas.near(55, 14)), (x + width + 14, y)], fill=canvas.pick(ROOFS)
    )
    columns = int(canvas.rng.integers(2, 5))
    for row in range(2):
        for column in range(columns):
            _window(canvas, x + 14 + column * (width - 20) / columns, y + 12 + row * 46, 24, 28)
    canvas.box(x + width / 2 - 11, y + height - 44, 24, 44, canvas.pick(WOODS), (40, 36, 32))
    _stains(canvas, x, y, width, height, _shade(wall, 0.55))
    _cracks(canvas, x, y, width, height)
    _weeds(canvas, 186.0)


def kitchen(canvas: Canvas) -> None:
    """Cupboards above and below a worktop, with a hob, a sink and tiles between."""
    wall, wood, top = (
        canvas.pick(WALLS),
        canvas.pick(WOODS),
        canvas.pick(((70, 70, 74), (222, 216, 206), (150, 110, 76))),
    )
    _room(canvas, wall)
    level = canvas.near(132, 8)
    _tiles(canvas, 0, level - 46, WIDTH, 46, 16)
    doors = int(canvas.rng.integers(5, 8))
    for door in range(doors):
        step = WIDTH / doors
        canvas.box(door * step, 28, step - 3, level - 78, wood, _shade(wood, 0.6))
        canvas.box(door * step, level + 10, step - 3, 74, wood, _shade(wood, 0.6))
        canvas.box(door * step + step - 12, level + 24, 4, 16, (60, 60, 62))
    canvas.box(0, level, WIDTH, 10, top)
    x = canvas.near(90, 40)
    canvas.box(x, level - 4, 62, 5, (34, 34, 38))
    for ring in range(4):
        canvas.pen.ellipse((x + 4 + ring * 14, level - 8, x + 14 + ring * 14, level - 2), outline=(180, 60, 50))
    canvas.box(canvas.near(230, 20), level, 50, 8, (186, 192, 198), (120, 124, 128))
    _missing_doors(canvas, doors, level)
    _stains(canvas, 0, 20, WIDTH, 200, _shade(wood, 0.5))


def bathroom(canvas: Canvas) -> None:
    """Tiles all over, a tub, a basin under a mirror, and a toilet."""
    _tiles(canvas, 0, 0, WIDTH, HEIGHT, int(canvas.near(20, 4)))
    white = canvas.pick(((248, 248, 250), (240, 242, 246)))
    canvas.box(0, 196, WIDTH, 44, canvas.pick(((120, 128, 140), (170, 160, 148))))
    x = canvas.near(30, 18)
    canvas.pen.rounded_rectangle((x, 142, x + 140, 206), 16, fill=white, outline=_shade(white, 0.7))
    canvas.pen.ellipse((x + 8, 140, x + 132, 162), fill=(190, 214, 226))
    basin = canvas.near(225, 16)
    canvas.pen.ellipse((basin, 118, basin + 64, 142), fill=white, outline=_shade(white, 0.7))
    canvas.box(basin + 26, 140, 12, 62, white, _shade(white, 0.8))
    canvas.box(basin + 4, 40, 56, 62, (206, 226, 236), (150, 156, 160))
    toilet = canvas.near(188, 8)
    canvas.pen.ellipse((toilet, 166, toilet + 40, 192), fill=white, outline=_shade(white, 0.7))
    canvas.box(toilet + 8, 136, 26, 32, white, _shade(white, 0.7))
    _stains(canvas, 0, 20, WIDTH, 190, (116, 96, 60))
    _cracks(canvas, 0, 0, WIDTH, 190)


def bedroom(canvas: Canvas) -> None:
    """A bed with pillows, a window with curtains, a table and a lamp."""
    _room(canvas, canvas.pick(WALLS))
    cloth, wood = canvas.pick(TEXTILES), canvas.pick(WOODS)
    x, width = canvas.near(60, 24), canvas.near(150, 16)
    canvas.box(x - 6, 96, width + 12, 60, wood, _shade(wood, 0.6))
    canvas.box(x, 138, width, 74, cloth, _shade(cloth, 0.7))
    for pillow in range(2):
        left = x + 10 + pillow * (width / 2 - 4)
        canvas.pen.rounded_rectangle((left, 122, left + width / 2 - 18, 148), 8, fill=canvas.pick(((244, 242, 238),)))
    pane = canvas.near(240, 14)
    _window(canvas, pane, 36, 56, 72)
    for side in (-14, 58):
        canvas.box(pane + side, 30, 12, 88, cloth)
    canvas.box(pane, 168, 40, 44, wood, _shade(wood, 0.6))
    canvas.pen.polygon([(pane + 8, 150), (pane + 32, 150), (pane + 26, 134), (pane + 14, 134)], fill=(250, 226, 150))
    canvas.box(pane + 18, 150, 4, 18, (90, 80, 70))
    _stains(canvas, 0, 10, WIDTH, 150, (128, 112, 80))
    _cracks(canvas, 0, 0, WIDTH, 140)


def empty_lot(canvas: Canvas) -> None:
    """Land with a fence: grass where it is kept, bare earth, rubble and weeds where it is not."""
    _sky(canvas)
    horizon = canvas.near(100, 14)
    _ground(canvas, horizon)
    for _ in range(3 + canvas.count(12)):
        x, y, size = canvas.near(160, 150), canvas.near(185, 45), canvas.near(16, 10)
        canvas.pen.ellipse((x, y, x + 2.4 * size, y + size), fill=canvas.pick(((142, 112, 78), (120, 98, 70))))
    gaps = canvas.rng.random(16) < 0.6 * canvas.wear
    for post in range(16):
        if not gaps[post]:
            canvas.box(post * 21, horizon - 16, 7, 30, canvas.pick(WOODS))
    canvas.box(0, horizon - 8, WIDTH, 3, canvas.pick(WOODS))
    for _ in range(int(canvas.rng.integers(1, 4))):
        _tree(canvas, canvas.near(160, 140), horizon)
    _weeds(canvas, horizon + 60)


def _sky(canvas: Canvas) -> None:
    top = np.array((118, 168, 222)) + canvas.rng.normal(0.0, 12.0, 3)
    for band in range(12):
        canvas.box(0, band * 17, WIDTH, 17, _colour(top + band * 9))


def _ground(canvas: Canvas, horizon: float) -> None:
    canvas.box(0, horizon, WIDTH, HEIGHT - horizon, canvas.pick(((92, 148, 70), (110, 152, 84))))


def _room(canvas: Canvas, wall: Colour) -> None:
    canvas.box(0, 0, WIDTH, 204, wall)
    floor = canvas.pick(WOODS)
    canvas.box(0, 204, WIDTH, 36, floor)
    for board in range(0, WIDTH, 26):
        canvas.pen.line((board, 204, board - 14, HEIGHT), fill=_shade(floor, 0.75))


def _window(canvas: Canvas, x: float, y: float, width: float, height: float) -> None:
    broken = canvas.rng.random() < 0.7 * max(0.0, canvas.wear - 0.45)
    canvas.box(x, y, width, height, (44, 42, 40) if broken else (176, 212, 232), (238, 236, 230))
    canvas.pen.line((x + width / 2, y, x + width / 2, y + height), fill=(238, 236, 230), width=2)
    if broken:
        canvas.pen.line((x, y, x + width, y + height), fill=(160, 140, 110), width=4)


def _tiles(canvas: Canvas, x: float, y: float, width: float, height: float, side: int) -> None:
    tile = canvas.pick(((206, 226, 230), (228, 226, 220), (170, 204, 196)))
    canvas.box(x, y, width, height, tile)
    grout = _shade(tile, 0.95 - 0.45 * canvas.wear)
    for left in range(int(x), int(x + width), side):
        canvas.pen.line((left, y, left, y + height), fill=grout)
    for top in range(int(y), int(y + height), side):
        canvas.pen.line((x, top, x + width, top), fill=grout)


def _missing_doors(canvas: Canvas, doors: int, level: float) -> None:
    for door in np.flatnonzero(canvas.rng.random(doors) < 0.45 * canvas.wear**2):
        canvas.box(door * WIDTH / doors, level + 10, WIDTH / doors - 3, 74, (38, 34, 30))


def _stains(canvas: Canvas, x: float, y: float, width: float, height: float, colour: Colour) -> None:
    for _ in range(canvas.count(16)):
        left, top, size = x + canvas.rng.random() * width, y + canvas.rng.random() * height, canvas.near(11, 7)
        canvas.pen.ellipse((left, top, left + 1.5 * size, top + size), fill=colour)


def _cracks(canvas: Canvas, x: float, y: float, width: float, height: float) -> None:
    for _ in range(canvas.count(9)):
        start = np.array((x + canvas.rng.random() * width, y + canvas.rng.random() * height))
        steps = start + np.cumsum(canvas.rng.normal(0.0, 9.0, (6, 2)), axis=0)
        canvas.pen.line([(float(left), float(top)) for left, top in steps], fill=(58, 52, 46), width=2)


def _weeds(canvas: Canvas, y: float) -> None:
    for _ in range(canvas.count(60)):
        x, height = canvas.rng.random() * WIDTH, canvas.near(16, 8)
        canvas.pen.line((x, y + height, x + canvas.near(0, 5), y), fill=(96, 110, 46), width=2)


def _tree(canvas: Canvas, x: float, ground: float) -> None:
    size = canvas.near(24, 8)
    canvas.box(x - 3, ground - 20, 7, 24, (98, 70, 46))
    canvas.pen.ellipse((x - size, ground - 20 - 1.5 * size, x + size, ground - 10), fill=canvas.pick(((62, 116, 58),)))


def _shade(colour: Colour, factor: float) -> Colour:
    return _colour(np.array(colour) * factor)


def _colour(values: np.ndarray) -> Colour:
    red, green, blue = (int(value) for value in np.clip(values, 0, 255))
    return red, green, blue
