"""AP209: A `while` loop decides after each iteration whether there is another one."""


def bad(a, n):
    i = 0
    while i < n:
        a[i] = 0.0
        i += 1


def good(a, n):
    for i in range(n):
        a[i] = 0.0
