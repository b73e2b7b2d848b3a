"""One function of 300 lines as scripts have them: a flow through a channel with a warm obstacle.

The benchmark of the analysis reads it; a test runs it.
"""

# ruff: noqa: C901, PERF401, PLR0912, PLR0915  # it is long on purpose

from __future__ import annotations

import math

import numpy as np

from .loops import Floats, Integers


def channel_flow(nx: int, ny: int, steps: int, report: list[str]) -> dict[str, float]:
    """Simulate, measure and summarise; `report` gets a line now and then."""
    # ---- settings
    length, height = 2.0, 1.0
    dx = length / (nx - 1)
    dy = height / (ny - 1)
    viscosity = 0.05
    conductivity = 0.08
    density = 1.0
    inflow = 1.0
    buoyancy = 0.3
    dt = 0.1 * min(dx, dy) ** 2 / max(viscosity, conductivity)
    damping = 0.98
    rounds = 12
    report.append(f"grid {nx} x {ny}, dt {dt:.3g}")
    if nx < 4 or ny < 4:
        raise ValueError("the grid is too small")

    # ---- fields
    u: Floats = np.zeros((nx, ny))
    v: Floats = np.zeros((nx, ny))
    un: Floats = np.zeros((nx, ny))
    vn: Floats = np.zeros((nx, ny))
    p: Floats = np.zeros((nx, ny))
    pn: Floats = np.zeros((nx, ny))
    rhs: Floats = np.zeros((nx, ny))
    heat: Floats = np.zeros((nx, ny))
    heatn: Floats = np.zeros((nx, ny))
    solid: Integers = np.zeros((nx, ny), dtype=np.int64)
    speed: Floats = np.zeros((nx, ny))
    vorticity: Floats = np.zeros((nx, ny))
    stream: Floats = np.zeros((nx, ny))
    profile: Floats = np.zeros(ny)
    column: Floats = np.zeros(nx)
    history: Floats = np.zeros((steps, 4))
    histogram: Integers = np.zeros(10, dtype=np.int64)
    smooth: Floats = np.zeros(nx)
    gram: Floats = np.zeros((4, 4))

    # ---- obstacle: a disc in the middle of the channel
    cx = length / 4.0
    cy = height / 2.0
    radius = height / 6.0
    for i in range(nx):
        for j in range(ny):
            x = i * dx
            y = j * dy
            distance = math.sqrt((x - cx) * (x - cx) + (y - cy) * (y - cy))
            if distance < radius:
                solid[i, j] = 1

    # ---- start: a parabola at the inlet, warm walls
    for j in range(ny):
        y = j * dy
        profile[j] = 4.0 * inflow * y * (height - y) / (height * height)
    for i in range(nx):
        for j in range(ny):
            u[i, j] = profile[j]
            v[i, j] = 0.0
            heat[i, j] = 0.1
    for i in range(nx):
        heat[i, 0] = 0.2
        heat[i, ny - 1] = 0.2
    for j in range(ny):
        heat[0, j] = 0.0
    ax = viscosity * dt / (dx * dx)
    ay = viscosity * dt / (dy * dy)
    hx = conductivity * dt / (dx * dx)
    hy = conductivity * dt / (dy * dy)
    report.append(f"numbers {ax:.3g} {ay:.3g} {hx:.3g} {hy:.3g}")

    for step in range(steps):
        # ---- keep the old fields
        for i in range(nx):
            for j in range(ny):
                un[i, j] = u[i, j]
                vn[i, j] = v[i, j]
                heatn[i, j] = heat[i, j]

        # ---- momentum, upwind in the flow's direction
        for i in range(1, nx - 1):
            for j in range(1, ny - 1):
                ddx = un[i, j] * (un[i, j] - un[i - 1, j]) / dx
                ddy = vn[i, j] * (un[i, j] - un[i, j - 1]) / dy
                lap = ax * (un[i + 1, j] - 2.0 * un[i, j] + un[i - 1, j])
                lap = lap + ay * (un[i, j + 1] - 2.0 * un[i, j] + un[i, j - 1])
                u[i, j] = un[i, j] - dt * (ddx + ddy) + lap
        for i in range(1, nx - 1):
            for j in range(1, ny - 1):
                ddx = un[i, j] * (vn[i, j] - vn[i - 1, j]) / dx
                ddy = vn[i, j] * (vn[i, j] - vn[i, j - 1]) / dy
                lap = ax * (vn[i + 1, j] - 2.0 * vn[i, j] + vn[i - 1, j])
                lap = lap + ay * (vn[i, j + 1] - 2.0 * vn[i, j] + vn[i, j - 1])
                lift = buoyancy * (heatn[i, j] - 0.1)
                v[i, j] = vn[i, j] - dt * (ddx + ddy) + lap + dt * lift

        # ---- heat goes with the flow and spreads
        for i in range(1, nx - 1):
            for j in range(1, ny - 1):
                carried = un[i, j] * (heatn[i + 1, j] - heatn[i - 1, j]) / (2.0 * dx)
                carried += vn[i, j] * (heatn[i, j + 1] - heatn[i, j - 1]) / (2.0 * dy)
                spread = hx * (heatn[i + 1, j] - 2.0 * heatn[i, j] + heatn[i - 1, j])
                spread += hy * (heatn[i, j + 1] - 2.0 * heatn[i, j] + heatn[i, j - 1])
                heat[i, j] = heatn[i, j] - dt * carried + spread

        # ---- the obstacle stands still and is warm
        for i in range(nx):
            for j in range(ny):
                if solid[i, j] == 1:
                    u[i, j] = 0.0
                    v[i, j] = 0.0
                    heat[i, j] = 1.0

        # ---- edges: inlet, outlet, walls
        for j in range(ny):
            u[0, j] = profile[j]
            v[0, j] = 0.0
            u[nx - 1, j] = u[nx - 2, j]
            v[nx - 1, j] = v[nx - 2, j]
            heat[nx - 1, j] = heat[nx - 2, j]
        for i in range(nx):
            u[i, 0] = 0.0
            u[i, ny - 1] = 0.0
            v[i, 0] = 0.0
            v[i, ny - 1] = 0.0

        # ---- pressure from the divergence
        for i in range(1, nx - 1):
            for j in range(1, ny - 1):
                div = (u[i + 1, j] - u[i - 1, j]) / (2.0 * dx)
                div = div + (v[i, j + 1] - v[i, j - 1]) / (2.0 * dy)
                rhs[i, j] = density * div / dt
        bx = dy * dy / (2.0 * (dx * dx + dy * dy))
        by = dx * dx / (2.0 * (dx * dx + dy * dy))
        bb = dx * dx * dy * dy / (2.0 * (dx * dx + dy * dy))
        for _ in range(rounds):
            for i in range(nx):
                for j in range(ny):
                    pn[i, j] = p[i, j]
            for i in range(1, nx - 1):
                for j in range(1, ny - 1):
                    across = bx * (pn[i + 1, j] + pn[i - 1, j])
                    along = by * (pn[i, j + 1] + pn[i, j - 1])
                    p[i, j] = across + along - bb * rhs[i, j]
            for j in range(ny):
                p[0, j] = p[1, j]
                p[nx - 1, j] = 0.0
            for i in range(nx):
                p[i, 0] = p[i, 1]
                p[i, ny - 1] = p[i, ny - 2]

        # ---- the flow is freed of its divergence
        for i in range(1, nx - 1):
            for j in range(1, ny - 1):
                gx = (p[i + 1, j] - p[i - 1, j]) / (2.0 * dx)
                gy = (p[i, j + 1] - p[i, j - 1]) / (2.0 * dy)
                u[i, j] = u[i, j] - damping * dt * gx / density
                v[i, j] = v[i, j] - damping * dt * gy / density

        # ---- what the step did
        energy = 0.0
        warmth = 0.0
        fastest = 0.0
        for i in range(nx):
            for j in range(ny):
                energy += 0.5 * (u[i, j] * u[i, j] + v[i, j] * v[i, j])
                warmth += heat[i, j]
        for i in range(nx):
            for j in range(ny):
                fastest = max(fastest, abs(u[i, j]))
        through = 0.0
        for j in range(ny):
            through += u[nx - 1, j] * dy
        history[step, 0] = energy * dx * dy
        history[step, 1] = warmth * dx * dy
        history[step, 2] = fastest
        history[step, 3] = through
        if step % 5 == 0:
            report.append(f"step {step}: energy {energy:.4f}, fastest {fastest:.4f}")

    # ---- speed and vorticity of the last state
    for i in range(nx):
        for j in range(ny):
            speed[i, j] = math.sqrt(u[i, j] * u[i, j] + v[i, j] * v[i, j])
    for i in range(1, nx - 1):
        for j in range(1, ny - 1):
            vorticity[i, j] = (v[i + 1, j] - v[i - 1, j]) / (2.0 * dx) - (
                u[i, j + 1] - u[i, j - 1]
            ) / (2.0 * dy)

    # ---- stream function: the flow summed from the lower wall upwards
    for i in range(nx):
        stream[i, 0] = 0.0
        for j in range(1, ny):
            stream[i, j] = stream[i, j - 1] + 0.5 * (u[i, j] + u[i, j - 1]) * dy

    # ---- means along the channel, smoothed by three
    for i in range(nx):
        total = 0.0
        for j in range(ny):
            total += speed[i, j]
        column[i] = total / ny
    for i in range(nx):
        smooth[i] = column[i]
    for i in range(1, nx - 1):
        smooth[i] = 0.25 * column[i - 1] + 0.5 * column[i] + 0.25 * column[i + 1]

    # ---- every second row and column, mirrored
    half_x = nx // 2
    half_y = ny // 2
    coarse: Floats = np.zeros((half_x, half_y))
    mirror: Floats = np.zeros((half_x, half_y))
    for i in range(half_x):
        for j in range(half_y):
            coarse[i, j] = 0.25 * (
                speed[2 * i, 2 * j]
                + speed[2 * i + 1, 2 * j]
                + speed[2 * i, 2 * j + 1]
                + speed[2 * i + 1, 2 * j + 1]
            )
    for i in range(half_x):
        for j in range(half_y):
            mirror[i, j] = coarse[half_x - 1 - i, half_y - 1 - j]
    asymmetry = 0.0
    for i in range(half_x):
        for j in range(half_y):
            asymmetry += abs(coarse[i, j] - mirror[i, j])

    # ---- how the speeds are distributed
    top = 1e-12
    for i in range(nx):
        for j in range(ny):
            top = max(top, speed[i, j])
    for i in range(nx):
        for j in range(ny):
            k = int(9.999 * speed[i, j] / top)
            histogram[k] += 1

    # ---- how the quantities of the history go together
    mean: Floats = np.zeros(4)
    for k in range(4):
        for step in range(steps):
            mean[k] += history[step, k]
        mean[k] /= steps
    for k in range(4):
        for m in range(k, 4):
            gram[k, m] = 0.0
            for step in range(steps):
                gram[k, m] += (history[step, k] - mean[k]) * (history[step, m] - mean[m])
            gram[m, k] = gram[k, m]

    # ---- the four as far as they do not go together: a triangular factor and a solution
    factor: Floats = np.zeros((4, 4))
    for k in range(4):
        for m in range(k + 1):
            left = gram[k, m]
            for q in range(m):
                left -= factor[k, q] * factor[m, q]
            if k == m:
                factor[k, k] = math.sqrt(max(1e-12, left))
            else:
                factor[k, m] = left / factor[m, m]
    weight: Floats = np.zeros(4)
    for k in range(4):
        weight[k] = mean[k]
        for m in range(k):
            weight[k] -= factor[k, m] * weight[m]
        weight[k] /= factor[k, k]
    for k in range(3, -1, -1):
        for m in range(k + 1, 4):
            weight[k] -= factor[m, k] * weight[m]
        weight[k] /= factor[k, k]

    # ---- the vorticity spread over the plane, in place and in both directions
    for _ in range(rounds):
        for i in range(1, nx - 1):
            for j in range(1, ny - 1):
                beside = vorticity[i - 1, j] + vorticity[i + 1, j]
                above = vorticity[i, j - 1] + vorticity[i, j + 1]
                vorticity[i, j] = 0.5 * vorticity[i, j] + 0.125 * (beside + above)
        for i in range(nx - 2, 0, -1):
            for j in range(ny - 2, 0, -1):
                vorticity[i, j] = 0.8 * vorticity[i, j] + 0.2 * vorticity[i + 1, j]

    # ---- where the wake ends: the first column that flows as before
    wake = nx
    for i in range(nx - 1, half_x, -1):
        if smooth[i] < 0.95 * smooth[0]:
            wake = i
            break
    names = ["energy", "warmth", "fastest", "through"]
    summary = {name: float(mean[k]) for k, name in enumerate(names)}
    summary["asymmetry"] = float(asymmetry) / (half_x * half_y)
    summary["wake"] = float(wake * dx)
    summary["swirl"] = float(np.abs(vorticity).max())
    summary["stream"] = float(stream[nx - 1, ny - 1])
    summary["spread"] = float(gram[0, 0] + gram[1, 1] + gram[2, 2] + gram[3, 3])
    summary["weight"] = float(weight[0] + weight[1] + weight[2] + weight[3])
    for place in range(10):
        report.append(f"{place / 10:.1f} of the top speed: {histogram[place]} cells")
    while report and len(report) > 200:
        report.pop()
    return summary
