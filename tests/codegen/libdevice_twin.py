"""NVIDIA's device functions on the CPU: the bitcode that kernels are linked with, as machine code.

Maps names such as `exp` to functions of doubles. What NVVM has instructions for is put in their
place with the same result, but for two: `rcp.approx.ftz.f64` and `rsqrt.approx.ftz.f64` of a device
look at the upper words of their arguments and give upper words (PTX ISA); so do these, correctly
rounded before they are cut off. Functions of single precision rest on instructions whose last bits
the device decides, and are not here.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm

_UPPER = (
    "%b = bitcast double %q to i64\n %c = and i64 %b, -4294967296\n %r = bitcast i64 %c to double"
)
_CUT = (
    "%i = bitcast double %x to i64\n %j = and i64 %i, -4294967296\n %k = bitcast i64 %j to double"
)
_WIDE = "%a1 = zext i64 %a to i128\n %b1 = zext i64 %b to i128\n"
_PAIR = (
    "%l = trunc i128 %s to i64\n %t = lshr i128 %s, 64\n %h = trunc i128 %t to i64\n"
    " %p = insertvalue {i64, i64} undef, i64 %l, 0\n %r = insertvalue {i64, i64} %p, i64 %h, 1"
)
_BOTH = (
    "%al = zext i64 %a to i128\n %ah = zext i64 %b to i128\n %au = shl i128 %ah, 64\n"
    " %aw = or i128 %al, %au\n %bl = zext i64 %c to i128\n %bh = zext i64 %d to i128\n"
    " %bu = shl i128 %bh, 64\n %bw = or i128 %bl, %bu\n"
)
_REFLECT = (  # __CUDA_PREC_...: 1; __CUDA_FTZ: 0
    "%p = getelementptr i8, ptr %x, i64 7\n %c = load i8, ptr %p\n %i = icmp eq i8 %c, 80\n"
    " %r = zext i1 %i to i32"
)


def _plain(name: str, kind: str = "double", suffix: str = "f64") -> str:
    return f"%r = call {kind} @llvm.{name}.{suffix}({kind} %x)"


# Name and types, and what computes %r of %x, %y, %z or of words %a to %d.
_BODIES: dict[str, tuple[str, str, str]] = {
    "nvvm.fma.rn.d": (
        "double", "double %x, double %y, double %z",
        "%r = call double @llvm.fma.f64(double %x, double %y, double %z)",
    ),
    "nvvm.trunc.d": ("double", "double %x", _plain("trunc")),
    "nvvm.floor.d": ("double", "double %x", _plain("floor")),
    "nvvm.ceil.d": ("double", "double %x", _plain("ceil")),
    "nvvm.round.d": ("double", "double %x", _plain("rint")),
    "nvvm.fabs.f64": ("double", "double %x", _plain("fabs")),
    "nvvm.sqrt.rn.d": ("double", "double %x", _plain("sqrt")),
    "nvvm.fmin.d": (
        "double", "double %x, double %y", "%r = call double @llvm.minnum.f64(double %x, double %y)",
    ),
    "nvvm.add.rn.d": ("double", "double %x, double %y", "%r = fadd double %x, %y"),
    "nvvm.mul.rn.d": ("double", "double %x, double %y", "%r = fmul double %x, %y"),
    "nvvm.div.rn.d": ("double", "double %x, double %y", "%r = fdiv double %x, %y"),
    "nvvm.rcp.rn.d": ("double", "double %x", "%r = fdiv double 1.0, %x"),
    "nvvm.rcp.approx.ftz.d": (
        "double", "double %x", f"{_CUT}\n %q = fdiv double 1.0, %k\n {_UPPER}",
    ),
    "nvvm.rsqrt.approx.d": (
        "double", "double %x",
        f"{_CUT}\n %s = call double @llvm.sqrt.f64(double %k)\n %q = fdiv double 1.0, %s\n {_UPPER}",
    ),
    "nvvm.d2i.hi": (
        "i32", "double %x",
        "%b = bitcast double %x to i64\n %c = lshr i64 %b, 32\n %r = trunc i64 %c to i32",
    ),
    "nvvm.d2i.lo": ("i32", "double %x", "%b = bitcast double %x to i64\n %r = trunc i64 %b to i32"),
    "nvvm.lohi.i2d": (
        "double", "i32 %x, i32 %y",
        ("%a = zext i32 %x to i64\n %b = zext i32 %y to i64\n %c = shl i64 %b, 32\n"
        " %d = or i64 %a, %c\n %r = bitcast i64 %d to double"),
    ),
    "nvvm.i2d.rn": ("double", "i32 %x", "%r = sitofp i32 %x to double"),
    "nvvm.ui2d.rn": ("double", "i32 %x", "%r = uitofp i32 %x to double"),
    "nvvm.ll2d.rn": ("double", "i64 %x", "%r = sitofp i64 %x to double"),
    "nvvm.ull2d.rn": ("double", "i64 %x", "%r = uitofp i64 %x to double"),
    "nvvm.d2i.rn": (
        "i32", "double %x",
        "%y = call double @llvm.rint.f64(double %x)\n %r = fptosi double %y to i32",
    ),
    "nvvm.d2i.rz": ("i32", "double %x", "%r = fptosi double %x to i32"),
    "nvvm.d2ll.rn": (
        "i64", "double %x",
        "%y = call double @llvm.rint.f64(double %x)\n %r = fptosi double %y to i64",
    ),
    "nvvm.mulhi.ull": (
        "i64", "i64 %a, i64 %b",
        f"{_WIDE} %s = mul i128 %a1, %b1\n %t = lshr i128 %s, 64\n %r = trunc i128 %t to i64",
    ),
    # Of single precision: only exact uses.
    "nvvm.round.f": ("float", "float %x", _plain("rint", "float", "f32")),
    "nvvm.fabs.f32": ("float", "float %x", _plain("fabs", "float", "f32")),
    "nvvm.fabs.ftz.f32": ("float", "float %x", _plain("fabs", "float", "f32")),
    "nvvm.ex2.approx.ftz.f32": ("float", "float %x", _plain("exp2", "float", "f32")),
    "__nvvm_reflect": ("i32", "ptr %x", _REFLECT),
    # Assembler text.
    "own.product": ("{i64, i64}", "i64 %a, i64 %b", f"{_WIDE} %s = mul i128 %a1, %b1\n {_PAIR}"),
    "own.accumulate": (
        "{i64, i64}", "i64 %a, i64 %b, i64 %c",
        (f"{_WIDE} %c1 = zext i64 %c to i128\n %m = mul i128 %a1, %b1\n"
        f" %s = add i128 %m, %c1\n {_PAIR}"),
    ),
    "own.sum": (
        "{i64, i64}", "i64 %a, i64 %b, i64 %c, i64 %d", f"{_BOTH} %s = add i128 %aw, %bw\n {_PAIR}",
    ),
    "own.difference": (
        "{i64, i64}", "i64 %a, i64 %b, i64 %c, i64 %d", f"{_BOTH} %s = sub i128 %aw, %bw\n {_PAIR}",
    ),
}  # fmt: skip
_ASSEMBLER = (  # what is in the text, its operands, and what stands for it
    (r"rsqrt\.approx\.ftz\.f64", "=d,d", "nvvm.rsqrt.approx.d"),
    (r"add\.cc", "=l,=l,l,l,l,l", "own.sum"),
    (r"sub\.cc", "=l,=l,l,l,l,l", "own.difference"),
    (r"mad\.lo\.cc", "=l,=l,l,l,l", "own.accumulate"),
    (r"mul\.lo", "=l,=l,l,l", "own.product"),
)
_LLVM = (
    *(f"double @llvm.{each}.f64(double)" for each in ("trunc", "floor", "ceil", "rint", "fabs", "sqrt")),
    "double @llvm.fma.f64(double, double, double)",
    "double @llvm.minnum.f64(double, double)",
    *(f"float @llvm.{each}.f32(float)" for each in ("rint", "fabs", "exp2")),
)  # fmt: skip


def bitcode() -> Path | None:
    """Return the file of the wheel of NVVM; None where it is not installed."""
    found = find_spec("nvidia")
    folders = [] if found is None else list(found.submodule_search_locations or ())
    files = (file for each in folders for file in Path(each).glob("**/libdevice.10.bc"))
    return next(files, None)


class DeviceFunctions:
    """Functions of NVIDIA's library by name, which take and give doubles."""

    def __init__(self, file: Path, names: tuple[str, ...]) -> None:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        module = llvm.parse_assembly(_translated(str(llvm.parse_bitcode(file.read_bytes()))))
        for each in module.functions:
            if not each.is_declaration and each.name.removeprefix("__nv_") not in names:
                each.linkage = "internal"
        machine: Any = llvm.Target.from_default_triple().create_target_machine(opt=2)
        builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(2))
        passes: Any = llvm.create_new_module_pass_manager()
        passes.add_global_dead_code_eliminate_pass()
        passes.run(module, builder)
        left = [e.name for e in module.functions if e.is_declaration if "llvm." not in e.name]
        # LLVM ends the process where it meets one of these.
        assert not left, left
        assert " asm " not in str(module)
        self._engine = llvm.create_mcjit_compiler(module, machine)
        self._engine.finalize_object()

    def function(self, name: str, operands: int) -> Callable[..., float]:
        """Return one of them, which takes so many operands."""
        doubles = [ctypes.c_double] * (operands + 1)
        address = self._engine.get_function_address(f"__nv_{name}")
        found: Callable[..., float] = ctypes.CFUNCTYPE(*doubles)(address)
        return found


def _translated(text: str) -> str:
    """Return the module for this machine, its instructions of NVVM as functions."""
    text = re.sub(r"target (datalayout|triple) = .*\n", "", text.replace("@llvm.nvvm.", "@nvvm."))
    for word, operands, name in _ASSEMBLER:
        pattern = rf'asm (?:sideeffect )?"[^"]*{word}[^"]*", "{re.escape(operands)}"\('
        text = re.sub(pattern, f"@{name}(", text)
    for name in _BODIES:
        text = re.sub(rf"declare [^\n]*@{re.escape(name)}\([^\n]*\n", "", text)
    known = set(re.findall(r"declare [^\n]*@([\w.]+)\(", text))
    lines = [f"declare {each}" for each in _LLVM if each.split("@")[1].split("(")[0] not in known]
    for name, (kind, operands, body) in _BODIES.items():
        lines.append(f"define internal {kind} @{name}({operands}) {{\n {body}\n ret {kind} %r\n}}")
    return text + "\n".join(lines) + "\n"
