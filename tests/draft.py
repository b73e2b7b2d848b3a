"""A nest being written: the pieces that the families are made of, chosen as they are needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.program import Choices

VECTORS = ("a", "b", "c")
MATRICES = ("u", "v", "w")

Body = list[str]


@dataclass(slots=True)
class Draft:
    """The text being written for one program: choices, and what was decided for the whole of it."""

    choices: Choices
    dtype: str
    start: int  # where most loops begin: above zero, subscripts with an offset do not wrap
    variables: list[str] = field(default_factory=list)

    def one_of(self, *options: str) -> str:
        """Return one of the texts."""
        return self.choices.one_of(options)

    def chance(self, per: int) -> bool:
        """Return True once in `per`, False as the simplest choice."""
        return self.choices.integer(1, per) == per

    def loop(self, body: Callable[[], Body], *, upper: str = "", plain: bool = False) -> Body:
        """Return a loop around what `body` writes, with the next free variable in it."""
        name = "ijtl"[len(self.variables)]
        header = f"for {name} in {self._range(upper, plain=plain)}:"
        self.variables.append(name)
        lines = indented(body())
        self.variables.pop()
        return [header, *lines]

    def _range(self, upper: str, *, plain: bool) -> str:
        low = str(self.start)
        if plain:
            return f"range({low}, {upper or 'n + 2'})"
        outer = self.variables[-1] if self.variables else ""
        high = upper or self.one_of("n", "n", "n + 1", "m + 4", str(self.start + 4), "n - 1")
        if outer and not upper and self.chance(3):
            return self.one_of(
                f"range({outer}, n + 2)",
                f"range({outer} + 1)",
                f"range({outer} + 1, n + 3)",
                f"range({outer}, -1, -1)",
            )
        match self.choices.integer(1, 9):
            case 6:
                return f"range({low}, {high}, 2)"
            case 7:
                return f"range({high} - 1, {self.start - 1}, -1)"
            case 8:
                return f"range({high}, {self.start}, -2)"
            case 9:
                return f"range({low}, {high} + 4, 3)"
            case _:
                return f"range({low}, {high})" if self.start else f"range({high})"

    def affine(self, name: str) -> str:
        """Return an affine expression that takes another value for each value of `name`."""
        return self.one_of(
            name,
            name,
            f"{name} + {self.choices.integer(1, 3)}",
            f"2 * {name}",
            f"2 * {name} + 1",
            f"n + 9 - {name}",
            f"{name} - {self.choices.integer(1, 2)}",
            f"3 * {name} - 1",
        )

    def some_affine(self) -> str:
        """Return any affine expression of the open loops' variables."""
        names = self.variables or ["2"]
        first, last = names[0], names[-1]
        return self.one_of(self.affine(last), self.affine(first), f"{first} + {last}", "3", "m + 1")

    def read(self, without: str = "") -> str:
        """Return a read of an array other than `without`."""
        vectors = [name for name in VECTORS if name != without]
        matrices = [name for name in MATRICES if name != without]
        if len(self.variables) > 1 and not self.chance(3):
            first, last = self.choices.one_of([(-2, -1), (-1, -2), (-1, -1)])
            name = self.choices.one_of(matrices[1:])
            return f"{name}[{self.affine(self.variables[first])}, {self.variables[last]}]"
        return f"{self.choices.one_of(vectors[1:])}[{self.some_affine()}]"

    def value(self, *terms: str) -> str:
        """Return an expression in which every term stands."""
        text = terms[0]
        for term in terms[1:]:
            text = f"{text} {self._operator()} {term}"
        if self.dtype == "bool":
            return text
        number = "0.5" if self.dtype.startswith(("float", "complex")) else "2"
        return self.one_of(text, text, f"{number} * ({text})", f"{text} + {number}", f"abs({text})")

    def _operator(self) -> str:
        match self.dtype:
            case "bool":
                return self.one_of("|", "&", "^")
            case "uint8":
                return self.one_of("+", "|", "*")
            case _:
                return self.one_of("+", "*", "-")

    def cell(self, array: str) -> str:
        """Return an element of `array`, another one for each iteration of the innermost loop."""
        if array in VECTORS:
            return f"{array}[{self.affine(self.variables[-1])}]"
        outer, inner = self.variables[-2:]
        pair = [self.affine(outer), self.affine(inner)]
        return f"{array}[{', '.join(pair if not self.chance(3) else pair[::-1])}]"

    def element(self, shift: str = "", *, along: int = -1) -> str:
        """Return the element of `a` or `u` at the innermost variables, the one at `along` shifted."""
        names = self.variables[-2:]
        if len(names) == 1:
            return f"a[{names[0]}{shift}]"
        names[along] += shift
        return f"u[{', '.join(names)}]"

    def condition(self) -> str:
        """Return an affine condition on the open loops' variables."""
        last, first = self.variables[-1], self.variables[0]
        other = first if first != last else "m"
        return self.one_of(
            f"{last} < {other}",
            f"{last} > 4",
            f"2 * {last} == {other}",
            f"{last} != {other}",
            f"{last} + {other} >= n",
            f"3 <= {last} < n",
        )


def indented(lines: Body) -> Body:
    """Return `lines` one level deeper."""
    return [f"    {line}" for line in lines]
