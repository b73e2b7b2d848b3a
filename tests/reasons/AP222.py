"""AP222: Values are computed one by one from objects that no kernel can hold."""


def bad(lines):
    table = {}
    for line in lines:
        table[line] = sorted(line.split(), key=len)
    return table


def good(lengths, n):
    for k in range(n):
        lengths[k] = lengths[k] * 2
