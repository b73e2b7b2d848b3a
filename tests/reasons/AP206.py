"""AP206: An attribute is assigned of an object that has no name."""


def bad(points, a, n):
    for i in range(n):
        points[i].x = a[i]


def good(x, a, n):
    for i in range(n):
        x[i] = a[i]
