"""AP224: A loop moves a progress bar, turn by turn, around turns that may take long."""

from tqdm import tqdm


def bad(a, n, m):
    for k in tqdm(range(n)):
        for i in range(m):
            a[k, i] = a[k, i] * 0.5 + i


def good(a, n, m):
    for k in range(n):
        for i in range(m):
            a[k, i] = a[k, i] * 0.5 + i
