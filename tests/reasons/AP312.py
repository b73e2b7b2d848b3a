"""AP312: An array gives subscripts of another array, and is changed in the same nest."""


def bad(y, idx, n):
    for i in range(n):
        y[idx[i]] = 0.0
        idx[i] = i


def good(y, x, idx, n):
    for i in range(n):
        y[i] = x[idx[i]]
