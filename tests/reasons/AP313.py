"""AP313: An array that the loop allocates has extents that the model does not know."""

import numpy as np


def bad(x, out, n):
    for i in range(n):
        row = np.zeros(i)
        for j in range(i):
            row[j] = x[j]
        out[i] = row[0]


def good(x, out, n):
    for i in range(n):
        row = np.zeros(n)
        for j in range(i):
            row[j] = x[j]
        out[i] = row[0]
