"""Shallow water in a basin with walls: Lax-Wendroff, two half steps."""

from __future__ import annotations

import hashlib
import sys

import numpy as np

STEPS, TIME, SPACE, GRAVITY = 20, 0.02, 1.0, 9.8


def reflect(height, east, north):
    """Let waves come back from the walls."""
    height[:, 0] = height[:, 1]
    east[:, 0] = east[:, 1]
    north[:, 0] = -north[:, 1]
    height[:, -1] = height[:, -2]
    east[:, -1] = east[:, -2]
    north[:, -1] = -north[:, -2]
    height[0, :] = height[1, :]
    east[0, :] = -east[1, :]
    north[0, :] = north[1, :]
    height[-1, :] = height[-2, :]
    east[-1, :] = -east[-2, :]
    north[-1, :] = north[-2, :]


def program(h, u, v):
    """Height and both momenta after all steps."""
    n = h.shape[0] - 2
    hx = np.zeros((n + 1, n + 1), dtype=h.dtype)
    ux = np.zeros((n + 1, n + 1), dtype=h.dtype)
    vx = np.zeros((n + 1, n + 1), dtype=h.dtype)
    hy = np.zeros((n + 1, n + 1), dtype=h.dtype)
    uy = np.zeros((n + 1, n + 1), dtype=h.dtype)
    vy = np.zeros((n + 1, n + 1), dtype=h.dtype)
    for _ in range(STEPS):
        reflect(h, u, v)
        hx[:, :-1] = (h[1:, 1:-1] + h[:-1, 1:-1]) / 2 - TIME / (2 * SPACE) * (
            u[1:, 1:-1] - u[:-1, 1:-1]
        )
        ux[:, :-1] = (u[1:, 1:-1] + u[:-1, 1:-1]) / 2 - TIME / (2 * SPACE) * (
            (u[1:, 1:-1] ** 2 / h[1:, 1:-1] + GRAVITY / 2 * h[1:, 1:-1] ** 2)
            - (u[:-1, 1:-1] ** 2 / h[:-1, 1:-1] + GRAVITY / 2 * h[:-1, 1:-1] ** 2)
        )
        vx[:, :-1] = (v[1:, 1:-1] + v[:-1, 1:-1]) / 2 - TIME / (2 * SPACE) * (
            (u[1:, 1:-1] * v[1:, 1:-1] / h[1:, 1:-1]) - (u[:-1, 1:-1] * v[:-1, 1:-1] / h[:-1, 1:-1])
        )
        hy[:-1, :] = (h[1:-1, 1:] + h[1:-1, :-1]) / 2 - TIME / (2 * SPACE) * (
            v[1:-1, 1:] - v[1:-1, :-1]
        )
        uy[:-1, :] = (u[1:-1, 1:] + u[1:-1, :-1]) / 2 - TIME / (2 * SPACE) * (
            (v[1:-1, 1:] * u[1:-1, 1:] / h[1:-1, 1:]) - (v[1:-1, :-1] * u[1:-1, :-1] / h[1:-1, :-1])
        )
        vy[:-1, :] = (v[1:-1, 1:] + v[1:-1, :-1]) / 2 - TIME / (2 * SPACE) * (
            (v[1:-1, 1:] ** 2 / h[1:-1, 1:] + GRAVITY / 2 * h[1:-1, 1:] ** 2)
            - (v[1:-1, :-1] ** 2 / h[1:-1, :-1] + GRAVITY / 2 * h[1:-1, :-1] ** 2)
        )
        h[1:-1, 1:-1] -= TIME / SPACE * (ux[1:, :-1] - ux[:-1, :-1]) + TIME / SPACE * (
            vy[:-1, 1:] - vy[:-1, :-1]
        )
        u[1:-1, 1:-1] -= TIME / SPACE * (
            (ux[1:, :-1] ** 2 / hx[1:, :-1] + GRAVITY / 2 * hx[1:, :-1] ** 2)
            - (ux[:-1, :-1] ** 2 / hx[:-1, :-1] + GRAVITY / 2 * hx[:-1, :-1] ** 2)
        ) + TIME / SPACE * (
            (vy[:-1, 1:] * uy[:-1, 1:] / hy[:-1, 1:]) - (vy[:-1, :-1] * uy[:-1, :-1] / hy[:-1, :-1])
        )
        v[1:-1, 1:-1] -= TIME / SPACE * (
            (ux[1:, :-1] * vx[1:, :-1] / hx[1:, :-1]) - (ux[:-1, :-1] * vx[:-1, :-1] / hx[:-1, :-1])
        ) + TIME / SPACE * (
            (vy[:-1, 1:] ** 2 / hy[:-1, 1:] + GRAVITY / 2 * hy[:-1, 1:] ** 2)
            - (vy[:-1, :-1] ** 2 / hy[:-1, :-1] + GRAVITY / 2 * hy[:-1, :-1] ** 2)
        )
    return h, u, v


def given(size, dtype):
    """Still water with a drop on it."""
    h = np.ones((size + 2, size + 2), dtype=dtype)
    u = np.zeros((size + 2, size + 2), dtype=dtype)
    v = np.zeros((size + 2, size + 2), dtype=dtype)
    side = np.linspace(-3.0, 3.0, size // 4)
    h[size // 4 : size // 4 + len(side), size // 4 : size // 4 + len(side)] += np.exp(
        -(side[:, None] ** 2) - side**2
    ).astype(dtype)

    return h, u, v


if __name__ == "__main__":
    for each in program(*given(int(sys.argv[1]), sys.argv[2])):
        whole = np.asarray(each)
        print(whole.dtype, whole.shape, hashlib.sha256(whole.tobytes()).hexdigest()[:16])
