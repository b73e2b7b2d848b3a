"""Generated CPU modules run by the interpreter, each operation with the types that Numba would give it.

    Before:  a[np.uintp(i)] = np.float32(b[i] * 0.5)
    After:   store(a, i, float32(multiply(b[i], 0.5)))      multiply: what Numba resolves for these two types

No compiler runs, so a program takes a third of the time. What C leaves undefined is an error here: tests of signed
numbers that outgrew 64 bits, subscripts outside an array, shifts by more than a number has, division of integers by zero;
arrays that a kernel makes begin as rubbish. What LLVM makes of a kernel is not tried this way, and calls of NumPy's
loops for whole rows cannot be read (`Unreadable`).

Numbers of int64 are Python's here, all others NumPy scalars; Numba's typing is asked, not written down again.
"""

from __future__ import annotations

import ast
import builtins
import cmath
import ctypes
import inspect
import math
import operator
from collections.abc import Callable, Mapping
from functools import cache
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from numba.core import types
from numba.core.registry import cpu_target

from autopar.analysis.model.typed import FLOAT_DIVIDE, FLOAT_INVALID, FLOAT_OVERFLOW
from autopar.codegen import float_status, libm, scalars
from autopar.codegen.compile import execute
from autopar.codegen.host_part import host_part, stands_alone
from tests.codegen.plain import replaced_modules

_BITS = {
    "divide by zero": FLOAT_DIVIDE,
    "invalid value": FLOAT_INVALID,
    "overflow": FLOAT_OVERFLOW,
}
_RUBBISH = b"\xa5"
_LEAST, _MOST = -(2**63), 2**63 - 1
_WHOLE_ROWS = ("strip_", "toldstrip_", "numpyrow_", "toldrow_")

_BINARY = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.LShift: operator.lshift,
    ast.RShift: operator.rshift, ast.BitAnd: operator.and_, ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
}  # fmt: skip
_COMPARED = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip
_UNARY = {ast.USub: operator.neg, ast.Invert: operator.invert}
_OPERATIONS: dict[str, Any] = {
    each.__name__: each for table in (_BINARY, _COMPARED, _UNARY) for each in table.values()
}


class Unreadable(Exception):
    """A module that calls what only compiled code can call."""


class Undefined(Exception):
    """An operation of a kernel that C leaves undefined."""


class Outgrown(int):
    """A signed number that outgrew its bits: partial sums may, and are thrown away then; nothing may depend on it."""


# ---------------------------------------------------------------------------------- operations


def _numba_type(kind: type) -> Any:
    own = {int: types.int64, float: types.float64, complex: types.complex128}
    if kind in own:
        return own[kind]
    if kind in (bool, np.bool_):
        return types.boolean
    return getattr(types, np.dtype(kind).name)


@cache
def _signature(function: Any, kinds: tuple[type, ...]) -> Any:
    """Return what Numba resolves for a function of operands of these types."""
    context = cpu_target.typing_context
    context.refresh()
    found = context.resolve_function_type(function, tuple(map(_numba_type, kinds)), {})
    if found is None:
        raise Undefined(f"Numba has no {function} of {kinds}")
    return found


@cache
def converter(kind: Any) -> Callable[[Any], Any]:
    """Return what makes a number of one of Numba's types of any other: C's conversion."""
    if kind is types.boolean:
        return bool
    dtype = np.dtype(str(kind))
    if dtype.kind in "iu":
        bits, is_signed = 8 * dtype.itemsize, dtype.kind == "i"
        wide = dtype == np.int64

        def to_integer(value: Any) -> Any:
            if isinstance(value, float | np.floating):
                value = np.asarray(value).astype(np.uint64 if value >= 2.0**63 else np.int64)
            found = int(value) & (2**bits - 1)
            if is_signed and found >> (bits - 1):
                found -= 2**bits
            return found if wide else dtype.type(found)

        return to_integer

    def to_float(value: Any) -> Any:
        # An integer is rounded once, not through a double.
        return np.asarray(value).astype(dtype)[()]

    return to_float


@cache
def _made(name: str, kinds: tuple[type, ...]) -> Callable[..., Any]:
    """Return one operation for operands of these types."""
    function = _OPERATIONS[name]
    found = _signature(function, kinds)
    into = tuple(map(converter, found.args))
    result = found.return_type
    if result is types.boolean and function in _COMPARED.values():
        # Of integers of all widths and signs Numba compares the values.
        if all(isinstance(each, types.Integer) for each in found.args):
            return lambda *values: function(*map(int, values))
        return lambda *values: bool(function(*(to(e) for to, e in zip(into, values, strict=True))))
    if isinstance(result, types.Integer):
        return _of_integers(function, into, result)
    outof = converter(result)
    return lambda *values: outof(function(*(to(e) for to, e in zip(into, values, strict=True))))


def _of_integers(
    function: Any, into: tuple[Callable[[Any], Any], ...], result: Any
) -> Callable[..., Any]:
    outof = converter(result)
    is_signed = result.signed
    bits = result.bitwidth
    # Numba tells LLVM that these do not wrap; a negation may.
    has_to_fit = is_signed and function in (operator.add, operator.sub, operator.mul)

    def compute(*values: Any) -> Any:
        numbers = [int(to(each)) for to, each in zip(into, values, strict=True)]
        if function in (operator.lshift, operator.rshift) and not 0 <= numbers[1] < bits:
            raise Undefined(f"{numbers[0]} shifted by {numbers[1]}")
        if function in (operator.floordiv, operator.mod) and numbers[1] == 0:
            raise Undefined(f"{numbers[0]} by 0")
        value = function(*numbers)
        if function is operator.neg:  # ahead of the conversion to more bits
            return outof(into[0](value))
        if has_to_fit and not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
            return Outgrown(outof(value))
        return outof(value)

    return compute


def _operation(name: str) -> Callable[..., Any]:
    function = _OPERATIONS[name]
    is_quick = name in ("add", "sub", "mul", "lt", "le", "gt", "ge", "eq", "ne")

    def operate(*values: Any) -> Any:
        kinds = tuple(map(type, values))
        if is_quick and kinds == (int, int):
            found = function(*values)
            if _LEAST <= found <= _MOST:
                return found
        if is_quick and kinds == (np.float64, np.float64):
            return function(*values)
        if Outgrown in kinds:
            return _of_outgrown(name, values)
        return _made(name, kinds)(*values)

    return operate


def _of_outgrown(name: str, values: tuple[Any, ...]) -> Any:
    """Return what comes of a number that outgrew its bits: another one, or an error where it decides."""
    plain = tuple(int(each) if type(each) is Outgrown else each for each in values)
    if _OPERATIONS[name] in _COMPARED.values():
        raise Undefined(f"{name} of {plain}, which outgrew int64")
    found = _made(name, tuple(map(type, plain)))(*plain)
    return Outgrown(found) if isinstance(found, int) else found


# ------------------------------------------------------------------------ arrays, names, calls


def _store(array: Any, index: Any, value: Any) -> None:
    array[index] = converter(
        types.boolean if array.dtype == bool else getattr(types, array.dtype.name)
    )(value)


def _unsigned_place(value: Any) -> int:
    """Return a subscript that is not counted from the end: a negative one is no subscript."""
    number = int(value)
    return number if number >= 0 else _MOST  # no array has as many


def _empty(shape: Any, dtype: Any) -> Any:
    kind = np.dtype(dtype.kind if isinstance(dtype, _Cast) else dtype)
    return np.full(shape, np.frombuffer(_RUBBISH * kind.itemsize, kind)[0], kind)


class _Cast:
    """`np.float32` and its like: a conversion, and the name of a type."""

    def __init__(self, kind: Any) -> None:
        self.kind = str(kind)
        self._convert = converter(kind)

    def __call__(self, value: Any) -> Any:
        return self._convert(value)


def _absolute(value: Any) -> Any:
    if isinstance(value, int):
        return value if value == _LEAST else abs(value)  # which has none
    with np.errstate(over="ignore"):  # of the least of few bits: it stays
        return abs(value)


def _floating(value: Any) -> Any:
    return value if isinstance(value, np.floating) else np.float64(value)


def _rounded(ufunc: Any) -> Callable[[Any], Any]:
    return lambda value: ufunc(_floating(value))


_CASTS = {
    name: _Cast(getattr(types, name))
    for name in (
        "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64",
        "complex64", "complex128",
    )
}  # fmt: skip
_NUMPY = SimpleNamespace(
    **_CASTS, uintp=_unsigned_place, bool_=_Cast(types.boolean), empty=_empty, nan=np.nan, inf=np.inf,
    **{name: _rounded(getattr(np, name)) for name in ("floor", "ceil", "trunc", "rint")},
)  # fmt: skip
_MATH = SimpleNamespace(
    inf=math.inf,
    nan=math.nan,
    isnan=lambda x: bool(np.isnan(_floating(x))),
    isinf=lambda x: bool(np.isinf(_floating(x))),
    isfinite=lambda x: bool(np.isfinite(_floating(x))),
    copysign=lambda x, y: np.copysign(_floating(x), _floating(y)),
    sqrt=lambda x: np.sqrt(_floating(x)),
    fmod=lambda x, y: np.fmod(_floating(x), _floating(y)),
)


def _complex(real: Any, imag: Any = 0.0) -> Any:
    single = isinstance(real, np.float32) and isinstance(imag, np.float32)
    return (np.complex64 if single else np.complex128)(complex(real, imag))


_BUILTINS = {
    **vars(builtins),
    "abs": _absolute,
    "float": _CASTS["float64"],
    "int": _CASTS["int64"],
    "complex": _complex,
}
_HOOKS: dict[str, Any] = {
    **{f"__{name}__": _operation(name) for name in _OPERATIONS},
    "__store__": _store,
}


class _Typed(ast.NodeTransformer):
    """Puts calls of operations in the place of operators."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        return _called(_BINARY[type(node.op)].__name__, node.left, node.right)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.op, ast.Not):
            return node
        if isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
            return node
        return _called(_UNARY[type(node.op)].__name__, node.operand)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        if type(node.ops[0]) not in _COMPARED:
            return node
        sides = [node.left, *node.comparators]
        tests: list[ast.expr] = [
            _called(_COMPARED[type(op)].__name__, left, right)
            for op, left, right in zip(node.ops, sides, sides[1:], strict=False)
        ]
        return tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:
        self.generic_visit(node)
        name = _BINARY[type(node.op)].__name__
        if isinstance(node.target, ast.Subscript):
            raise Unreadable("an element that is updated")
        assert isinstance(node.target, ast.Name)
        if node.target.id == "status":
            return node
        old = ast.Name(node.target.id, ast.Load())
        return ast.Assign([node.target], _called(name, old, node.value))

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        self.generic_visit(node)
        target = node.targets[0]
        if not isinstance(target, ast.Subscript):
            return node
        index = target.slice
        return ast.Expr(_called("store", target.value, index, node.value))

    def visit_arguments(self, node: ast.arguments) -> ast.arguments:
        return node  # annotations among them


def _called(name: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(ast.Name(f"__{name}__", ast.Load()), [*arguments], [])


def _typed(source: str) -> ast.Module:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
    return ast.fix_missing_locations(_Typed().visit(tree))


# ------------------------------------------------------------------------------------- helpers


@cache
def _own_functions() -> Mapping[str, Any]:
    """Return the functions of `codegen.scalars` and `codegen.float_status`, typed."""
    scope: dict[str, Any] = {**_HOOKS, "np": _NUMPY, "math": _MATH, "__builtins__": _BUILTINS}
    for module in (scalars, float_status):
        for name, value in vars(module).items():
            if isinstance(value, int | float) and not name.startswith("__"):
                scope[name] = value
        functions = [each for each in ast.parse(inspect.getsource(module)).body if _is_wanted(each)]
        text = "\n".join(["from __future__ import annotations", *map(ast.unparse, functions)])
        exec(compile(_typed(text), f"<typed {module.__name__}>", "exec", dont_inherit=True), scope)
    for dtype in ("float64", "float32"):
        for made in scope["_float_helpers"](dtype, _CASTS[dtype], _MATH.fmod):
            scope[made.__name__] = made
    return scope


def _is_wanted(node: ast.stmt) -> bool:
    known = {each.__name__ for each in (*scalars.HELPERS, *float_status.FLOAT_STATUS)}
    return isinstance(node, ast.FunctionDef) and node.name in known | {"_float_helpers"}


def _helper(name: str) -> Any:
    if name.startswith(_WHOLE_ROWS):
        raise Unreadable(name)
    if name.startswith("libm_"):
        return _of_libm(name.removeprefix("libm_"))
    if name.startswith(("numpy_", "told_")):
        prefix, _, rest = name.partition("_")
        ufunc, _, dtype = rest.rpartition("_")
        return _ufunc(getattr(np, ufunc), np.dtype(dtype).type, is_told=prefix == "told")
    return _own_functions()[name]


def _of_libm(name: str) -> Callable[..., Any]:
    dtype, count = libm.FUNCTIONS[name]
    number = ctypes.c_float if dtype == "float32" else ctypes.c_double
    function = getattr(ctypes.CDLL(None), name)
    function.argtypes, function.restype = [number] * count, number

    def call(*values: Any) -> Any:
        value = np.dtype(dtype).type(function(*map(float, values)))
        if not cmath.isfinite(value) and all(map(cmath.isfinite, values)):
            # What the processor's flags would tell.
            _noted("invalid value" if math.isnan(value) else "overflow", 0)
        return value

    return call


def _ufunc(ufunc: Any, number: Any, *, is_told: bool) -> Callable[..., Any]:
    def call(*values: Any) -> Any:
        return ufunc(*map(number, values))

    def tell(*values: Any) -> int:
        return _with_flags(lambda: call(*values))[1]

    return tell if is_told else call


# ---------------------------------------------------------------------------- flags, and kernels

_raised: list[int] = [0]


def _noted(kind: str, _flag: int) -> None:
    _raised[-1] |= _BITS.get(kind, 0)


def _with_flags(run: Callable[[], Any]) -> tuple[Any, int]:
    """Return what `run` gives, and what the processor's flags would tell of it."""
    _raised.append(0)
    try:
        with np.errstate(divide="call", over="call", invalid="call", under="ignore", call=_noted):
            return run(), _raised[-1]
    finally:
        _raised.pop()


def _passed(value: Any) -> Any:
    if isinstance(value, np.ndarray | bool | int):
        return value
    return np.complex128(value) if isinstance(value, complex) else np.float64(value)


def _left(value: Any) -> Any:
    if type(value) is Outgrown:
        return int(value)
    return value.item() if isinstance(value, np.generic) else value


def _kernel(function: Callable[..., Any], *, is_watched: bool) -> Callable[..., Any]:
    def run(*arguments: Any) -> tuple[Any, ...]:
        outcome, bits = _with_flags(lambda: function(*map(_passed, arguments)))
        status, *values = outcome
        return (int(status) | bits if is_watched else int(status), *map(_left, values))

    run.__name__ = function.__name__
    run.function = function  # type: ignore[attr-defined]
    return run


def _njit(function: Any = None, **_options: object) -> Any:
    return _njit if function is None else _kernel(function, is_watched=False)


def _replaced() -> dict[str, ModuleType]:
    found = {**replaced_modules()}
    for name, contents in (
        ("numba", {"njit": _njit}),
        ("autopar.codegen.scalars", {"cpu_helper": _helper}),
        ("autopar.codegen.fpflags", {"watched": lambda made: _kernel(made.function, is_watched=True)}),
        ("math", vars(_MATH)),
        ("numpy", vars(_NUMPY)),
    ):  # fmt: skip
        found[name] = made = ModuleType(name)
        made.__dict__.update(contents)
    return found


def load_typed(source: str) -> ModuleType:
    """Return the module of `source`, its kernels read by the interpreter as Numba would type them.

    Raises `Unreadable` for one that calls NumPy's loops over rows, or turns tiles of matrices.
    """
    name = "typed_plain"
    if "autopar.codegen.turning" in source:
        raise Unreadable("tiles")
    replaced = _replaced()

    def import_from(module: str, *others: Any) -> Any:
        return replaced.get(module) or __import__(module, *others)

    scope: dict[str, Any] = {**_HOOKS, "__builtins__": {**_BUILTINS, "__import__": import_from}}
    tree = ast.parse(source)
    tree.body = [each for each in tree.body if not _is_host(each)]
    exec(compile(_typed(ast.unparse(tree)), f"<typed {name}>", "exec", dont_inherit=True), scope)
    kernels = {key: each for key, each in scope.items() if hasattr(each, "function")}
    whole = ModuleType(name)
    vars(whole).update({**scope, **kernels})
    host = host_part(source)
    if not stands_alone(host, whole, kernels):
        raise Unreadable("a host part that needs more")
    module = execute(name, host, f"<{name}>", shown=source)
    vars(module).update(kernels)
    return module


def _is_host(node: ast.stmt) -> bool:
    if isinstance(node, ast.FunctionDef):
        return node.name == "run"
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).startswith("reduction")
