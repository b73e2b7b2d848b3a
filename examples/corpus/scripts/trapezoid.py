"""Area under a curve."""
import math


def area(a, b, n):
    h = (b - a) / n
    s = 0.5 * (math.sin(a) + math.sin(b))
    for k in range(1, n):
        s += math.sin(a + k * h)
    return s * h


if __name__ == "__main__":
    for n in (10, 100, 1000):
        print(n, area(0.0, math.pi, n))
