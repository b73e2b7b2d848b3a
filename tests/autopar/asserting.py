"""A loop with an `assert`, in a file that pytest does not rewrite."""


def asserted(a, b):
    for i in range(len(a)):
        assert a[i] >= 0, (i, "bad")
        b[i] = 2 * a[i]
    return i
