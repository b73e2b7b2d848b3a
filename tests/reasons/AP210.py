"""AP210: A comprehension builds a set, a dictionary or a generator, or stands inside a loop."""


def bad(a, n):
    return {a[i] * a[i] for i in range(n)}


def good(a, n):
    return [a[i] * a[i] for i in range(n)]
