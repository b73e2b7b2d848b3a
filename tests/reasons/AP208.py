"""AP208: An expression of a kind that is not modelled."""


def bad(names, n):
    for i in range(n):
        names[i] = f"point {i}"


def good(numbers, n):
    for i in range(n):
        numbers[i] = i
