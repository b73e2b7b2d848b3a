"""Reasons of the family AP6: what a target cannot do, or would not do faster."""

from __future__ import annotations

from typing import ClassVar

from autopar.analysis.model.diagnostics import Reason
from autopar.analysis.model.nouns import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetLacksFeature(Reason):
    """The target has no form of an operation that gives the interpreter's result.

    Why it blocks: a kernel that computes something else is worse than a slow loop.

    Example:
        for i in range(n):
            c[i] = a[i] ** b[i]         # complex numbers on a device without a complex power

    Use instead: another backend, or an operation that the target has.

    Right to refuse: always: on another target, or in the interpreter, the loop gives the right
        result.

    References: CUDA C++ Programming Guide, mathematical functions.
    """

    code: ClassVar[str] = "AP601"
    target: str  # "cuda", "cpu"
    feature: str  # "complex '**'"

    @property
    def message(self) -> str:
        return f"The target '{self.target}' has no {self.feature}."

    @property
    def hints(self) -> tuple[str, ...]:
        return ("Let autopar choose: backend='auto'.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotProfitable(Reason):
    """The loop is too short for a kernel to pay.

    Why it blocks: starting threads, compiling and copying cost more time than the loop takes.

    Example:
        def cleared(a):
            for i in range(len(a)):
                a[i] = 0.0
        cleared(np.ones(3))

    Use instead: nothing; or one loop over more data in place of many calls of a short one.

    Right to refuse: for this size; larger arrays are decided anew, and `backend='cpu'` asks for
        kernels at any size.

    References: Allen and Kennedy, Optimizing Compilers for Modern Architectures, Morgan
        Kaufmann, 2001, chapter 6 (granularity of parallelism).
    """

    code: ClassVar[str] = "AP602"
    detail: str  # a fragment: "3 iterations take about 1 µs in the interpreter"
    is_parallel: bool = False  # a kernel does run the loop, in its order

    @property
    def message(self) -> str:
        return (
            f"{'Several threads' if self.is_parallel else 'A kernel'} would not pay: {self.detail}."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NoDevice(Reason):
    """The machine has no usable device for the target.

    Why it blocks: there is nothing to run the kernel on.

    Example:
        AUTOPAR_BACKEND=cuda python script.py       # without a GPU

    Use instead: the CPU, or NUMBA_ENABLE_CUDASIM=1 to try a CUDA kernel in Numba's simulator.

    Right to refuse: always; name another backend.

    References: Numba documentation, debugging CUDA Python with the CUDA simulator.
    """

    code: ClassVar[str] = "AP603"
    target: str
    detail: str  # a fragment: "the CUDA driver is missing"

    @property
    def message(self) -> str:
        return f"No device for the target '{self.target}': {self.detail}."

    @property
    def hints(self) -> tuple[str, ...]:
        return ("See what this machine has with 'autopar info'.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompileFailed(Reason):
    """The compiler of the target refused the generated kernel.

    Why it blocks: without machine code the interpreter runs the loop. The program is not at
        fault, and its result is not affected.

    Example: none is known; each one is a bug of autopar or of the compiler under it.

    Use instead: report it, with the source that `inspect_source()` shows.

    Right to refuse: as it has no choice; please report it with `autopar info`.

    References: Numba documentation, troubleshooting and tips.
    """

    code: ClassVar[str] = "AP604"
    target: str
    detail: str  # first line of the compiler's message

    @property
    def message(self) -> str:
        return f"Compiling for the target '{self.target}' failed: {self.detail.rstrip('.')}."

    @property
    def notes(self) -> tuple[str, ...]:
        return ("The interpreter runs this loop; its results are not affected.",)

    @property
    def hints(self) -> tuple[str, ...]:
        return ("Please report it with the source that 'inspect_source()' shows.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class SumReordered(Reason):
    """A long sum or product of floats is computed in another order than in the interpreter.

    Why it blocks: it does not. The last bits of the result may differ, mostly to be closer to
        the exact value. The order is a function of the number of terms alone: it is the same
        for every number of threads, every run and every call, so that such a sum is compiled
        at its first call; a CUDA device follows the same order. Fewer terms keep the order of
        the interpreter, and so do a sum that would not be finite and sums in loops that a call
        has to analyse again or whose data it looks at first.

    Example:
        def total(a):
            s = 0.0
            for i in range(len(a)):
                s += a[i]
            return s
        total(np.ones(1_000_000))

    Use instead: `strict=True` where the interpreter's very bits are wanted.

    Right to refuse: it refuses nothing; `strict=True` keeps the interpreter's order where you
        need its last bits.

    References: Higham, The accuracy of floating point summation, SIAM Journal on Scientific
        Computing, 1993.
    """

    code: ClassVar[str] = "AP605"
    targets: tuple[str, ...]
    terms: int  # from so many on

    @property
    def message(self) -> str:
        names = " and ".join(f"'{each}'" for each in self.targets)
        return f"From {self.terms} terms on, {names} is computed in another order."

    @property
    def hints(self) -> tuple[str, ...]:
        return ("Pass strict=True to keep the order of the interpreter.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFull(Reason):
    """The device has no memory left for the arrays of the loop.

    Why it blocks: a kernel needs all its arrays on the device at once. Nothing on the host has
        changed by then: kernels of the CPU run the loop where they can, else the interpreter.

    Example:
        for i in range(n):                          # 3 x 64 GB, on a device with 139 GB
            c[i] = a[i] + b[i]

    Use instead: parts of the arrays that fit, a smaller dtype, or `backend="cpu"`.

    Right to refuse: always. Other programs may hold memory of the device; free what they hold and
        call again.

    References: CUDA C++ Programming Guide, device memory.
    """

    code: ClassVar[str] = "AP606"
    detail: str  # what the driver or the array library said

    @property
    def message(self) -> str:
        return f"The device has no memory for this loop: {self.detail.rstrip('.')}."

    @property
    def hints(self) -> tuple[str, ...]:
        return ('Give it parts that fit, or run it with backend="cpu".',)


REASONS: tuple[type[Reason], ...] = (
    TargetLacksFeature,
    NotProfitable,
    NoDevice,
    CompileFailed,
    SumReordered,
    DeviceFull,
)
