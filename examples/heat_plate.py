"""Short-circuit test of a stack of power chips: the first microseconds of heat flow.

A plain NumPy program: explicit finite differences for

    heat capacity * dT/dt = div(conductivity * grad T) + power

on an N x N plate, the cross-section of the stack.  Conductivity, first temperature (coolant
has just been let in between the fins) and heated cells are read from `data/plate.png`
(`make_plate.py` says what it shows).  All four edges give off heat to the air.

    python heat_plate.py [--size N] [--steps K] [--save FILE.npy] [--picture FILE.png]
"""

import argparse
import time
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image

WIDTH = 0.01  # metres, side of the plate
CAPACITY = 2.4e6  # J/(m3 K); solids differ from this by less than a third
POWER = 3.0e13  # W/m3 in a transistor that is short-circuited
WARM = 80.0  # degrees Celsius at first
AIR = 25.0  # degrees Celsius around the plate, and of the coolant at first
FILM = 2.0e4  # W/(m2 K) from an edge to the air
COOLANT, HEATER = 0, 255  # the grey values of the coolant and of a transistor
LOWEST, HIGHEST = 0.6, 400.0  # W/(m K) for grey 0 and grey 254


def conduct(u, v, south, east, heat, lost, film, air, steps):
    """Temperature after `steps` steps from `u`; `v` is a second array to write to.

    south[i, j] and east[i, j] couple a cell to (i+1, j) and (i, j+1); `lost` collects
    what has left through the top, bottom, left and right edge, in cells times kelvins.
    """
    rows = u.shape[0]
    columns = u.shape[1]
    for step in range(steps):
        for j in range(1, columns - 1):
            top = south[0, j]
            u[0, j] = (top * u[1, j] + film * air) / (top + film)
            lost[0, j] = lost[0, j] + top * (u[1, j] - u[0, j])
        for j in range(1, columns - 1):
            bottom = south[rows - 2, j]
            u[rows - 1, j] = (bottom * u[rows - 2, j] + film * air) / (bottom + film)
            lost[1, j] = lost[1, j] + bottom * (u[rows - 2, j] - u[rows - 1, j])
        for i in range(1, rows - 1):
            left = east[i, 0]
            u[i, 0] = (left * u[i, 1] + film * air) / (left + film)
            lost[2, i] = lost[2, i] + left * (u[i, 1] - u[i, 0])
        for i in range(1, rows - 1):
            right = east[i, columns - 2]
            u[i, columns - 1] = (right * u[i, columns - 2] + film * air) / (right + film)
            lost[3, i] = lost[3, i] + right * (u[i, columns - 2] - u[i, columns - 1])
        for i in range(1, rows - 1):
            for j in range(1, columns - 1):
                here = u[i, j]
                vertical = south[i, j] * (u[i + 1, j] - here) + south[i - 1, j] * (u[i - 1, j] - here)
                across = east[i, j] * (u[i, j + 1] - here) + east[i, j - 1] * (u[i, j - 1] - here)
                v[i, j] = here + (vertical + across) + heat[i, j]
        u, v = v, u
    return u


def row_sums(values):
    """Sum of each row of the plate without its edge cells, which hold no heat."""
    sums = np.zeros(values.shape[0])
    for i in range(1, values.shape[0] - 1):
        for j in range(1, values.shape[1] - 1):
            sums[i] = sums[i] + values[i, j]
    return sums


def draw(change, grey, title, path):
    """Write the material and the change of temperature side by side, the latter on a log scale."""
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    size = np.abs(change[1:-1, 1:-1]) + 1e-9
    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 6), layout="constrained")
    shown = left.imshow(grey, cmap="gray", extent=(0, 10, 10, 0))
    left.set_title("Cross-section (grey: conductivity)")
    figure.colorbar(shown, ax=left, label="grey value", shrink=0.8)
    scale = matplotlib.colors.LogNorm(1e-3, float(size.max()))
    shown = right.imshow(size, cmap="inferno", norm=scale, extent=(0, 10, 10, 0))
    right.set_title(title)
    figure.colorbar(shown, ax=right, label="kelvins", shrink=0.8)
    for axes in (left, right):
        axes.set_xlabel("mm")
    figure.savefig(path, dpi=110)
    plt.close(figure)


parser = argparse.ArgumentParser(description="Heat flow in the cross-section of a power chip.")
parser.add_argument("--size", type=int, default=2000, help="cells along each side")
parser.add_argument("--steps", type=int, default=400, help="time steps")
parser.add_argument("--save", help="write the final temperatures to this .npy file")
parser.add_argument("--picture", default="heat_plate.png", help="the picture to write")
options = parser.parse_args()
n = options.size
if n < 3 or options.steps < 0:
    parser.error("at least 3 cells and no negative number of steps")

image = Image.open(Path(__file__).parent / "data" / "plate.png")
grey = np.asarray(image.resize((n, n), Image.Resampling.NEAREST), dtype=np.float64)

# The material and how strongly neighbouring cells are coupled, scaled to one time step.
cell = WIDTH / n
step_time = 0.2 * cell * cell * CAPACITY / HIGHEST
scale = step_time / (CAPACITY * cell * cell)
heat = np.where(grey == HEATER, POWER * step_time / CAPACITY, 0.0)
slope = (HIGHEST - LOWEST) / 254.0

conductivity = np.empty((n, n))
for i in range(n):
    for j in range(n):
        conductivity[i, j] = LOWEST + slope * grey[i, j]

# Heat crosses half a cell of each neighbour: the harmonic mean of the two conductivities.
south = np.zeros((n, n))
east = np.zeros((n, n))
for i in range(n - 1):
    for j in range(n):
        south[i, j] = scale * 2.0 * conductivity[i, j] * conductivity[i + 1, j] / (
            conductivity[i, j] + conductivity[i + 1, j]
        )
for i in range(n):
    for j in range(n - 1):
        east[i, j] = scale * 2.0 * conductivity[i, j] * conductivity[i, j + 1] / (
            conductivity[i, j] + conductivity[i, j + 1]
        )

start = np.where(grey == COOLANT, AIR, WARM)
first = start.copy()
second = start.copy()
lost = np.zeros((4, n))
film = FILM * step_time / (CAPACITY * cell)

before = row_sums(first)
clock = time.perf_counter()
final = conduct(first, second, south, east, heat, lost, film, AIR, options.steps)
elapsed = time.perf_counter() - clock
after = row_sums(final)

joules = CAPACITY * cell * cell  # J per metre of depth, for one cell and one kelvin
stored = joules * float((after - before).sum())
given = joules * options.steps * float(heat[1:-1, 1:-1].sum())
left_plate = joules * float(lost.sum())
microseconds = 1e6 * options.steps * step_time
inside = final[1:-1, 1:-1]

print(f"plate            {n} x {n} cells of {1e6 * cell:.2f} µm, {options.steps} steps, "
      f"{microseconds:.3f} µs")
print(f"peak temperature {inside.max():.3f} °C")
print(f"mean temperature {inside.mean():.6f} °C")
print(f"heat put in      {given:.6f} J per metre of depth")
print(f"heat given off   {left_plate:.6f} J per metre of depth, mean flux through the boundary "
      f"{left_plate / (4.0 * WIDTH * max(microseconds, 1e-9) * 1e-6):.4g} W/m2")
print(f"energy balance   off by {abs(stored + left_plate - given) / max(given, 1e-30):.2e} "
      "of the heat put in")
print(f"stepping took    {elapsed:.3f} s")

draw(final - start, grey, f"Change of temperature after {microseconds:.1f} µs", options.picture)
print(f"picture          {options.picture}")
if options.save:
    np.save(options.save, final)
