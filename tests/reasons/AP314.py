"""AP314: An attribute is read of an object that is another one as the loop goes on."""


def bad(particles, out):
    for i, p in enumerate(particles):
        out[i] = p.mass


def good(mass, out):
    for i in range(len(mass)):
        out[i] = mass[i]
