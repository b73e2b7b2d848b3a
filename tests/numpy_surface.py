"""What NumPy offers for whole arrays, form by form, each in the middle of a function of its own.

Before:  the text `np.outer(row, row)`
After:   def form_17(a, b, row, places):
             t = a * 2.0 + b
             u = np.outer(row, row)
             v = np.sqrt(a + 1.0) * b
             return t, u, v

`a` and `b` are matrices, `row` a vector, `places` integers, `t` is new and `m` a mask of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

FORMS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Operators": (
            "t + b", "t - b", "t * b", "t / b", "t // b", "t % b", "t**2", "t**b", "-t", "+t",
            "t < b", "t <= b", "t == b", "t != b", "t > b", "t >= b", "~(t < b)",
            "(t < b) & (a > 1.0)", "(t < b) | (a > 1.0)", "(t < b) ^ (a > 1.0)", "counts << 2",
            "counts >> 1", "counts & 3", "counts | 8", "counts ^ 5", "~counts", "divmod(t, b)",
            "t @ b",
        ),
        "Operators in place": (
            "t += b", "t -= row", "t *= 2.0", "t /= b", "t //= b", "t %= b", "t **= 2",
            "counts &= 3", "counts |= 1", "counts ^= 2", "counts <<= 1", "counts >>= 1",
            "t[1:] += t[:-1]", "t @= b",
        ),
        "Functions of elements": tuple(
            f"np.{name}(t)"
            for name in (
                "abs", "absolute", "fabs", "sign", "negative", "positive", "sqrt", "square", "cbrt",
                "reciprocal", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos",
                "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh",
                "arctanh", "deg2rad", "rad2deg", "degrees", "radians", "floor", "ceil", "trunc",
                "rint", "fix", "round", "isnan", "isinf", "isfinite", "isposinf", "signbit",
                "logical_not", "conj", "real", "imag", "angle", "spacing", "nan_to_num", "sinc",
                "modf", "frexp", "i0",
            )
        ) + tuple(
            f"np.{name}(t, b)"
            for name in (
                "add", "subtract", "multiply", "divide", "true_divide", "floor_divide", "mod",
                "remainder", "fmod", "power", "float_power", "maximum", "minimum", "fmax", "fmin",
                "arctan2", "hypot", "logaddexp", "logaddexp2", "copysign", "nextafter", "heaviside",
                "less", "less_equal", "greater", "greater_equal", "equal", "not_equal",
                "logical_and", "logical_or", "logical_xor", "isclose", "divmod",
            )
        ) + (
            "np.bitwise_and(counts, 3)", "np.invert(counts)", "np.left_shift(counts, 1)",
            "np.gcd(counts, 6)", "np.lcm(counts, 6)", "np.ldexp(t, 2)", "np.matmul(t, b)",
        ),
        "Functions told how": (
            "np.add(t, b, out=a)", "np.multiply(t, b, dtype=np.float32)",
            "np.add(t, b, where=t > 1.0, out=a)", "np.sqrt(t, out=t)", "np.copyto(t, b)",
            "np.copyto(t, 0.0, where=t > 1.0)", "t.fill(2.0)", "np.add.at(t, places, 1.0)",
            "np.add.reduce(t)", "np.add.reduce(t, axis=1)", "np.multiply.reduce(t)",
            "np.maximum.reduce(t, axis=1)", "np.add.accumulate(t)", "np.add.outer(row, row)",
            "np.multiply.outer(row, row)", "np.add.reduceat(t, places)",
        ),
        "Choices": (
            "np.where(t > 1.0, t, b)", "np.where(t > 1.0, t, 0.0)", "np.where(t > 1.0)",
            "np.clip(t, 0.2, 0.8)", "t.clip(0.2, 0.8)", "np.clip(t, a, b)", "np.clip(t, 0.2, None)",
            "np.select([t > 2.0, t > 1.0], [t, a], 0.0)", "np.choose(counts % 2, [t, b])",
            "np.piecewise(t, [t > 1.0], [1.0, 0.0])", "np.putmask(t, t > 1.0, b)",
            "np.place(t, t > 1.0, [1.0])",
        ),
        "Parts": (
            "t[1:-1] * 1.0", "t[::2] * 1.0", "t[::-1] * 1.0", "t[:, ::-2] * 1.0", "t[..., 1] * 1.0",
            "t[:, None] * row", "t[np.newaxis] * 1.0", "t[2] * 1.0", "t[-1, 1:] * 1.0", "t[1:3, 2:4]",
            "t.T * 1.0", "t.real + 1.0", "t[1:-1] = 0.0", "t[::2] = b[::2]", "t[1:] = t[:-1]",
            "t[:, 0] = row", "t[...] = b", "t[2] += 1.0",
        ),
        "Elements that arrays select": (
            "t[t > 1.0]", "t[t > 1.0] = 0.0", "t[t > 1.0] += 1.0", "t[t > 1.0] = b[t > 1.0]",
            "t[m] *= 2.0", "t[m]", "t[places]", "t[:, places]", "t[places, places]",
            "t[places] = 1.0", "t[places] += b[places]", "t[np.ix_(places, places)]",
            "np.take(t, places, axis=0)", "t.take(places)", "np.take_along_axis(t, counts % 3, axis=1)",
            "np.put(t, places, 1.0)", "np.compress(row > 1.0, t, axis=0)", "np.extract(t > 1.0, t)",
            "np.nonzero(t > 1.0)", "np.argwhere(t > 1.0)", "np.flatnonzero(t > 1.0)",
        ),
        "New arrays": (
            "np.zeros((6, 6)) + t", "np.zeros_like(t) + t", "np.ones(6) * t", "np.ones_like(t) + t",
            "np.full((6, 6), 2.0) + t", "np.full_like(t, 2.0) + t", "np.empty_like(t)",
            "np.arange(6) * t", "np.arange(0.0, 3.0, 0.5) * t", "np.linspace(0.0, 1.0, 6) * t",
            "np.eye(6) * t", "np.identity(6) + t", "np.diag(row) + t", "np.tri(6) * t", "np.copy(t)",
            "t.copy()", "np.array(t)", "np.asarray(t) + 1.0", "np.ascontiguousarray(t) + 1.0",
            "t.astype(np.float32)", "t.astype(int)", "np.float32(t)", "np.meshgrid(row, row)",
            "np.mgrid[0:6, 0:6] * t", "np.indices((6, 6)) * t", "np.logspace(0.0, 1.0, 6) * t",
            "np.fromfunction(lambda i, j: i + j, (6, 6)) + t",
        ),
        "The same elements otherwise": (
            "t.reshape(36)", "np.reshape(t, (4, 9)) + 1.0", "t.ravel() + 1.0", "np.ravel(t) + 1.0",
            "t.flatten() + 1.0", "np.transpose(t) + 1.0", "t.transpose() + 1.0",
            "t.transpose(1, 0) + 1.0", "np.transpose(t, (1, 0)) + 1.0", "t.swapaxes(0, 1) + 1.0",
            "np.swapaxes(t, 0, 1) + 1.0", "np.moveaxis(t, 0, 1) + 1.0", "np.expand_dims(row, 1) * t",
            "np.squeeze(t[:1]) + 1.0", "np.flip(t) + 1.0", "np.flip(t, axis=1) + 1.0",
            "np.fliplr(t) + 1.0", "np.flipud(t) + 1.0", "np.rot90(t) + 1.0",
            "np.broadcast_to(row, (6, 6)) + t", "np.roll(t, 1)", "np.roll(t, 1, axis=0)",
            "np.roll(t, -2, axis=1)", "np.concatenate([t, b])", "np.concatenate((t, b), axis=1)",
            "np.stack([t, b])", "np.vstack([t, row])", "np.hstack([t, b])",
            "np.column_stack([row, row])", "np.dstack([t, b])", "np.append(row, 1.0)",
            "np.repeat(t, 2, axis=0)", "np.tile(row, 3)", "np.pad(t, 1)",
            "np.pad(t, 1, mode='edge')", "np.split(t, 2)", "np.diff(t)", "np.diff(t, axis=0)",
            "np.diff(row)", "np.gradient(row)", "np.outer(row, row)", "np.kron(t, b)",
            "np.triu(t)", "np.tril(t)", "np.diagonal(t) * 1.0", "np.fill_diagonal(t, 0.0)",
            "np.delete(row, 1)", "np.insert(row, 1, 0.0)",
        ),
        "One number of all": tuple(
            f"np.{name}(t)"
            for name in (
                "sum", "prod", "mean", "var", "std", "min", "max", "amin", "amax", "ptp", "argmin",
                "argmax", "any", "all", "count_nonzero", "median", "trace", "linalg.norm",
                "nansum", "nanmean", "nanmax", "average",
            )
        ) + (
            "t.sum()", "t.mean()", "t.std()", "t.max()", "t.argmax()", "(t > 1.0).any()",
            "(t > 1.0).sum()", "np.sum(t * b)", "np.sum(t, dtype=np.float32)", "np.var(t, ddof=1)",
            "t.std(ddof=1)", "np.dot(row, row)", "row @ row", "np.vdot(row, row)",
            "np.inner(row, row)", "np.max(np.abs(t - b))", "np.array_equal(t, b)",
            "np.allclose(t, b)", "np.trapezoid(row)", "np.percentile(t, 30.0)",
            "np.sum(t, where=t > 1.0)", "np.max(t, initial=0.0)",
        ),
        "One number of each row": tuple(
            f"np.{name}(t, axis={axis})"
            for name in (
                "sum", "prod", "mean", "var", "std", "min", "max", "argmin", "argmax", "any", "all",
                "count_nonzero", "ptp", "linalg.norm", "median",
            )
            for axis in (0, 1)
        ) + (
            "t.sum(axis=0)", "t.mean(1)", "t.sum(axis=-1, keepdims=True)", "t.max(axis=1)[:, None]",
            "np.sum(t, axis=(0, 1))", "t.var(axis=1, ddof=1)", "np.sum(t, axis=1, dtype=np.float32)",
            "np.cumsum(t, axis=0)", "np.cumsum(row)", "np.cumprod(t, axis=1)", "t.cumsum()",
            "np.average(t, axis=0, weights=row)", "np.trapezoid(t, axis=1)",
        ),
        "Products of matrices": (
            "np.dot(t, b)", "t.dot(row)", "np.einsum('ij,jk->ik', t, b)", "np.einsum('ij,ij->i', t, b)",
            "np.einsum('i,j->ij', row, row)", "np.tensordot(t, b, axes=1)", "np.inner(t, b)",
            "np.cross(t[:, :3], b[:, :3])", "np.linalg.inv(t + np.eye(6) * 9)", "np.linalg.det(t)",
            "np.linalg.solve(t + np.eye(6) * 9, row)", "np.linalg.eigvalsh(t)",
        ),
        "Other functions": (
            "np.sort(t)", "np.sort(t, axis=0)", "np.argsort(row)", "np.unique(counts)",
            "np.searchsorted(row, t)", "np.bincount(places)", "np.histogram(t, 4)[0]",
            "np.interp(t, np.arange(6.0), row)", "np.convolve(row, row)", "np.fft.fft(t)",
            "np.fft.rfft(row)", "np.digitize(t, row)", "np.polyval([1.0, 2.0], t)", "np.vander(row)",
            "np.cov(t)", "np.corrcoef(t)", "np.isin(counts, places)", "np.lexsort((row, row))",
            "np.partition(row, 2)", "np.apply_along_axis(np.sum, 0, t)", "np.vectorize(abs)(t)",
        ),
    }
)  # fmt: skip
# Forms that are statements: what they change is returned too.
_ASSIGNS = (" = ", " += ", " -= ", " *= ", " /= ", "//= ", " %= ", "**= ", "&= ", "|= ", "^= ", "<<= ", ">>= ", "@= ")  # fmt: skip
_CALLS = ("np.copyto", "np.add.at", "np.put", "np.place", "np.fill_diagonal", "t.fill")


def is_statement(form: str) -> bool:
    """Return whether a form has no value."""
    return any(each in form for each in _ASSIGNS) or form.startswith(_CALLS)


def function_of(name: str, form: str) -> str:
    """Return a function with a form between two statements that run in kernels."""
    lines = [
        f"def {name}(a, b, row, places, counts, m):",
        "t = a * 2.0 + b",
        form if is_statement(form) else f"u = {form}",
        "v = np.sqrt(a + 1.0) * b",
        "return t, counts, v" if is_statement(form) else "return t, u, v",
    ]
    return "\n    ".join(lines) + "\n"


def all_forms() -> list[str]:
    """Return every form once, in order."""
    return [form for forms in FORMS.values() for form in forms]


def module_text() -> str:
    """Return a module with a function for each form, called `form_0`, `form_1` and so on."""
    functions = (function_of(f"form_{n}", form) for n, form in enumerate(all_forms()))
    return "\n\n".join(["import numpy as np\n", *functions])
