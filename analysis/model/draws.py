"""Random numbers that a loop draws: which calls may be such, and where they stand.

`rng.normal(mu, s)`, `np.random.rand(3)`, `random.random()`: by the name of the method and the
number of its arguments. What it is called on is looked at when a call of the function is there.
"""

from __future__ import annotations

from autopar.analysis.model.nouns import dataclass

from .loop_ir import Draw, For

# Methods of NumPy's and Python's generators that draw one number, and how many arguments they
# take at most before `size`.
METHODS = {
    "random": 0, "random_sample": 0, "rand": 0, "randn": 0, "standard_normal": 0,
    "standard_exponential": 0, "exponential": 1, "poisson": 1, "chisquare": 1, "geometric": 1,
    "weibull": 1, "rayleigh": 1, "expovariate": 1, "normal": 2, "uniform": 2, "integers": 2,
    "randint": 2, "randrange": 2, "gamma": 2, "beta": 2, "binomial": 2, "lognormal": 2,
    "laplace": 2, "logistic": 2, "gauss": 2, "normalvariate": 2, "betavariate": 2,
    "triangular": 3, "choice": 1,
}  # fmt: skip
# What these mean is not the argument of a distribution.
OTHER_KEYWORDS = frozenset(("out", "dtype", "axis", "shuffle", "method"))
# Of elements of what they are given, which may be an array or a list.
CHOOSING = frozenset(("choice",))
# Behind the name of a list of arrays: the one of this iteration, once it was drawn.
ROW = "_row"
# Begins the names of the lists that stand for what is drawn.
DRAWN = "autopar_drawn_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draws:
    """All that a nest draws: each place once in each iteration of the same loops."""

    draws: tuple[Draw, ...]  # in the order in which an iteration draws
    loops: tuple[For, ...]  # outermost first, without their bodies

    def rank(self, draw: Draw) -> int:
        """Return how many axes the list has that stands for what is drawn at a place."""
        return len(self.loops) + (draw.size is not None)
