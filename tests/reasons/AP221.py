"""AP221: What is appended to a list has no place by the number of the iteration."""


def bad(out, a, n, m):
    for i in range(n):
        out.append(a[i])
        for j in range(m):
            out.append(a[j])


def good(out, others, a, n, m):
    for i in range(n):
        out.append(a[i])
        for j in range(m):
            others.append(a[j])
