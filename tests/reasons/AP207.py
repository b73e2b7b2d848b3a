"""AP207: The function can see or change its own local variables by name."""


def bad(a, n):
    for i in range(n):
        a[i] = i
    print(locals())


def good(a, n):
    for i in range(n):
        a[i] = i
    print({"a": a, "n": n})
