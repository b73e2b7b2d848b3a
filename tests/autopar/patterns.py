"""The fifteen patterns of loops that people really write, in this project's words, and their neighbours.

Each function is one pattern of the census that the study was compared with; `test_patterns`
holds what autopar says of each loop today.
"""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np


def damped(y, x, a):
    for k in range(len(y)):
        y[k] = a * math.exp(-x[k])


def bright(im, out, mu, t, s):
    for r in range(im.shape[0]):
        for c in range(im.shape[1]):
            v = im[r, c] - mu
            if v > t:
                out[r, c] = v / s


def escape(re, im, out, limit):
    for r in range(out.shape[0]):
        for c in range(out.shape[1]):
            x = y = 0.0
            n = 0
            while n < limit and x * x + y * y <= 4.0:
                x, y = x * x - y * y + re[c], 2.0 * x * y + im[r]
                n += 1
            out[r, c] = n


def marched(g, new, k, dt, tmax):
    t = 0.0
    while t < tmax:
        for i in range(g.lo, g.hi + 1):
            new[i] = g.u[i] + k * (g.u[i + 1] - 2 * g.u[i] + g.u[i - 1])
        g.u[:] = new[:]
        t += dt
    return t


def swapped(u, v, steps):
    for _ in range(steps):
        for i in range(1, u.shape[0] - 1):
            for j in range(1, u.shape[1] - 1):
                v[i, j] = 0.25 * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1])
        u, v = v, u
    return u


def sliced(u, c, nt):
    for _ in range(nt):
        u[1:-1] = u[1:-1] + c * (u[2:] - 2 * u[1:-1] + u[:-2])


def paths(z, eps, rho, s):
    for t in range(eps.shape[1]):
        z[:, t + 1] = rho * z[:, t] + s * eps[:, t]


def paths_by_row(z, eps, rho, s):
    for t in range(eps.shape[1]):
        for i in range(eps.shape[0]):
            z[i, t + 1] = rho * z[i, t] + s * eps[i, t]


def weighed(xs, ys):
    acc, n = 0.0, 0
    for a, b in zip(xs, ys):  # noqa: B905  # as people write
        acc += a * b
        n += 1
    return acc, n


def spent(prices):
    total = 0.0
    for _name, price in prices.items():
        total += price
    return total


def applied(A, x, b):  # a matrix
    for i in range(len(b)):
        for j in range(len(x)):
            b[i] += A[i][j] * x[j]


def multiplied(a, b, c):
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            for k in range(a.shape[1]):
                c[i, j] += a[i, k] * b[k, j]


def transformed(f, F, grid):  # as transforms are written
    n = len(grid)
    for k in range(len(F)):
        F[k] = np.sum(f * np.exp(-2j * np.pi * k * grid / n))


def best_others(values, row, col, p):
    for k in range(len(p)):
        p[k] = np.max(np.delete(values[row[k]], col[k]))


def swept(states, actions, V, gamma):  # a value function
    def worth(s, a):
        return -((s - a) ** 2) + gamma * V[a % len(V)]

    V2, pol = np.zeros(len(states)), np.zeros(len(states), dtype=int)
    for i, s in enumerate(states):
        vals = [worth(s, a) for a in actions]
        V2[i] = max(vals)
        pol[i] = np.argmax(vals)
    return V2, pol


def evaluated(f, x, y):  # a function passed as an argument
    for i in range(len(x)):
        y[i] = f(x[i])


def paired(x, d):  # neighbours by slices
    for i, (a, b) in enumerate(zip(x[:-1], x[1:])):  # noqa: B905, RUF007  # as people write
        d[i] = b - a


def _halved(v):
    return v / 2 if v % 2 == 0 else None


def kept(items):
    out = []
    for v in items:
        w = _halved(v)
        if w is not None:
            out.append((v, w))
    return out


def squares(n):
    out = []
    for i in range(n):
        out.append(i * i)  # the pattern
    return out


def resampled(x, n, est, seed):
    rng = np.random.default_rng(seed)
    for r in range(len(est)):
        smp = rng.choice(x, n)
        est[r] = smp.mean()


def simulated(grid, steps):
    def simulate(p):
        y = 1.0
        for _ in range(steps):
            y = p * y * (1.0 - y / 2.0)
        return y

    table = {}
    for p in grid:
        table[p] = simulate(p)
    return table


def recurrent(x, w, phi):
    for t in range(1, len(x)):
        x[t] = phi * x[t - 1] + w[t]


def swept_in_place(u, n):
    for i in range(1, n - 1):
        for j in range(1, n - 1):
            u[i, j] = 0.25 * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1])


def fibonacci(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


def converged(v, beta, tol, itmax):
    err, it = tol + 1.0, 0
    while err > tol and it < itmax:
        new = 1.0 + beta * v
        err = np.max(np.abs(new - v))
        v = new
        it += 1
    return v, it


def converged_by_element(v, new, beta, tol, itmax):
    for it in range(itmax):
        err = 0.0
        for i in range(len(v)):
            new[i] = 1.0 + beta * v[i]
            err = max(err, abs(new[i] - v[i]))
        for i in range(len(v)):
            v[i] = new[i]
        if err < tol:
            break
    return it, err


def counted(data, cnt):
    for w in data:
        cnt[w % len(cnt)] += 1


def counted_words(words):
    cnt: dict[str, int] = {}
    for w in words:
        cnt[w] = cnt.get(w, 0) + 1
    return cnt


def best_of(s):
    best, where = -np.inf, -1
    for i in range(len(s)):
        if s[i] > best:
            best, where = s[i], i
    return best, where


def shown(ps):
    for p in ps:
        print(p, math.sqrt(p))  # the pattern


def eliminated(a):
    n = a.shape[0]
    for k in range(n):
        for i in range(k + 1, n):
            a[i, k] /= a[k, k]
            for j in range(k + 1, n):
                a[i, j] -= a[i, k] * a[k, j]


def substituted(u, b, x):
    n = len(b)
    for i in range(n - 1, -1, -1):
        s = b[i]
        for j in range(i + 1, n):
            s -= u[i, j] * x[j]
        x[i] = s / u[i, i]


def normalised(w):
    for j in range(w.shape[1]):
        s = np.sum(w[:, j])
        w[:, j] /= s


def banded(a, n):
    for i in range(1, n - 1):
        a[i, i - 1] = 1.0
        a[i, i] = -2.0
        a[i, i + 1] = 1.0


def coloured(pal):
    for j in range(len(pal) // 3):
        pal[3 * j] = j
        pal[3 * j + 1] = 255 - j
        pal[3 * j + 2] = 128


def scratched(x, out, buf):
    for i in range(out.shape[0]):
        for j in range(len(buf)):
            buf[j] = x[i, j] * 2.0
        for j in range(len(buf)):
            out[i, j] = buf[j] + buf[len(buf) - 1 - j]


def listed(A, B, n):
    for i in range(n):
        for j in range(n):
            A[i][j] = B[i][j] + 1.0


def repeated(x, n):
    for _ in range(n):
        x = x / 2.0 + 1.0
    return x


def ring(n):
    """Return a thing with an array and its bounds, as classes of grids hold them."""
    return SimpleNamespace(u=np.linspace(0.0, 1.0, n) ** 2, lo=1, hi=n - 2)
