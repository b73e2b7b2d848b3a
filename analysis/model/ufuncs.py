"""NumPy's functions of scalars, by their canonical names.

Maps each to how it is computed: as an operator, exactly in a few instructions, or by NumPy's own
inner loop, whose values no other implementation has to the last bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

# What is computed as an operator of the loop IR is. Sums, differences and products of integers
# wrap without a warning, unlike those of the operators.
OPERATORS: Mapping[str, str] = MappingProxyType(
    {
        "numpy.add": "+", "numpy.subtract": "-", "numpy.multiply": "*", "numpy.divide": "/",
        "numpy.floor_divide": "//", "numpy.remainder": "%",
        "numpy.left_shift": "<<", "numpy.right_shift": ">>",
        "numpy.bitwise_and": "&", "numpy.bitwise_or": "|", "numpy.bitwise_xor": "^",
        "numpy.less": "<", "numpy.less_equal": "<=", "numpy.greater": ">",
        "numpy.greater_equal": ">=", "numpy.equal": "==", "numpy.not_equal": "!=",
        "numpy.negative": "-", "numpy.positive": "+", "numpy.invert": "~",
        "divmod.quotient": "//", "divmod.remainder": "%",
    }
)  # fmt: skip
# The two values of the builtin, where its operands may be NumPy's.
DIVMOD = ("divmod.quotient", "divmod.remainder")
COMPARISONS = frozenset(name for name, operator in OPERATORS.items() if operator[0] in "<>=!") - {
    "numpy.left_shift",
    "numpy.right_shift",
}
# Of truth values: and, or, xor, not.
LOGICAL: Mapping[str, str] = MappingProxyType(
    {"numpy.logical_and": "&", "numpy.logical_or": "|", "numpy.logical_xor": "^"}
)
# Exact, hence the same in every implementation.
EXACT = frozenset(
    (
        "numpy.absolute", "numpy.ceil", "numpy.fabs", "numpy.floor", "numpy.isfinite",
        "numpy.isinf", "numpy.isnan", "numpy.rint", "numpy.sqrt", "numpy.trunc",
        "numpy.maximum", "numpy.minimum",
    )
)  # fmt: skip
# Computed by NumPy's own inner loops, of float32 and float64.
OWN_LOOPS = frozenset(
    f"numpy.{name}"
    for name in (
        "exp", "exp2", "expm1", "log", "log2", "log10",
        "log1p", "sin", "cos", "tan", "arcsin", "arccos",
        "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh",
        "arctanh", "cbrt", "deg2rad", "rad2deg", "degrees", "radians",
        "reciprocal", "sign", "power", "arctan2", "hypot", "logaddexp",
        "logaddexp2", "fmod", "fmax", "fmin", "float_power", "heaviside",
        "nextafter", "copysign",
    )
)  # fmt: skip
# Other names of the same functions: `np.abs` says of itself that it is `absolute`.
ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "numpy.abs": "numpy.absolute", "numpy.mod": "numpy.remainder",
        "numpy.true_divide": "numpy.divide", "numpy.pow": "numpy.power",
        "numpy.acos": "numpy.arccos", "numpy.asin": "numpy.arcsin",
        "numpy.atan": "numpy.arctan", "numpy.atan2": "numpy.arctan2",
        "numpy.acosh": "numpy.arccosh", "numpy.asinh": "numpy.arcsinh",
        "numpy.atanh": "numpy.arctanh", "numpy.bitwise_not": "numpy.invert",
        "numpy.bitwise_invert": "numpy.invert", "numpy.bitwise_left_shift": "numpy.left_shift",
        "numpy.bitwise_right_shift": "numpy.right_shift", "numpy.conj": "numpy.conjugate",
        "numpy.around": "numpy.round", "numpy.double": "numpy.float64",
        "numpy.single": "numpy.float32",
    }
)  # fmt: skip
# Written with other functions: see `passes.type_ufuncs`.
COMPOSED = frozenset(
    (
        "numpy.square", "numpy.logical_not", "numpy.conjugate", "numpy.real", "numpy.clip",
        "numpy.round",
    )
)  # fmt: skip
# A product of complex numbers whose sums are rounded once: see `passes.complex_products`.
FUSED_PRODUCT = "numpy.multiply.fused"
# One of two values of scalars, which are both computed: see `passes.chosen_values`.
WHERE = "numpy.where"
FUNCTIONS = frozenset((*OPERATORS, *LOGICAL, *EXACT, *OWN_LOOPS, *COMPOSED))


def own_name(name: str) -> str:
    """Return the name under which the function called `name` is known here."""
    return ALIASES.get(name, name)


def operator_of(name: str) -> str:
    """Return the operator as which `name` is computed; `name` itself where it is none."""
    return OPERATORS.get(name, name)
