"""The part of the thread pool that runs without Python: a few lines of LLVM code.

Threads that hand out chunks in Python meet at the GIL after every chunk, and whoever comes
second sleeps and has to be woken: 100 us a launch on two cores. Here a thread of the pool
never touches the GIL again once it serves, and a launch is one call.

A *board* is what the threads of a pool share, a *job* one launch; both are arrays of 64-bit
integers (indices below). A chunk is run by the job's *entry*, which `codegen.entries` makes.
"""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from autopar.analysis.model.later import Later

from . import interrupts
from .lasting_code import lasting
from .once import once

if TYPE_CHECKING:
    import llvmlite.binding as llvm
else:
    llvm = Later("llvmlite.binding")

# Cells of a board.
BOARD_CELLS = 16
_GENERATION, _JOB, _INSIDE, _SLEEPERS, BUSY = range(5)
_BELL = 8  # a sem_t has at most 64 bytes
# Cells of a job: the entry, the number of chunks, that of groups of them, how many are done, and
# where in the job (in bytes) the arguments, borders and outcomes lie, and the size of an outcome.
# Then how many threads have come, how many may take part, how far apart (in bytes) the sets of
# arguments lie that each thread has of its own, 0 if all have the first one, and the chunk that
# takes the first one whoever runs it. Then whether a signal may stop it, and whether one has, and
# where in the job (in bytes) the next chunk to take of each group stands, and whether the sets of
# arguments are those of the chunks, not of the threads.
#
# A group is a run of neighbouring chunks, one for each thread: a thread takes those of its own
# first, which in a loop over time are the ones whose data its caches hold, then the others'.
JOB_CELLS = 16

# How long a thread watches for the next launch before it sleeps: about half a millisecond.
# Waking a sleeping one takes 50 to 100 us. Python takes as long from one launch to the next where
# the kernel has turned all else out of the caches.
_IS_X86 = platform.machine().lower() in {"x86_64", "amd64"}
_WATCHED_TURNS = 20_000 if _IS_X86 else 800_000  # the pause of x86 takes 10 to 50 ns
# How long it watches for the others' last chunks before it lets somebody else have the core.
_AWAITED_TURNS = _WATCHED_TURNS // 8
_PAUSE = "call void @llvm.x86.sse2.pause()" if _IS_X86 else ""
_STORES_DONE = "call void @llvm.x86.sse.sfence()" if _IS_X86 else ""  # no part of C's memory model

_TEXT = f"""
declare i32 @sem_wait(ptr)
declare i32 @sem_post(ptr)
declare i32 @sched_yield()
declare void @llvm.x86.sse2.pause()
declare void @llvm.x86.sse.sfence()

; Run chunks of a job, on this thread, until all are taken; those of group `number` first.
define void @work(ptr %job, i64 %number) {{
start:
  %entry = load ptr, ptr %job
  %count_at = getelementptr i64, ptr %job, i64 1
  %count = load i64, ptr %count_at
  %groups_at = getelementptr i64, ptr %job, i64 2
  %groups = load i64, ptr %groups_at
  %done = getelementptr i64, ptr %job, i64 3
  %arguments_at = getelementptr i64, ptr %job, i64 4
  %arguments_offset = load i64, ptr %arguments_at
  %arguments = getelementptr i8, ptr %job, i64 %arguments_offset
  %borders_at = getelementptr i64, ptr %job, i64 5
  %borders_offset = load i64, ptr %borders_at
  %borders = getelementptr i8, ptr %job, i64 %borders_offset
  %outcomes_at = getelementptr i64, ptr %job, i64 6
  %outcomes_offset = load i64, ptr %outcomes_at
  %outcomes = getelementptr i8, ptr %job, i64 %outcomes_offset
  %size_at = getelementptr i64, ptr %job, i64 7
  %size = load i64, ptr %size_at
  %threads = getelementptr i64, ptr %job, i64 8
  %most_at = getelementptr i64, ptr %job, i64 9
  %most = load i64, ptr %most_at
  %stride_at = getelementptr i64, ptr %job, i64 10
  %stride = load i64, ptr %stride_at
  %last_at = getelementptr i64, ptr %job, i64 11
  %last = load i64, ptr %last_at
  %taken_at = getelementptr i64, ptr %job, i64 14
  %taken_offset = load i64, ptr %taken_at
  %taken = getelementptr i8, ptr %job, i64 %taken_offset
  %thread = atomicrmw add ptr %threads, i64 1 seq_cst
  %by_chunk_at = getelementptr i64, ptr %job, i64 15
  %by_chunk = load i64, ptr %by_chunk_at
  %is_by_chunk = icmp ne i64 %by_chunk, 0
  %takes_part = icmp slt i64 %thread, %most
  %may_stop = call i1 @stops(ptr %job)
  br i1 %takes_part, label %enter, label %end
enter:
  br i1 %may_stop, label %bind, label %take
bind:
  call void @bind(ptr %job)
  br label %take
take:
  %before = phi i64 [ 0, %enter ], [ 0, %bind ], [ %before, %over ], [ %after, %empty ]
  %are_left = icmp slt i64 %before, %groups
  br i1 %are_left, label %look, label %out
look:
  %place = add i64 %number, %before
  %group = urem i64 %place, %groups
  %next = getelementptr i64, ptr %taken, i64 %group
  %following = add i64 %group, 1
  %shares = mul i64 %following, %count
  %limit = udiv i64 %shares, %groups
  ; A look takes the cell from no other thread's cache.
  %likely = load atomic i64, ptr %next seq_cst, align 8
  %is_likely = icmp slt i64 %likely, %limit
  br i1 %is_likely, label %try, label %empty
try:
  %chunk = atomicrmw add ptr %next, i64 1 seq_cst
  %is_mine = icmp slt i64 %chunk, %limit
  br i1 %is_mine, label %ask, label %empty
empty:
  %after = add i64 %before, 1
  br label %take
ask:
  %is_hit = call i1 @is_hit(ptr %job)
  br i1 %is_hit, label %over, label %run
run:
  %lower_at = getelementptr i64, ptr %borders, i64 %chunk
  %lower = load i64, ptr %lower_at
  %upper_at = getelementptr i64, ptr %lower_at, i64 1
  %upper = load i64, ptr %upper_at
  %outcome_offset = mul i64 %chunk, %size
  %outcome = getelementptr i8, ptr %outcomes, i64 %outcome_offset
  %owner = select i1 %is_by_chunk, i64 %chunk, i64 %thread
  %own = add i64 %owner, 1
  %own_offset = mul i64 %own, %stride
  %own_arguments = getelementptr i8, ptr %arguments, i64 %own_offset
  %is_last = icmp eq i64 %chunk, %last
  %passed = select i1 %is_last, ptr %arguments, ptr %own_arguments
  call void %entry(ptr %passed, i64 %lower, i64 %upper, ptr %outcome)
  br label %over
over:
  ; What was stored past the caches comes before the chunk counts as done.
  {_STORES_DONE}
  %done_before = atomicrmw add ptr %done, i64 1 seq_cst
  br label %take
out:
  br i1 %may_stop, label %unbind, label %end
unbind:
  call void @bind(ptr null)
  br label %end
end:
  ret void
}}

; Serve a board for ever, as its thread `number`; 0 is who launches.
define void @serve(ptr %board, i64 %number) {{
start:
  %job_at = getelementptr i64, ptr %board, i64 {_JOB}
  %inside = getelementptr i64, ptr %board, i64 {_INSIDE}
  %sleepers = getelementptr i64, ptr %board, i64 {_SLEEPERS}
  %bell = getelementptr i64, ptr %board, i64 {_BELL}
  br label %watch
watch:
  %seen = phi i64 [ 0, %start ], [ %seen, %woken ], [ %now, %served ]
  br label %spin
spin:
  %turn = phi i64 [ 0, %watch ], [ %later, %again ]
  %now = load atomic i64, ptr %board seq_cst, align 8
  %has_come = icmp ne i64 %now, %seen
  br i1 %has_come, label %enter, label %again
again:
  {_PAUSE}
  %later = add i64 %turn, 1
  %is_tired = icmp sgt i64 %later, {_WATCHED_TURNS}
  br i1 %is_tired, label %tired, label %spin
tired:
  %a = atomicrmw add ptr %sleepers, i64 1 seq_cst
  ; A launch between the last look and the line above has not seen this sleeper.
  %meanwhile = load atomic i64, ptr %board seq_cst, align 8
  %is_calm = icmp eq i64 %meanwhile, %seen
  br i1 %is_calm, label %sleep, label %woken
sleep:
  %b = call i32 @sem_wait(ptr %bell)
  br label %woken
woken:
  %c = atomicrmw sub ptr %sleepers, i64 1 seq_cst
  br label %watch
enter:
  ; First in, then look: a launcher takes its job down, then waits until nobody is inside.
  %d = atomicrmw add ptr %inside, i64 1 seq_cst
  %job_number = load atomic i64, ptr %job_at seq_cst, align 8
  %has_job = icmp ne i64 %job_number, 0
  br i1 %has_job, label %help, label %served
help:
  %job = inttoptr i64 %job_number to ptr
  call void @work(ptr %job, i64 %number)
  br label %served
served:
  %e = atomicrmw sub ptr %inside, i64 1 seq_cst
  br label %watch
}}

; Wait until a cell has a value, spinning at first.
define internal void @await(ptr %cell, i64 %value) {{
start:
  br label %look
look:
  %turn = phi i64 [ 0, %start ], [ %later, %spin ], [ %later, %yield ]
  %now = load atomic i64, ptr %cell seq_cst, align 8
  %is_there = icmp eq i64 %now, %value
  br i1 %is_there, label %end, label %again
again:
  %later = add i64 %turn, 1
  %is_tired = icmp sgt i64 %later, {_AWAITED_TURNS}
  br i1 %is_tired, label %yield, label %spin
spin:
  {_PAUSE}
  br label %look
yield:
  %a = call i32 @sched_yield()
  br label %look
end:
  ret void
}}

; Whether any chunk of a job that is done left an error code, processor flags or a status.
define internal i64 @says_something(ptr %job) {{
start:
  %count_at = getelementptr i64, ptr %job, i64 1
  %count = load i64, ptr %count_at
  %outcomes_at = getelementptr i64, ptr %job, i64 6
  %outcomes_offset = load i64, ptr %outcomes_at
  %outcomes = getelementptr i8, ptr %job, i64 %outcomes_offset
  %size_at = getelementptr i64, ptr %job, i64 7
  %size = load i64, ptr %size_at
  br label %next
next:
  %chunk = phi i64 [ 0, %start ], [ %later, %look ]
  %all = phi i64 [ 0, %start ], [ %more, %look ]
  %is_left = icmp slt i64 %chunk, %count
  br i1 %is_left, label %look, label %end
look:
  %offset = mul i64 %chunk, %size
  %code_at = getelementptr i8, ptr %outcomes, i64 %offset
  %flags_at = getelementptr i64, ptr %code_at, i64 1
  %status_at = getelementptr i64, ptr %code_at, i64 2
  %code = load i64, ptr %code_at
  %flags = load i64, ptr %flags_at
  %status = load i64, ptr %status_at
  %a = or i64 %code, %flags
  %b = or i64 %status, %a
  %more = or i64 %all, %b
  %later = add i64 %chunk, 1
  br label %next
end:
  ret i64 %all
}}

; Make a job as it was before it ran.
define internal void @renew(ptr %job) {{
start:
  %done = getelementptr i64, ptr %job, i64 3
  store i64 0, ptr %done
  %threads = getelementptr i64, ptr %job, i64 8
  store i64 0, ptr %threads
  %count_at = getelementptr i64, ptr %job, i64 1
  %count = load i64, ptr %count_at
  %groups_at = getelementptr i64, ptr %job, i64 2
  %groups = load i64, ptr %groups_at
  %taken_at = getelementptr i64, ptr %job, i64 14
  %taken_offset = load i64, ptr %taken_at
  %taken = getelementptr i8, ptr %job, i64 %taken_offset
  br label %next
next:
  %group = phi i64 [ 0, %start ], [ %following, %set ]
  %is_left = icmp slt i64 %group, %groups
  br i1 %is_left, label %set, label %end
set:
  %shares = mul i64 %group, %count
  %first = udiv i64 %shares, %groups
  %next_at = getelementptr i64, ptr %taken, i64 %group
  store i64 %first, ptr %next_at
  %following = add i64 %group, 1
  br label %next
end:
  ret void
}}

; Run a job on this thread alone, as `run` does.
define i64 @run_alone(ptr %job) {{
start:
  call void @renew(ptr %job)
  call void @begin(ptr %job)
  call void @work(ptr %job, i64 0)
  call void @finish(ptr %job)
  %said = call i64 @says_something(ptr %job)
  ret i64 %said
}}

; Take a board for oneself; returns 0 where somebody else has it. Who took it sets the cell to 0.
define i64 @seize(ptr %board) {{
start:
  %busy = getelementptr i64, ptr %board, i64 {BUSY}
  %pair = cmpxchg ptr %busy, i64 0, i64 1 seq_cst seq_cst
  %is_mine = extractvalue {{ i64, i1 }} %pair, 1
  %found = zext i1 %is_mine to i64
  ret i64 %found
}}

; Run a job, with the help of at most `helpers` threads of the board; returns when it is done,
; 0 where no chunk left anything but a status of 0. May be called again for the same job.
define i64 @run(ptr %board, ptr %job, i64 %helpers) {{
start:
  call void @renew(ptr %job)
  call void @begin(ptr %job)
  %done = getelementptr i64, ptr %job, i64 3
  %job_at = getelementptr i64, ptr %board, i64 {_JOB}
  %inside = getelementptr i64, ptr %board, i64 {_INSIDE}
  %sleepers = getelementptr i64, ptr %board, i64 {_SLEEPERS}
  %bell = getelementptr i64, ptr %board, i64 {_BELL}
  %job_number = ptrtoint ptr %job to i64
  store atomic i64 %job_number, ptr %job_at seq_cst, align 8
  %a = atomicrmw add ptr %board, i64 1 seq_cst
  %asleep = load atomic i64, ptr %sleepers seq_cst, align 8
  %are_many = icmp sgt i64 %asleep, %helpers
  %wanted = select i1 %are_many, i64 %helpers, i64 %asleep
  br label %next
next:
  %rung = phi i64 [ 0, %start ], [ %more, %ring ]
  %is_enough = icmp sge i64 %rung, %wanted
  br i1 %is_enough, label %join, label %ring
ring:
  %b = call i32 @sem_post(ptr %bell)
  %more = add i64 %rung, 1
  br label %next
join:
  call void @work(ptr %job, i64 0)
  %count_at = getelementptr i64, ptr %job, i64 1
  %count = load i64, ptr %count_at
  call void @await(ptr %done, i64 %count)
  store atomic i64 0, ptr %job_at seq_cst, align 8
  call void @await(ptr %inside, i64 0)
  call void @finish(ptr %job)
  %said = call i64 @says_something(ptr %job)
  ret i64 %said
}}

"""


class Machine(NamedTuple):
    """The native functions of the pool; each call lets go of the GIL."""

    serve: Callable[[int, int], None]
    run: Callable[[int, int, int], int]
    run_alone: Callable[[int], int]
    seize: Callable[[int], int]
    engine: Any  # keeps the code


@once
def machine() -> Machine:
    """Return the functions above, compiled; takes a few milliseconds."""
    engine = lasting(_TEXT + interrupts.text(), level=0)
    for name in (interrupts.ASKED, interrupts.NOTED):
        find = engine.get_global_value_address
        llvm.add_symbol(name, find(name))

    def function(name: str, result: type | None, *kinds: type) -> Any:  # noqa: ANN401 - untyped
        return ctypes.CFUNCTYPE(result, *kinds)(engine.get_function_address(name))

    word = ctypes.c_int64
    return Machine(
        serve=function("serve", None, word, word),
        run=function("run", word, word, word, word),
        run_alone=function("run_alone", word, word),
        seize=function("seize", word, word),
        engine=engine,
    )


def compiled(text: str, level: int = 2) -> Any:  # noqa: ANN401 - llvmlite is untyped
    """Return LLVM's engine with the machine code of `text`.

    At level 0 that takes a quarter of the time, which is worth more than the nanoseconds that a
    few calls lose.
    """
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    module = llvm.parse_assembly(text)
    module.verify()
    target = llvm.Target.from_default_triple().create_target_machine(opt=level)
    engine = llvm.create_mcjit_compiler(module, target)
    engine.finalize_object()
    return engine


def attributes() -> str:
    """Return what lets LLVM use the widest registers of this processor."""
    features = llvm.get_host_cpu_features()
    wide = next((each for each in ("avx512f", "avx") if features.get(each)), None)
    return f'"target-features"="+{wide}"' if wide else ""


class Board:
    """What the threads of one pool watch; lives as long as the process, as they do."""

    def __init__(self) -> None:
        self._cells = (ctypes.c_int64 * BOARD_CELLS)()
        self.address = ctypes.addressof(self._cells)
        initialise = ctypes.CDLL(None).sem_init
        self.is_usable = initialise(ctypes.c_void_p(self.address + 8 * _BELL), 0, 0) == 0

    @property
    def launches(self) -> int:
        """How many launches the threads were called for so far."""
        found: int = self._cells[_GENERATION]
        return found

    def seize(self) -> bool:
        """Return whether the threads are now the caller's, who is to `release` them."""
        return bool(machine().seize(self.address))

    def release(self) -> None:
        """Let others have the threads."""
        self._cells[BUSY] = 0
