"""AP311: An array that the loop allocates is seen outside the block that allocates it."""

import numpy as np


def bad(x, out, n, m):
    for i in range(n):
        if x[i] > 0.0:
            row = np.zeros(m)
            row[0] = x[i]
    out[0] = row[0]


def good(x, out, n, m):
    for i in range(n):
        row = np.zeros(m)
        row[0] = x[i]
        out[i] = row[0]
