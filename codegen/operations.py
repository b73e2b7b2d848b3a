"""Print one operation on operands that are already text.

Before:  "+" of int8, may wrap, on "x" and "y"
After:   t0 = np.int64(x) + np.int64(y); status |= range_status(t0, -128, 127, 16)
         np.int8(t0)

Values depend on the operation and its dtypes alone, the status on its hazards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from autopar.analysis.model.typed import (
    DOMAIN_ERROR,
    FAILURES,
    FLOAT_WARNING,
    INTEGER_WARNING,
    WRAPS,
    ZERO_DIVISION,
    Number,
    Operation,
)
from autopar.analysis.model.types import FLOAT_DTYPES, INTEGER_LIMITS
from autopar.analysis.model.ufuncs import FUSED_PRODUCT, OWN_LOOPS, operator_of

from .device_functions import device_text
from .float_status import status_call
from .numpy_loops import PREFIX, TOLD
from .printing import Lines, bare, cast_text, operand

CHECKED = FAILURES | INTEGER_WARNING  # FLOAT_WARNING is read off the processor's flags

_HELPERS = {"+": "add", "-": "sub", "*": "mul", "//": "floordiv", "%": "mod"}
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
# Comparisons of an int64 with a uint64; a uint64 on the left is flipped first.
_MIXED = {
    "<": ("less_mixed", False),
    "<=": ("less_equal_mixed", False),
    ">": ("less_equal_mixed", True),
    ">=": ("less_mixed", True),
    "==": ("equal_mixed", False),
    "!=": ("equal_mixed", True),
}
_OF_BOOLS = {"+": "|", "*": "&"}  # what NumPy makes of them for its bools
_TESTS = ("isfinite", "isinf", "isnan")
_ROUNDING = ("floor", "ceil", "trunc", "rint")
_ABSOLUTE = ("abs", "fabs", "absolute")
_INLINE = ("sqrt", "copysign", *_TESTS)
# libdevice never contracts these into a fused multiply-add; it has no dsub_rn.
_DEVICE: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("+", "float64"): "dadd_rn",
        ("-", "float64"): "dadd_rn",
        ("*", "float64"): "dmul_rn",
        ("+", "float32"): "fadd_rn",
        ("-", "float32"): "fsub_rn",
        ("*", "float32"): "fmul_rn",
    }
)


def operation_text(lines: Lines, operation: Operation, sources: tuple[str, ...]) -> str:
    """Return the text of `operation`; what must run before it is appended to `lines`."""
    if not (lines.tells_warnings and operation.hazards & FLOAT_WARNING):
        return _plain(lines, operation, sources)
    named = tuple(
        source if isinstance(each, Number) else lines.temporary(source)
        for each, source in zip(operation.operands, sources, strict=True)
    )
    value = lines.temporary(_plain(lines, operation, named))
    if has_own_loop(operation):
        lines.note(_own_loop(operation, TOLD), *named)
    else:
        told_by = status_call(operation.name, operation.operands[0].type.dtype)
        lines.note_warning(told_by, *named, value=value, dtype=operation.type.dtype)
    return value


def has_own_loop(operation: Operation) -> bool:
    """Return whether NumPy's inner loop is called; a power of integers is products."""
    is_power = operation.name == "numpy.power" and operation.type.dtype in INTEGER_LIMITS
    return operation.name in OWN_LOOPS and not is_power


def _own_loop(operation: Operation, prefix: str) -> str:
    return f"{prefix}{operation.name.removeprefix('numpy.')}_{operation.type.dtype}"


def _plain(lines: Lines, operation: Operation, sources: tuple[str, ...]) -> str:
    if has_own_loop(operation):
        if lines.is_cuda:
            return device_text(operation, sources)
        return lines.helper(_own_loop(operation, PREFIX), *sources)
    name = operator_of(operation.name)
    operation = replace(operation, name=name)
    dtypes = tuple(each.type.dtype for each in operation.operands)
    if name == "numpy.clip":
        return lines.helper("clip", *sources)
    if name == "not":
        return (
            f"(not {operand(sources[0])})"
            if dtypes == ("bool",)
            else f"({operand(sources[0])} == 0)"
        )
    if name in _FLIPPED:
        return _comparison(lines, name, dtypes, sources)
    if name in ("min", "max", "numpy.minimum", "numpy.maximum"):
        return _extremum(lines, name, dtypes[0], sources)
    if name == "complex":
        return f"complex({', '.join(bare(source) for source in sources)})"
    if dtypes[0] in FLOAT_DTYPES:
        return _float_operation(lines, operation, sources)
    if dtypes[0] == "bool":
        return _of_bools(name, sources)
    if dtypes[0] in INTEGER_LIMITS:
        return _integer_operation(lines, operation, sources)
    return _complex_operation(lines, operation, sources)


def connected(name: str, sources: Sequence[str]) -> str:
    """Return `and` or `or` of some truth values."""
    if len(sources) == 1:
        return sources[0]
    return f"({f' {name} '.join(operand(source) for source in sources)})"


def _infix(name: str, sources: tuple[str, ...]) -> str:
    if len(sources) == 1:
        return f"({name}{operand(sources[0])})"
    return f"({f' {name} '.join(operand(source) for source in sources)})"


def _comparison(lines: Lines, name: str, dtypes: tuple[str, ...], sources: tuple[str, ...]) -> str:
    if dtypes == ("uint64", "int64"):
        name, sources = _FLIPPED[name], (sources[1], sources[0])
    elif dtypes != ("int64", "uint64"):
        if dtypes[0] == "bool":  # as numbers
            sources = tuple(f"np.int64({bare(source)})" for source in sources)
        return _infix(name, sources)
    helper, is_negated = _MIXED[name]
    call = lines.helper(helper, *sources)
    return f"(not {call})" if is_negated else call


def _extremum(lines: Lines, name: str, dtype: str, sources: tuple[str, ...]) -> str:
    if name.startswith("numpy.") and dtype in FLOAT_DTYPES:
        return lines.helper(name.removeprefix("numpy."), *sources)
    helper = "least" if "min" in name else "greatest"
    result = sources[0]
    for source in sources[1:]:
        result = lines.helper(helper, result, source)
    return result


def _of_bools(name: str, sources: tuple[str, ...]) -> str:
    if name == "~":
        return f"(not {operand(sources[0])})"
    if len(sources) == 1:  # abs
        return sources[0]
    return _infix(_OF_BOOLS.get(name, name), sources)


# ------------------------------------------------------------------------------- integers


def _integer_operation(lines: Lines, operation: Operation, sources: tuple[str, ...]) -> str:
    """Compute in int64 or uint64, then wrap to the dtype."""
    dtype, name = operation.type.dtype, operation.name.removeprefix("numpy.")
    name = "**" if name == "power" else name
    status = operation.hazards & CHECKED
    if operation.hazards & WRAPS:
        return _wrapping(name, sources)
    if dtype == "uint64":
        return _uint64(lines, name, sources, status)
    if dtype == "uint32" and name == "*":  # a product of two needs all 64 bits
        product = _infix("*", tuple(f"np.uint64({bare(source)})" for source in sources))
        if not status:
            return f"np.uint32({bare(product)})"
        value = lines.temporary(product)
        lines.note("range_status", value, "np.uint64(0)", f"np.uint64({2**32 - 1})", status)
        return f"np.uint32({value})"
    wide = tuple(cast_text(source, dtype, "int64") for source in sources)
    if dtype == "int64":
        return _int64(lines, name, wide, status, 64)
    width = int(dtype.removeprefix("u").removeprefix("int"))
    if not status or name not in ("+", "-", "*", "//", "abs"):
        return f"np.{dtype}({bare(_int64(lines, name, wide, status, width))})"
    by_zero = status if name == "//" else 0
    value = lines.temporary(_int64(lines, name, wide, by_zero, width))
    lines.note("range_status", value, *INTEGER_LIMITS[dtype], status)
    return f"np.{dtype}({value})"


def _wrapping(name: str, sources: tuple[str, ...]) -> str:
    """Compute in int64: LLVM is told that signed numbers do not wrap, unsigned ones may."""
    first, *others = map(_unsigned, sources)
    pair = (first, *others) if others else ("np.uint64(0)", first)
    return f"{_SIGNED}({bare(_infix(name, pair))})"


_SIGNED = "np.int64"


def _unsigned(source: str) -> str:
    inner = bare(source).removeprefix(_SIGNED)
    is_ours = inner.startswith("(np.uint64(") and bare(inner) != inner
    return inner if is_ours else f"np.uint64({bare(source)})"


def _int64(lines: Lines, name: str, sources: tuple[str, ...], status: int, width: int) -> str:
    if len(sources) == 1:
        return _int64_unary(lines, name, sources[0], status)
    match name:
        case "+" | "-" | "*" | "//" | "%" if status:
            return lines.checked(f"{_HELPERS[name]}_int64", *sources, status)
        case "<<" if status:
            return lines.checked("shl_int64", *sources, status)
        case "<<":
            return lines.helper("shift_left_int64", *sources, width)
        case ">>":
            x, count = sources[0], lines.temporary(sources[1]) if status else sources[1]
            if status:
                lines.note("range_status", count, 0, 2**63 - 1, status)
            return lines.helper("shift_right_int64", x, count, width)
        case "**":
            base, exponent = sources[0], lines.temporary(sources[1]) if status else sources[1]
            if status:
                lines.note("range_status", exponent, 0, 2**63 - 1, status)
            return lines.helper("power_int64", base, exponent)
        case _:
            return _infix(name, sources)


def _int64_unary(lines: Lines, name: str, source: str, status: int) -> str:
    match name:
        case "abs" | "absolute":
            if status:
                return lines.checked("abs_int64", source, status)
            return f"abs({bare(source)})"
        case "-" if status:
            return lines.checked("sub_int64", "0", source, status)
        case _:
            return _infix(name, (source,))


def _uint64(lines: Lines, name: str, sources: tuple[str, ...], status: int) -> str:
    match name:
        case "abs" | "absolute":
            return sources[0]
        case "-" if len(sources) == 1:
            return _uint64(lines, "-", ("np.uint64(0)", sources[0]), status)
        case "+" | "-" | "*" | "//" | "%" if status:
            return lines.checked(f"{_HELPERS[name]}_uint64", *sources, status)
        case "<<":
            return lines.helper("shift_left_uint64", *sources)
        case ">>":
            return lines.helper("shift_right_uint64", *sources)
        case "**":
            return lines.helper("power_uint64", *sources)
        case _:
            return _infix(name, sources)


# --------------------------------------------------------------------------------- floats


def _float_operation(lines: Lines, operation: Operation, sources: tuple[str, ...]) -> str:
    name, dtype = operation.name, operation.operands[0].type.dtype
    function = name.partition(".")[2] or name
    if function in _ABSOLUTE:
        return f"abs({bare(sources[0])})"
    if name in ("math.floor", "math.ceil", "math.trunc") or function in _ROUNDING:
        return _rounding(lines, function, dtype, sources[0])
    if function in _TESTS or function == "copysign":
        return f"math.{function}({', '.join(bare(source) for source in sources)})"
    if function == "sqrt" or "." in name or name == "**":
        return _with_domain(lines, operation, sources)
    if len(sources) == 1:
        return _infix(name, sources)
    if name in ("/", "//", "%") and operation.hazards & ZERO_DIVISION:
        divisor = lines.temporary(sources[1])
        sources = (sources[0], divisor)
        zero = "0.0" if dtype == "float64" else f"np.{dtype}(0.0)"
        lines.lines.append(f"status |= {ZERO_DIVISION} if {divisor} == {zero} else 0")
    if name in ("//", "%"):
        return lines.helper(f"{_HELPERS[name]}_{dtype}", *sources)
    return _arithmetic(lines, name, dtype, sources)


def _complex_operation(lines: Lines, operation: Operation, sources: tuple[str, ...]) -> str:
    name = operation.name
    if name in ("real", "imag"):
        return f"{operand(sources[0])}.{name}"
    if name == "conjugate":
        return f"{operand(sources[0])}.conjugate()"
    if name == FUSED_PRODUCT:
        return lines.helper("fused_product", *sources)
    if name != "abs":
        return _infix(name, sources)
    value = lines.temporary(sources[0])
    parts = (f"{value}.real", f"{value}.imag")
    if lines.is_cuda:
        length = f"math.hypot({', '.join(parts)})"
    else:
        suffix = "f" if operation.type.dtype == "float32" else ""
        length = lines.helper(f"libm_hypot{suffix}", *parts)
    status = operation.hazards & DOMAIN_ERROR
    if status:
        length = lines.temporary(length)
        lines.note("domain_status_of_two", *parts, length, status)
    return length


def _arithmetic(lines: Lines, name: str, dtype: str, sources: tuple[str, ...]) -> str:
    if not lines.is_cuda or lines.is_fast or (name, dtype) not in _DEVICE:
        return _infix(name, sources)
    left, right = sources
    if (name, dtype) == ("-", "float64"):
        right = f"-{operand(right)}"
    return lines.device_call(_DEVICE[name, dtype], left, right)


def _rounding(lines: Lines, function: str, dtype: str, source: str) -> str:
    if not lines.is_cuda:
        return f"np.{function}({bare(source)})"
    return lines.device_call(function if dtype == "float64" else f"{function}f", source)


def _with_domain(lines: Lines, operation: Operation, sources: tuple[str, ...]) -> str:
    """Return a function's value; where Python would raise, compare it with the arguments."""
    status = operation.hazards & DOMAIN_ERROR
    if status:
        sources = tuple(lines.temporary(source) for source in sources)
    value = _function(lines, operation, sources)
    if status:
        value = lines.temporary(value)
        helper = "domain_status" if len(sources) == 1 else "domain_status_of_two"
        lines.note(helper, *sources, value, status)
    return value


def _function(lines: Lines, operation: Operation, sources: tuple[str, ...]) -> str:
    name, dtype = operation.name, operation.operands[0].type.dtype
    function = "pow" if name == "**" else name.partition(".")[2]
    if function == "sqrt":
        return f"math.sqrt({bare(sources[0])})"
    if not lines.is_cuda:
        suffix = "f" if dtype == "float32" else ""
        return lines.helper(f"libm_{function}{suffix}", *sources)
    exponent = operation.operands[-1]
    if name == "**" and isinstance(exponent, Number) and exponent.value == 2:
        base = lines.temporary(sources[0])
        return _arithmetic(lines, "*", dtype, (base, base))
    return f"math.{function}({', '.join(bare(source) for source in sources)})"
