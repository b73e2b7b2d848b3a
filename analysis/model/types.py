"""Types of values: NEP 50 keeps Python scalars and NumPy scalars apart, and so do we.

A Python `float` and a `np.float64` hold the same bits but not the same rules: the first is
weak in mixed expressions and raises on division by zero, the second is strong and gives
`inf` with a warning.
"""
# mypy: disable-error-code="explicit-override"
# (typing.override comes with Python 3.12.)

from __future__ import annotations

from typing import Literal, TypeAlias

from autopar.analysis.model.nouns import dataclass

# Python scalars as kernels hold them: an `int` is an int64 whose range is proven or checked.
STORAGE: dict[str, str] = {
    "bool": "bool",
    "int": "int64",
    "float": "float64",
    "complex": "complex128",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonScalar:
    """The type of a Python `bool`, `int`, `float` or `complex`: weak under NEP 50."""

    kind: Literal["bool", "int", "float", "complex"]

    @property
    def dtype(self) -> str:
        """Name of the NumPy dtype that holds such a value in a kernel."""
        return STORAGE[self.kind]

    def __str__(self) -> str:
        return self.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class NumpyScalar:
    """The type of a NumPy scalar, as reading an array element gives it."""

    dtype: str  # "float64", "int8", "bool", "complex128", ...: native byte order

    def __str__(self) -> str:
        return f"np.{self.dtype}"


ScalarType: TypeAlias = PythonScalar | NumpyScalar

BOOL = PythonScalar(kind="bool")
INT = PythonScalar(kind="int")
FLOAT = PythonScalar(kind="float")
COMPLEX = PythonScalar(kind="complex")

# The dtype of a list before anything is known of what is stored in it.
OPEN = "open"

# The dtypes that kernels hold; every other one stays in the interpreter.
COMPILED_DTYPES = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float32", "float64", "complex64", "complex128",
)  # fmt: skip


# Smallest and largest value of every integer dtype.
INTEGER_LIMITS: dict[str, tuple[int, int]] = {
    "bool": (0, 1),
    **{f"int{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": (0, 2**bits - 1) for bits in (8, 16, 32, 64)},
}
FLOAT_DTYPES = ("float32", "float64")
COMPLEX_DTYPES = ("complex64", "complex128")
# Integers of at most this magnitude are exact in a float64.
EXACT_IN_FLOAT64 = 2**53


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayType:
    """What a kernel is specialised for: dtype, rank and memory layout of an array.

    A list of numbers is an array to a kernel. It holds what is stored as it is, and converts
    nothing: `element` is the one type that its elements have. Of a list that is only written the
    stores decide which that is; until they are typed, its dtype is OPEN.
    """

    dtype: str
    rank: int
    layout: Literal["C", "F", "A"]  # C order, Fortran order, any strides
    is_aligned: bool
    is_writeable: bool
    is_list: bool = False
    element: ScalarType | None = None  # None: NumPy's scalar of the dtype, or OPEN

    @property
    def element_type(self) -> ScalarType:
        """The type of an element that is read."""
        return self.element or NumpyScalar(dtype=self.dtype)

    def __str__(self) -> str:
        if self.is_list:
            inner = "?" if self.element is None else str(self.element)
            return "list[" * self.rank + inner + "]" * self.rank
        axes = ",".join(":" * self.rank)
        return f"{self.dtype}[{axes}]{'' if self.layout == 'C' else ' ' + self.layout}"


LiveInType: TypeAlias = ScalarType | ArrayType
