"""More programs whose parallelism the source does not show: tables, sweeps, filters, recurrences.

None of them is one of PolyBench's; the algorithms are textbook ones, the spelling is our own.
"""

from __future__ import annotations

from ..loops import Floats, Integers


def lcs(x: Integers, y: Integers, table: Integers):
    """Lengths of the longest common subsequences of all prefixes."""
    for i in range(1, table.shape[0]):
        for j in range(1, table.shape[1]):
            if x[i - 1] == y[j - 1]:
                table[i, j] = table[i - 1, j - 1] + 1
            else:
                table[i, j] = max(table[i - 1, j], table[i, j - 1])


def edit_distance(x: Integers, y: Integers, table: Integers):
    """Distances of all prefixes by insertions, deletions and substitutions."""
    for i in range(1, table.shape[0]):
        for j in range(1, table.shape[1]):
            cost = 0 if x[i - 1] == y[j - 1] else 1
            table[i, j] = min(table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + cost)


def smith_waterman(x: Integers, y: Integers, table: Integers, gap: int):
    """Scores of local alignments."""
    for i in range(1, table.shape[0]):
        for j in range(1, table.shape[1]):
            score = 2 if x[i - 1] == y[j - 1] else -1
            best = max(0, table[i - 1, j - 1] + score)
            best = max(best, table[i - 1, j] - gap)
            table[i, j] = max(best, table[i, j - 1] - gap)


def warping(x: Floats, y: Floats, table: Floats):
    """Costs of the cheapest warpings of one series of numbers onto another."""
    for i in range(1, table.shape[0]):
        for j in range(1, table.shape[1]):
            cost = abs(x[i - 1] - y[j - 1])
            table[i, j] = cost + min(table[i - 1, j], table[i, j - 1], table[i - 1, j - 1])


def knapsack(weights: Integers, values: Integers, best: Integers):
    """Best values of all capacities, one row for each number of things."""
    for i in range(1, best.shape[0]):
        for w in range(best.shape[1]):
            best[i, w] = best[i - 1, w]
            if w >= weights[i - 1]:
                best[i, w] = max(best[i, w], best[i - 1, w - weights[i - 1]] + values[i - 1])


def sor(sweeps: int, omega: float, u: Floats, f: Floats):
    """Successive over-relaxation in place."""
    for _ in range(sweeps):
        for i in range(1, u.shape[0] - 1):
            for j in range(1, u.shape[1] - 1):
                mean = 0.25 * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1] - f[i, j])
                u[i, j] = (1.0 - omega) * u[i, j] + omega * mean


def seidel_3d(sweeps: int, u: Floats):
    """Means of six neighbours in space, in place."""
    for _ in range(sweeps):
        for i in range(1, u.shape[0] - 1):
            for j in range(1, u.shape[1] - 1):
                for k in range(1, u.shape[2] - 1):
                    u[i, j, k] = (
                        u[i - 1, j, k] + u[i + 1, j, k] + u[i, j - 1, k]
                        + u[i, j + 1, k] + u[i, j, k - 1] + u[i, j, k + 1]
                    ) / 6.0  # fmt: skip


def many_triangular(L: Floats, B: Floats):
    """Solutions of L X = B in place, L lower triangular, a column for each right side."""
    for j in range(B.shape[1]):
        for i in range(B.shape[0]):
            for k in range(i):
                B[i, j] -= L[i, k] * B[k, j]
            B[i, j] /= L[i, i]


def tridiagonals(a: Floats, b: Floats, c: Floats, d: Floats, x: Floats):
    """Solutions of a batch of tridiagonal systems, one in each row, by Thomas' algorithm."""
    for s in range(a.shape[0]):
        for i in range(1, a.shape[1]):
            w = a[s, i] / b[s, i - 1]
            b[s, i] = b[s, i] - w * c[s, i - 1]
            d[s, i] = d[s, i] - w * d[s, i - 1]
        x[s, a.shape[1] - 1] = d[s, a.shape[1] - 1] / b[s, a.shape[1] - 1]
        for i in range(a.shape[1] - 2, -1, -1):
            x[s, i] = (d[s, i] - c[s, i] * x[s, i + 1]) / b[s, i]


def filters(x: Floats, y: Floats, b0: float, b1: float, a1: float, a2: float):
    """A recursive filter of the second order along each channel, one in each row."""
    for channel in range(x.shape[0]):
        for t in range(2, x.shape[1]):
            y[channel, t] = (
                b0 * x[channel, t] + b1 * x[channel, t - 1]
                - a1 * y[channel, t - 1] - a2 * y[channel, t - 2]
            )  # fmt: skip


def filters_in_time(x: Floats, y: Floats, b0: float, b1: float, a1: float, a2: float):
    """The same with time outside and a channel in each column."""
    for t in range(2, x.shape[0]):
        for channel in range(x.shape[1]):
            y[t, channel] = (
                b0 * x[t, channel] + b1 * x[t - 1, channel]
                - a1 * y[t - 1, channel] - a2 * y[t - 2, channel]
            )  # fmt: skip


def prefix_sums(x: Integers, y: Integers):
    """Running sums of integers."""
    total = 0
    for i in range(x.shape[0]):
        total += x[i]
        y[i] = total


def smoothed(x: Floats, y: Floats, alpha: float):
    """An exponential moving average: a linear recurrence of floats."""
    y[0] = x[0]
    for i in range(1, x.shape[0]):
        y[i] = alpha * x[i] + (1.0 - alpha) * y[i - 1]


def matrix_chain(n: int, sizes: Integers, cost: Integers):
    """Fewest multiplications of all parts of a chain of matrices."""
    for length in range(1, n):
        for i in range(n - length):
            best = cost[i + 1, i + length] + sizes[i] * sizes[i + 1] * sizes[i + length + 1]
            for k in range(i + 1, i + length):
                one = cost[i, k] + cost[k + 1, i + length]
                best = min(best, one + sizes[i] * sizes[k + 1] * sizes[i + length + 1])
            cost[i, i + length] = best
