"""From kernels to one object of machine code, which needs no Numba to be loaded.

    Before:  launch0, reduce0, functions of a generated module, and the types of their arguments
    After:   an ELF object with `enter_launch0`, `call_launch0`, ... and what describes them

Numba types the kernels and optimises LLVM's form of them, as ever; what it would add for Python is
left out, and machine code is emitted once, together with the ways in that `codegen.wrappers`
writes. Nothing of it is optimised together: a kernel must not move across the calls that read the
processor's flags around it.
"""

# mypy: disable-error-code="no-untyped-call"
# (llvmlite and Numba are untyped.)

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from types import FunctionType
from typing import TYPE_CHECKING, Any

from autopar.analysis.model.later import Later
from autopar.analysis.model.nouns import dataclass

from . import stream_code, turn_code
from .elf import undefined_symbols
from .entries import Target, callee_of, outcome_of
from .fpflags import address_of
from .light import light
from .pipeline import kernel_pipeline
from .runtime import RUNTIME, runtime_text
from .symbols import FLAGS
from .wrappers import Callee, call_lines, declarations, entry_lines, form_of

if TYPE_CHECKING:
    import llvmlite.binding as llvm
    from numba.core import codegen, compiler, compiler_lock, types

    from . import bounds
else:
    bounds = Later("autopar.codegen.bounds")
    llvm, types = Later("llvmlite.binding"), Later("numba.core.types")
    codegen, compiler = Later("numba.core.codegen"), Later("numba.core.compiler")
    compiler_lock = Later("numba.core.compiler_lock")

LOG = logging.getLogger("autopar")

# Functions of our own that an object brings with it: LLVM code that kernels call.
_BROUGHT = {stream_code.STREAM: stream_code.text, turn_code.TURN: turn_code.text}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One kernel that is to be compiled."""

    name: str
    dispatcher: Any  # Numba's, which has compiled nothing
    signature: tuple[Any, ...]  # Numba's types of all arguments
    watches: bool  # the processor's flags are read around it
    has_bounds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """One kernel of an object: all that a call of it has to know."""

    name: str
    form: str  # how arguments are packed
    arrays: int  # how many of the arguments, the first ones, are arrays
    has_complex: bool
    has_bounds: bool
    # Layout of what it leaves: dtypes and offsets of code, flags, status, values; size of all.
    dtypes: tuple[str, ...]
    offsets: tuple[int, ...]
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """Machine code of all kernels of a module."""

    kernels: tuple[Described, ...]
    content: bytes
    undefined: tuple[str, ...]  # symbols to be found elsewhere, sorted


def make_object(wanted: Sequence[Wanted]) -> Object | None:
    """Return the machine code of kernels; None where it means nothing to another process.

    What Numba raises for what it does not take comes through.
    """
    with compiler_lock.global_compiler_lock:
        made = [_compiled(each) for each in wanted]
        if any(form.library.has_addresses for form in made):
            return None
        parts = [form.library.final_module for form in made]
        for form, part in zip(made, parts, strict=True):
            _hide_all_but(part, form.fndesc.llvm_func_name)
        target = made[0].library.codegen
        whole = parts[0]
        for part in parts[1:]:
            whole.link_in(part)
        called = [_callee(form, each) for form, each in zip(made, wanted, strict=True)]
        layouts = [outcome_of(form) for form in made]
        ways = "\n".join(_ways_in(wanted, called, layouts))
        whole.link_in(_parsed(ways, whole))
        used = {each.name for each in whole.functions if each.is_declaration}
        brought = [text for name, text in _BROUGHT.items() if name in used]
        if used & RUNTIME:
            brought.append(runtime_text)
        for text in brought:
            whole.link_in(_parsed(text(), whole))
        for each in whole.functions:
            if each.name in RUNTIME | _BROUGHT.keys() and not each.is_declaration:
                each.linkage = "internal"
        if "inttoptr (i64" in str(whole):  # an address of this process
            return None
        content = target._tm.emit_object(whole)  # noqa: SLF001 - the one that Numba compiles for
    kernels = tuple(
        _described(each, callee, layout)
        for each, callee, layout in zip(wanted, called, layouts, strict=True)
    )
    return Object(
        kernels=kernels, content=content, undefined=tuple(sorted(undefined_symbols(content)))
    )


def _compiled(wanted: Wanted) -> Any:  # noqa: ANN401 - Numba is untyped
    """Return what Numba makes of a kernel, short of machine code."""
    if "empty" not in wanted.dispatcher.py_func.__code__.co_names:  # no arrays of its own
        try:
            return _form(wanted, _plain(wanted.dispatcher.py_func), is_light=True)
        except Exception:  # whatever it lacks: what is really wrong is seen below
            LOG.debug("%s needs all of Numba", wanted.name, exc_info=True)
    return _form(wanted, wanted.dispatcher.py_func, is_light=False)


def _form(wanted: Wanted, function: Callable[..., Any], *, is_light: bool) -> Any:  # noqa: ANN401 - as above
    own = wanted.dispatcher._compiler  # noqa: SLF001 - Numba has no public way to stop here
    flags: Any = compiler.Flags()
    own.targetdescr.options.parse_as_flags(flags, own.targetoptions)
    flags.no_compile = True
    flags.no_cpython_wrapper = True
    flags.no_cfunc_wrapper = True
    context = own.targetdescr.target_context
    library = _library(context.codegen(), wanted.name)
    with light(context) if is_light else nullcontext():
        flags.nrt = not is_light
        form = compiler.compile_extra(
            own.targetdescr.typing_context,
            context,
            function,
            args=wanted.signature,
            return_type=None,
            flags=flags,
            locals=own.locals,
            library=library,
            pipeline_class=kernel_pipeline() if is_light else own.pipeline_class,
        )
    library.finalize()
    return form


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a kernel whose `min` and `max`, those of bounds, are no functions of Numba's."""
    names = {**function.__globals__, "min": bounds.lesser, "max": bounds.greater}
    return FunctionType(function.__code__, names, function.__name__)


def _library(own: Any, name: str) -> Any:  # noqa: ANN401 - as above
    """Return a library of Numba's that optimises a module and leaves it at that."""

    class Library(codegen.CPUCodeLibrary):
        brings_functions = True  # see `brings_functions`

        def _finalize_final_module(self) -> None:
            self._finalize_dynamic_globals()
            self._verify_declare_only_symbols()
            self._finalized = True

        @property
        def has_addresses(self) -> bool:
            """Whether it refers to objects of this process."""
            return bool(self._dynamic_globals)

        @property
        def final_module(self) -> Any:  # noqa: ANN401 - as above
            return self._final_module

    return Library(own, name)


def brings_functions(context: Any) -> bool:  # noqa: ANN401 - as above
    """Return whether what is being lowered goes into an object, with all functions of our own."""
    return getattr(context.active_code_library, "brings_functions", False)


def _hide_all_but(module: Any, name: str) -> None:  # noqa: ANN401 - as above
    """Leave of a module one function, and what it needs."""
    for each in (*module.functions, *module.global_variables):
        if not each.is_declaration and each.name != name:
            each.linkage = "internal"
    passes = llvm.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    options = llvm.create_pipeline_tuning_options()
    passes.run(module, llvm.create_pass_builder(_any_target(), options))


def _any_target() -> Any:  # noqa: ANN401 - as above
    return llvm.Target.from_default_triple().create_target_machine()


def _callee(form: Any, wanted: Wanted) -> Callee:  # noqa: ANN401 - as above
    is_readable = address_of("feclearexcept") and address_of("fetestexcept")
    target = Target(
        kernel=f'@"{form.fndesc.llvm_func_name}"',
        clear=f"@{FLAGS}feclearexcept" if is_readable else None,
        test=f"@{FLAGS}fetestexcept" if is_readable else None,
    )
    return callee_of(form, target, watches=wanted.watches, has_bounds=wanted.has_bounds)


def _ways_in(
    wanted: Sequence[Wanted], called: Sequence[Callee], layouts: Sequence[Any]
) -> Iterator[str]:
    """Yield the functions of LLVM code that call the kernels, and what they call besides."""
    yield from declarations()
    yield f"declare i32 @{FLAGS}feclearexcept(i32)"
    yield f"declare i32 @{FLAGS}fetestexcept(i32)"
    for each, callee, layout in zip(wanted, called, layouts, strict=True):
        bounds = ("i64", "i64") if each.has_bounds else ()
        kinds = ["ptr" if kind.endswith("*") else kind for kind in callee.native]
        yield f"declare i32 {callee.target}({', '.join(('ptr', 'ptr', *bounds, *kinds))})"
        yield from entry_lines(callee, f"enter_{each.name}")
        yield from call_lines(callee, f"call_{each.name}", layout)


def _parsed(text: str, like: Any) -> Any:  # noqa: ANN401 - as above
    module = llvm.parse_assembly(text)
    module.triple, module.data_layout = like.triple, like.data_layout
    module.verify()
    return module


def _described(wanted: Wanted, callee: Callee, layout: Any) -> Described:  # noqa: ANN401 - as above
    fields = layout.fields.values()
    return Described(
        name=wanted.name,
        form=form_of(callee),
        arrays=sum(isinstance(each, types.Array) for each in callee.argtypes),
        has_complex=any(isinstance(each, types.Complex) for each in callee.argtypes),
        has_bounds=wanted.has_bounds,
        dtypes=tuple(kind.str for kind, _ in fields),
        offsets=tuple(offset for _, offset in fields),
        size=layout.itemsize,
    )
