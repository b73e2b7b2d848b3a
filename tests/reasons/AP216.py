"""AP216: A variable is called, and which function it holds is known at a call only."""

import math


def bad(f, a, b, n):
    for i in range(n):
        b[i] = f(a[i])


def good(a, b, n):
    for i in range(n):
        b[i] = math.sin(a[i])
