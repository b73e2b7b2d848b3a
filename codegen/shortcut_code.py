"""The machine code behind `codegen.shortcut`, and how what it reads lies in memory.

CPython's C interface is called by address; only documented functions of it.
"""

from __future__ import annotations

import ctypes
import struct
import sys
from collections.abc import Callable
from typing import Any

from .headers import address_of_same
from .native import BUSY, compiled, machine
from .once import once

RECORD = struct.Struct("=3q")  # of one slot in a record: calls, iterations, nanoseconds

# Cells of a table, which stands for one region: what to call where no block fits, what to call
# where a kernel has something to say, the number of blocks, their addresses.
FALLBACK, FINISH, COUNT, BLOCKS = range(4)
# Cells of a block. A pair of cells, address and count, is a list. One without a job answers at
# once, so often as its uses say.
(
    FORKS, FORK, _IN_USE, HEADERS, VALUES, EQUAL, EQUALS, BOUND, BOUNDS, STATE, TOKEN,
    FILTERS, SHOWN, PACK, PACKS, ARGUMENTS, JOB, BOARD, HELPERS, RESULT, RECORDS,
    SLOT, ITERATIONS, NUMBER, ELAPSED, USES, CELLS,
) = range(27)  # fmt: skip
OBJECT, FLOAT = 0, 1  # how an argument is packed
ABSENT = 0  # in place of the object that a name is bound to


def clock() -> int:
    """Return where the C library's clock lies; 0 where it has none."""
    try:
        found = ctypes.cast(ctypes.CDLL(None).clock_gettime, ctypes.c_void_p).value
    except (AttributeError, OSError, TypeError):
        return 0
    return found or 0


class _Definition(ctypes.Structure):
    """CPython's `PyMethodDef`."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("text", ctypes.c_char_p),
    )


_METH_FASTCALL = 0x80


@once
def built_in() -> Callable[[bytearray], Callable[..., Any]]:
    """Return what makes the function of a table."""
    engine = compiled(_text())
    address = engine.get_function_address("enter")
    definition = _Definition(b"enter", address, _METH_FASTCALL, None)
    make = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)(
        ("PyCFunction_NewEx", ctypes.pythonapi)
    )
    at = ctypes.addressof(definition)
    kept = (engine, definition)  # for as long as `made` lives, which is for ever

    def made(table: bytearray) -> Callable[..., Any]:
        assert kept
        found: Callable[..., Any] = make(at, table, None)
        return found

    return made


def _at(name: str) -> str:
    """Return a function of Python's C interface as LLVM has it."""
    address = ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value
    return f"inttoptr (i64 {address} to ptr)"


def _native(name: str) -> str:
    return f"inttoptr (i64 {machine().engine.get_function_address(name)} to ptr)"


def _text() -> str:
    none, get_trace = id(None), id(sys.gettrace)
    filters = id(_FILTERS_NAME)
    return f"""
; The function itself, as METH_FASTCALL has it.
define ptr @enter(ptr %self, ptr %values, i64 %count) {{
start:
  %table = call ptr {_at("PyByteArray_AsString")}(ptr %self)
  %many_at = getelementptr i64, ptr %table, i64 {COUNT}
  %many = load i64, ptr %many_at
  br label %next
next:
  %number = phi i64 [ 0, %start ], [ %later, %look ], [ %later, %none ]
  %is_left = icmp slt i64 %number, %many
  br i1 %is_left, label %look, label %fall
look:
  %later = add i64 %number, 1
  %slot = add i64 %number, {BLOCKS}
  %block_at = getelementptr i64, ptr %table, i64 %slot
  %block = load ptr, ptr %block_at
  %fits = call i1 @fits(ptr %block, ptr %values, i64 %count)
  br i1 %fits, label %found, label %next
found:
  %job_at = getelementptr i64, ptr %block, i64 {JOB}
  %job = load ptr, ptr %job_at
  %has_none = icmp eq ptr %job, null
  br i1 %has_none, label %none, label %run
none:
  %answer = call ptr @answer(ptr %block)
  %is_used_up = icmp eq ptr %answer, null
  br i1 %is_used_up, label %next, label %answered
answered:
  ret ptr %answer
run:
  %known = call ptr @again(ptr %table, ptr %block, ptr %values, i64 %count)
  ret ptr %known
fall:
  %other = call ptr @fall(ptr %table, ptr %values, i64 %count)
  ret ptr %other
}}

define internal ptr @fall(ptr %table, ptr %values, i64 %count) {{
start:
  %function = load ptr, ptr %table
  %found = call ptr {_at("PyObject_Vectorcall")}(ptr %function, ptr %values, i64 %count, ptr null)
  ret ptr %found
}}

; Whether a call is like that of a block, as far as can be told without touching more than it.
define internal i1 @fits(ptr %block, ptr %values, i64 %count) {{
start:
  %count_at = getelementptr i64, ptr %block, i64 {VALUES}
  %wanted = load i64, ptr %count_at
  %has_count = icmp eq i64 %count, %wanted
  br i1 %has_count, label %ready, label %no
ready:
  %in_use_at = getelementptr i64, ptr %block, i64 {_IN_USE}
  %in_use = load i64, ptr %in_use_at
  %is_free = icmp eq i64 %in_use, 0
  %forks_at = load ptr, ptr %block
  %here = load i64, ptr %forks_at
  %fork_at = getelementptr i64, ptr %block, i64 {FORK}
  %there = load i64, ptr %fork_at
  %is_here = icmp eq i64 %here, %there
  %uses_at = getelementptr i64, ptr %block, i64 {USES}
  %uses = load i64, ptr %uses_at
  %is_left = icmp sgt i64 %uses, 0
  %is_mine = and i1 %is_free, %is_here
  %is_ready = and i1 %is_mine, %is_left
  br i1 %is_ready, label %headers, label %no
headers:
  %headers_at = getelementptr i64, ptr %block, i64 {HEADERS}
  %known = load ptr, ptr %headers_at
  %same = call i64 inttoptr (i64 {address_of_same()} to ptr)(ptr %known, ptr %values, i64 %count)
  %has_headers = icmp ne i64 %same, 0
  br i1 %has_headers, label %integers, label %no
integers:
  %equals = call i1 @equals(ptr %block, ptr %values)
  br i1 %equals, label %names, label %no
names:
  %bound = call i1 @bound(ptr %block)
  br i1 %bound, label %state, label %no
state:
  %everyday = call i1 @everyday(ptr %block)
  br i1 %everyday, label %what, label %no
what:
  %job_at = getelementptr i64, ptr %block, i64 {JOB}
  %job = load ptr, ptr %job_at
  %has_none = icmp eq ptr %job, null
  br i1 %has_none, label %yes, label %trace
yes:
  ret i1 1
trace:
  %untraced = call i1 @untraced()
  ret i1 %untraced
no:
  ret i1 0
}}

; Whether the integers of a call are what they were.
define internal i1 @equals(ptr %block, ptr %values) {{
start:
  %pairs_at = getelementptr i64, ptr %block, i64 {EQUAL}
  %pairs = load ptr, ptr %pairs_at
  %count_at = getelementptr i64, ptr %block, i64 {EQUALS}
  %count = load i64, ptr %count_at
  br label %next
next:
  %number = phi i64 [ 0, %start ], [ %later, %look ]
  %is_left = icmp slt i64 %number, %count
  br i1 %is_left, label %look, label %yes
look:
  %later = add i64 %number, 1
  %first = mul i64 %number, 2
  %second = add i64 %first, 1
  %position_at = getelementptr i64, ptr %pairs, i64 %first
  %position = load i64, ptr %position_at
  %wanted_at = getelementptr ptr, ptr %pairs, i64 %second
  %wanted = load ptr, ptr %wanted_at
  %value_at = getelementptr ptr, ptr %values, i64 %position
  %value = load ptr, ptr %value_at
  %equal = call i1 @equal(ptr %value, ptr %wanted)
  br i1 %equal, label %next, label %no
yes:
  ret i1 1
no:
  ret i1 0
}}

; Whether two objects are equal; what comparing them raises is forgotten.
define internal i1 @equal(ptr %value, ptr %wanted) {{
start:
  %is_same = icmp eq ptr %value, %wanted
  br i1 %is_same, label %yes, label %compare
compare:
  %said = call i32 {_at("PyObject_RichCompareBool")}(ptr %value, ptr %wanted, i32 2)
  %has_failed = icmp slt i32 %said, 0
  br i1 %has_failed, label %failed, label %end
failed:
  call void {_at("PyErr_Clear")}()
  ret i1 0
end:
  %found = icmp ne i32 %said, 0
  ret i1 %found
yes:
  ret i1 1
}}

; Whether all names are bound to what they were bound to.
define internal i1 @bound(ptr %block) {{
start:
  %entries_at = getelementptr i64, ptr %block, i64 {BOUND}
  %entries = load ptr, ptr %entries_at
  %count_at = getelementptr i64, ptr %block, i64 {BOUNDS}
  %count = load i64, ptr %count_at
  br label %next
next:
  %number = phi i64 [ 0, %start ], [ %later, %look ]
  %is_left = icmp slt i64 %number, %count
  br i1 %is_left, label %look, label %yes
look:
  %later = add i64 %number, 1
  %first = mul i64 %number, 3
  %second = add i64 %first, 1
  %third = add i64 %first, 2
  %space_at = getelementptr ptr, ptr %entries, i64 %first
  %space = load ptr, ptr %space_at
  %name_at = getelementptr ptr, ptr %entries, i64 %second
  %name = load ptr, ptr %name_at
  %wanted_at = getelementptr ptr, ptr %entries, i64 %third
  %wanted = load ptr, ptr %wanted_at
  %value = call ptr @item(ptr %space, ptr %name)
  %is_it = icmp eq ptr %value, %wanted
  br i1 %is_it, label %next, label %no
yes:
  ret i1 1
no:
  ret i1 0
}}

; What a dict has for a name, borrowed; null for nothing.
define internal ptr @item(ptr %space, ptr %name) {{
start:
  %found = call ptr {_at("PyDict_GetItemWithError")}(ptr %space, ptr %name)
  %has_none = icmp eq ptr %found, null
  br i1 %has_none, label %nothing, label %end
nothing:
  call void {_at("PyErr_Clear")}()
  br label %end
end:
  ret ptr %found
}}

; Whether NumPy's error state and the warning filters are what they were.
define internal i1 @everyday(ptr %block) {{
start:
  %found = alloca ptr
  store ptr null, ptr %found
  %variable_at = getelementptr i64, ptr %block, i64 {STATE}
  %variable = load ptr, ptr %variable_at
  %is_asked = icmp ne ptr %variable, null
  br i1 %is_asked, label %state, label %yes
state:
  %a = call i32 {_at("PyContextVar_Get")}(ptr %variable, ptr null, ptr %found)
  %has_failed = icmp ne i32 %a, 0
  br i1 %has_failed, label %failed, label %got
failed:
  call void {_at("PyErr_Clear")}()
  ret i1 0
got:
  %token = load ptr, ptr %found
  %is_unset = icmp eq ptr %token, null
  br i1 %is_unset, label %no, label %compare
compare:
  call void {_at("Py_DecRef")}(ptr %token)
  %wanted_at = getelementptr i64, ptr %block, i64 {TOKEN}
  %wanted = load ptr, ptr %wanted_at
  %is_it = icmp eq ptr %token, %wanted
  br i1 %is_it, label %filters, label %no
filters:
  %space_at = getelementptr i64, ptr %block, i64 {FILTERS}
  %space = load ptr, ptr %space_at
  %shown_at = getelementptr i64, ptr %block, i64 {SHOWN}
  %shown = load ptr, ptr %shown_at
  %now = call ptr @item(ptr %space, ptr inttoptr (i64 {filters} to ptr))
  %has_filters = icmp ne ptr %now, null
  br i1 %has_filters, label %last, label %no
last:
  %equal = call i1 @equal(ptr %now, ptr %shown)
  ret i1 %equal
yes:
  ret i1 1
no:
  ret i1 0
}}

; Whether nobody traces this thread.
define internal i1 @untraced() {{
start:
  %got = call ptr {_at("PyObject_CallNoArgs")}(ptr inttoptr (i64 {get_trace} to ptr))
  %has_failed = icmp eq ptr %got, null
  br i1 %has_failed, label %failed, label %end
failed:
  call void {_at("PyErr_Clear")}()
  ret i1 0
end:
  call void {_at("Py_DecRef")}(ptr %got)
  %is_none = icmp eq ptr %got, inttoptr (i64 {none} to ptr)
  ret i1 %is_none
}}

; Put what a call brings into the job of a block.
define internal i1 @pack(ptr %block, ptr %values) {{
start:
  %entries_at = getelementptr i64, ptr %block, i64 {PACK}
  %entries = load ptr, ptr %entries_at
  %count_at = getelementptr i64, ptr %block, i64 {PACKS}
  %count = load i64, ptr %count_at
  %arguments_at = getelementptr i64, ptr %block, i64 {ARGUMENTS}
  %arguments = load ptr, ptr %arguments_at
  br label %next
next:
  %number = phi i64 [ 0, %start ], [ %later, %object ], [ %later, %store ]
  %is_left = icmp slt i64 %number, %count
  br i1 %is_left, label %look, label %yes
look:
  %later = add i64 %number, 1
  %first = mul i64 %number, 3
  %second = add i64 %first, 1
  %third = add i64 %first, 2
  %kind_at = getelementptr i64, ptr %entries, i64 %first
  %kind = load i64, ptr %kind_at
  %position_at = getelementptr i64, ptr %entries, i64 %second
  %position = load i64, ptr %position_at
  %slot_at = getelementptr i64, ptr %entries, i64 %third
  %slot = load i64, ptr %slot_at
  %value_at = getelementptr ptr, ptr %values, i64 %position
  %value = load ptr, ptr %value_at
  %place = getelementptr i64, ptr %arguments, i64 %slot
  %is_object = icmp eq i64 %kind, {OBJECT}
  br i1 %is_object, label %object, label %float
object:
  store ptr %value, ptr %place
  br label %next
float:
  %double = call double {_at("PyFloat_AsDouble")}(ptr %value)
  %is_odd = fcmp oeq double %double, -1.0
  br i1 %is_odd, label %ask, label %store
ask:
  %error = call ptr {_at("PyErr_Occurred")}()
  %is_fine = icmp eq ptr %error, null
  br i1 %is_fine, label %store, label %failed
store:
  store double %double, ptr %place
  br label %next
failed:
  call void {_at("PyErr_Clear")}()
  ret i1 0
yes:
  ret i1 1
}}

; The record of the call under way, a new reference; null where nobody keeps one,
; and 1 where Python must make room first.
define internal ptr @record(ptr %block) {{
start:
  %spaces = call ptr {_at("PyThreadState_GetDict")}()
  %has_none = icmp eq ptr %spaces, null
  br i1 %has_none, label %python, label %stack
stack:
  %key_at = getelementptr i64, ptr %block, i64 {RECORDS}
  %key = load ptr, ptr %key_at
  %records = call ptr @item(ptr %spaces, ptr %key)
  %is_new = icmp eq ptr %records, null
  br i1 %is_new, label %python, label %last
last:
  %count = call i64 {_at("PyList_Size")}(ptr %records)
  %is_empty = icmp eq i64 %count, 0
  br i1 %is_empty, label %nobody, label %cells
cells:
  %place = sub i64 %count, 1
  %memory = call ptr {_at("PyList_GetItem")}(ptr %records, i64 %place)
  call void {_at("Py_IncRef")}(ptr %memory)
  %has_room = call i1 @has_room(ptr %block, ptr %memory)
  br i1 %has_room, label %end, label %small
small:
  call void {_at("Py_DecRef")}(ptr %memory)
  br label %python
python:
  ret ptr inttoptr (i64 1 to ptr)
nobody:
  ret ptr null
end:
  ret ptr %memory
}}

define internal i1 @has_room(ptr %block, ptr %memory) {{
start:
  %slot_number_at = getelementptr i64, ptr %block, i64 {SLOT}
  %slot_number = load i64, ptr %slot_number_at
  %more = add i64 %slot_number, 1
  %needed = mul i64 %more, {RECORD.size}
  %size = call i64 {_at("PyByteArray_Size")}(ptr %memory)
  %has_room = icmp sge i64 %size, %needed
  ret i1 %has_room
}}

; Count a run of `time` nanoseconds in a record, and let go of it.
define internal void @note(ptr %block, ptr %memory, i64 %time) {{
start:
  %is_kept = icmp ne ptr %memory, null
  br i1 %is_kept, label %room, label %end
room:
  %has_room = call i1 @has_room(ptr %block, ptr %memory)
  br i1 %has_room, label %add, label %release
add:
  %slot_number_at = getelementptr i64, ptr %block, i64 {SLOT}
  %slot_number = load i64, ptr %slot_number_at
  %iterations_at = getelementptr i64, ptr %block, i64 {ITERATIONS}
  %iterations = load i64, ptr %iterations_at
  %cells = call ptr {_at("PyByteArray_AsString")}(ptr %memory)
  %offset = mul i64 %slot_number, {RECORD.size // 8}
  %calls_at = getelementptr i64, ptr %cells, i64 %offset
  %all_at = getelementptr i64, ptr %calls_at, i64 1
  %time_at = getelementptr i64, ptr %calls_at, i64 2
  %calls = load i64, ptr %calls_at
  %all = load i64, ptr %all_at
  %before = load i64, ptr %time_at
  %calls_now = add i64 %calls, 1
  %all_now = add i64 %all, %iterations
  %after = add i64 %before, %time
  store i64 %calls_now, ptr %calls_at
  store i64 %all_now, ptr %all_at
  store i64 %after, ptr %time_at
  br label %release
release:
  call void {_at("Py_DecRef")}(ptr %memory)
  br label %end
end:
  ret void
}}

define internal i64 @now() {{
start:
  %time = alloca [2 x i64]
  %a = call i32 inttoptr (i64 {clock()} to ptr)(i32 1, ptr %time)
  %nanoseconds_at = getelementptr i64, ptr %time, i64 1
  %seconds = load i64, ptr %time
  %nanoseconds = load i64, ptr %nanoseconds_at
  %all = mul i64 %seconds, 1000000000
  %found = add i64 %all, %nanoseconds
  ret i64 %found
}}

; The result of a block without a job, counted in the record; null where it is used up.
define internal ptr @answer(ptr %block) {{
start:
  %uses_at = getelementptr i64, ptr %block, i64 {USES}
  %uses = load i64, ptr %uses_at
  %is_left = icmp sgt i64 %uses, 0
  br i1 %is_left, label %count, label %none
count:
  %fewer = sub i64 %uses, 1
  store i64 %fewer, ptr %uses_at
  %record = call ptr @record(ptr %block)
  %record_number = ptrtoint ptr %record to i64
  %needs_python = icmp eq i64 %record_number, 1
  br i1 %needs_python, label %none, label %note
note:
  call void @note(ptr %block, ptr %record, i64 0)
  %result_at = getelementptr i64, ptr %block, i64 {RESULT}
  %result = load ptr, ptr %result_at
  call void {_at("Py_IncRef")}(ptr %result)
  ret ptr %result
none:
  ret ptr null
}}

; Run the job of a block that fits, or else the function in Python.
define internal ptr @again(ptr %table, ptr %block, ptr %values, i64 %count) {{
start:
  %in_use_at = getelementptr i64, ptr %block, i64 {_IN_USE}
  %job_at = getelementptr i64, ptr %block, i64 {JOB}
  %job = load ptr, ptr %job_at
  %board_at = getelementptr i64, ptr %block, i64 {BOARD}
  %board = load ptr, ptr %board_at
  %busy_at = getelementptr i64, ptr %board, i64 {BUSY}
  %helpers_at = getelementptr i64, ptr %block, i64 {HELPERS}
  %helpers = load i64, ptr %helpers_at
  %is_alone = icmp eq ptr %board, null
  %record = call ptr @record(ptr %block)
  %record_number = ptrtoint ptr %record to i64
  %needs_python = icmp eq i64 %record_number, 1
  br i1 %needs_python, label %fall, label %claim
claim:
  ; Comparing may have let another thread run, which may have come here first.
  %in_use = load i64, ptr %in_use_at
  %is_free = icmp eq i64 %in_use, 0
  br i1 %is_free, label %arguments, label %unfit
arguments:
  store i64 1, ptr %in_use_at
  %uses_at = getelementptr i64, ptr %block, i64 {USES}
  %uses = load i64, ptr %uses_at
  %fewer = sub i64 %uses, 1
  store i64 %fewer, ptr %uses_at
  %is_packed = call i1 @pack(ptr %block, ptr %values)
  br i1 %is_packed, label %take, label %leave
take:
  br i1 %is_alone, label %begin, label %seize
seize:
  %is_mine = call i64 {_native("seize")}(ptr %board)
  %is_taken = icmp eq i64 %is_mine, 0
  br i1 %is_taken, label %leave, label %begin
begin:
  %started = call i64 @now()
  %state = call ptr {_at("PyEval_SaveThread")}()
  br i1 %is_alone, label %alone, label %together
alone:
  %said_alone = call i64 {_native("run_alone")}(ptr %job)
  br label %done
together:
  %said_together = call i64 {_native("run")}(ptr %board, ptr %job, i64 %helpers)
  store atomic i64 0, ptr %busy_at seq_cst, align 8
  br label %done
done:
  %said = phi i64 [ %said_alone, %alone ], [ %said_together, %together ]
  call void {_at("PyEval_RestoreThread")}(ptr %state)
  %ended = call i64 @now()
  %time = sub i64 %ended, %started
  %is_silent = icmp eq i64 %said, 0
  br i1 %is_silent, label %silent, label %judge
silent:
  call void @note(ptr %block, ptr %record, i64 %time)
  store i64 0, ptr %in_use_at
  %result_at = getelementptr i64, ptr %block, i64 {RESULT}
  %result = load ptr, ptr %result_at
  call void {_at("Py_IncRef")}(ptr %result)
  ret ptr %result
judge:
  %elapsed_at = getelementptr i64, ptr %block, i64 {ELAPSED}
  store i64 %time, ptr %elapsed_at
  call void @release(ptr %record)
  %judged = call ptr @finish(ptr %table, ptr %block, ptr %values, i64 %count)
  store i64 0, ptr %in_use_at
  ret ptr %judged
leave:
  store i64 0, ptr %in_use_at
  br label %unfit
unfit:
  call void @release(ptr %record)
  br label %fall
fall:
  %found = call ptr @fall(ptr %table, ptr %values, i64 %count)
  ret ptr %found
}}

define internal void @release(ptr %record) {{
start:
  %is_kept = icmp ne ptr %record, null
  br i1 %is_kept, label %drop, label %end
drop:
  call void {_at("Py_DecRef")}(ptr %record)
  br label %end
end:
  ret void
}}

; Ask Python what to make of a run that has something to say: finish(number, values).
define internal ptr @finish(ptr %table, ptr %block, ptr %values, i64 %count) {{
start:
  %function_at = getelementptr ptr, ptr %table, i64 {FINISH}
  %function = load ptr, ptr %function_at
  %number_at = getelementptr i64, ptr %block, i64 {NUMBER}
  %number = load i64, ptr %number_at
  %first = call ptr {_at("PyLong_FromLongLong")}(i64 %number)
  %has_failed = icmp eq ptr %first, null
  br i1 %has_failed, label %failed, label %go
go:
  %all = add i64 %count, 1
  %passed = alloca ptr, i64 %all
  store ptr %first, ptr %passed
  br label %next
next:
  %position = phi i64 [ 0, %go ], [ %later, %copy ]
  %is_left = icmp slt i64 %position, %count
  br i1 %is_left, label %copy, label %ask
copy:
  %later = add i64 %position, 1
  %from = getelementptr ptr, ptr %values, i64 %position
  %to = getelementptr ptr, ptr %passed, i64 %later
  %value = load ptr, ptr %from
  store ptr %value, ptr %to
  br label %next
ask:
  %found = call ptr {_at("PyObject_Vectorcall")}(ptr %function, ptr %passed, i64 %all, ptr null)
  call void {_at("Py_DecRef")}(ptr %first)
  ret ptr %found
failed:
  ret ptr null
}}
"""


_FILTERS_NAME = sys.intern("filters")  # one object, so that its address stays
