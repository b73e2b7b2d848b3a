"""AP303: A condition that is not affine decides about a loop over rows of which one is used later."""


def bad(a, b, n):
    for i in range(n):
        if a[i] > 0:
            for row in b:
                row[i] = 0.0
    return row


def good(a, b, n):
    for i in range(n):
        if a[i] > 0:
            for row in b:
                row[i] = 0.0
