"""Draw `data/plate.png`, the cross-section that `heat_plate.py` heats.

Stacked power chips under a finned cooler, 10 mm x 10 mm: from top to bottom coolant and fins, cooler
base, solder with voids, copper spreader, three stacked silicon dies with a row of transistor
cells each, solder balls in underfill, board with copper planes and vias.  The grey value is the conductivity:
0 is 0.6 W/(m K), 254 is 400 W/(m K), linear between; 255 marks a transistor that heats.
"""

from __future__ import annotations

import random
from pathlib import Path

from PIL import Image, ImageDraw

SIZE = 1000  # pixels; one is 10 micrometres
SEED = 7

COOLANT, EPOXY, SOLDER, SILICON, ALUMINIUM, COPPER, HEATER = 0, 1, 32, 94, 150, 254, 255


def draw_cooler(draw: ImageDraw.ImageDraw) -> None:
    """Fins with round tips on a base, in coolant."""
    for left in range(40, SIZE - 40, 80):
        draw.rounded_rectangle((left, 40, left + 38, 320), radius=19, fill=ALUMINIUM)
    draw.rectangle((0, 280, SIZE, 360), fill=ALUMINIUM)


def draw_solder(draw: ImageDraw.ImageDraw, chance: random.Random) -> None:
    """The solder layer between cooler and spreader, with voids that hold the heat back."""
    draw.rectangle((0, 360, SIZE, 392), fill=SOLDER)
    for _ in range(45):
        x, y = chance.uniform(0, SIZE), chance.uniform(364, 388)
        half = chance.uniform(2, 14)
        draw.ellipse((x - half, y - half / 3, x + half, y + half / 3), fill=EPOXY)


def draw_dies(draw: ImageDraw.ImageDraw, chance: random.Random) -> None:
    """Copper spreader and three bonded dies: transistors, bumps, inclusions in each."""
    draw.rectangle((0, 392, SIZE, 440), fill=COPPER)
    for number, top in enumerate((440, 502, 564)):
        draw.rectangle((60, top, 940, top + 55), fill=SILICON)
        for _ in range(40):
            x, y = chance.uniform(70, 930), chance.uniform(top + 6, top + 30)
            half = chance.uniform(1.5, 5)
            draw.ellipse((x - half, y - half, x + half, y + half), fill=EPOXY)
        left = 80.0
        while left < 890:
            width = chance.uniform(8, 30)
            draw.rectangle((left, top + 38, left + width, top + 45), fill=HEATER)
            draw.rectangle((left + 2, top + 50, left + 8, top + 62), fill=COPPER)
            left += width + chance.uniform(12, 50) * (1.0 + 0.5 * number)


def draw_board(draw: ImageDraw.ImageDraw) -> None:
    """Solder balls in underfill, then a board with copper planes and vias."""
    for centre in range(110, 920, 78):
        draw.ellipse((centre - 26, 620, centre + 26, 672), fill=SOLDER)
        draw.rectangle((centre - 30, 668, centre + 30, 684), fill=COPPER)
        draw.rectangle((centre - 6, 684, centre + 6, 940), fill=COPPER)
    for top in (740, 820, 900):
        draw.rectangle((20, top, SIZE - 20, top + 8), fill=COPPER)


def plate() -> Image.Image:
    """The whole cross-section as an 8-bit grey image; the same at every call."""
    chance = random.Random(SEED)  # noqa: S311  a drawing, not a secret
    image = Image.new("L", (SIZE, SIZE), EPOXY)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, SIZE, 330), fill=COOLANT)
    draw_cooler(draw)
    draw_solder(draw, chance)
    draw_dies(draw, chance)
    draw_board(draw)
    return image


if __name__ == "__main__":
    target = Path(__file__).parent / "data" / "plate.png"
    target.parent.mkdir(exist_ok=True)
    plate().save(target, optimize=True)
    print(f"{target.name}: {target.stat().st_size} bytes")
