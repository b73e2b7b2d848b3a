"""AP206: An attribute of an object is assigned inside the loop."""


def bad(self, a, n):
    for i in range(n):
        self.last = a[i]


def good(self, a, b, n):
    for i in range(n):
        b[i] = a[i]
    self.last = b[n - 1]
