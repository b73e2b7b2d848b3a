"""Ctrl-C inside a kernel: what notes the signal, and what says which threads it stops.

While the main thread runs a job that may be stopped, a handler of ours stands before Python's:
it notes the signal and calls Python's, which makes Python raise KeyboardInterrupt as soon as it
runs again. Kernels ask (`codegen.stopping`) and leave their loops; chunks not begun are passed
over. Nothing else is stopped: not what other threads launched, who get no such exception, and
nothing at all where the program handles the signal in a way of its own, which may be to go on.

Asking is one load. Where a signal came, a thread finds its job, and whether that is to stop, by
`pthread_getspecific`.
"""

from __future__ import annotations

import ctypes
import signal
import sys
import threading

NOTED = "autopar_noted_signal"
ASKED = "autopar_is_stopped"
# Cells of a job: whether a signal may stop it, and whether one has. See `codegen.native`.
STOPS, STOPPED = 12, 13
_ACTION_CELLS = 32  # a struct sigaction has at most 256 bytes; its handler comes first
_KEY_BITS = 64 if sys.platform == "darwin" else 32


def _key() -> int:
    """Return a key of the system's for one word of each thread."""
    key = ctypes.c_uint64(0)
    if ctypes.CDLL(None).pthread_key_create(ctypes.byref(key), None):
        raise OSError("no key for a word of each thread")
    return key.value


def text() -> str:
    """Return the native functions: `begin` and `finish` of a job, `bind` of a thread, asking."""
    key = f"i{_KEY_BITS} {_key()}"
    return f"""
@{NOTED} = global i64 0
@former = internal global [{_ACTION_CELLS} x i64] zeroinitializer, align 16
@own = internal global [{_ACTION_CELLS} x i64] zeroinitializer, align 16
declare i32 @sigaction(i32, ptr, ptr)
declare ptr @memcpy(ptr, ptr, i64)
declare i32 @pthread_setspecific(i{_KEY_BITS}, ptr)
declare ptr @pthread_getspecific(i{_KEY_BITS})

define internal void @on_signal(i32 %signal, ptr %information, ptr %context) {{
start:
  store volatile i64 1, ptr @{NOTED}
  %handler = load ptr, ptr @former
  call void %handler(i32 %signal, ptr %information, ptr %context)
  ret void
}}

; Whether a job may be stopped.
define internal i1 @stops(ptr %job) {{
start:
  %stops_at = getelementptr i64, ptr %job, i64 {STOPS}
  %stops = load i64, ptr %stops_at
  %may = icmp ne i64 %stops, 0
  ret i1 %may
}}

; Let signals stop a job that may be stopped, from here until `finish`.
define internal void @begin(ptr %job) {{
start:
  %stopped_at = getelementptr i64, ptr %job, i64 {STOPPED}
  store i64 0, ptr %stopped_at
  %may = call i1 @stops(ptr %job)
  br i1 %may, label %look, label %end
look:
  store volatile i64 0, ptr @{NOTED}
  %a = call i32 @sigaction(i32 {int(signal.SIGINT)}, ptr null, ptr @former)
  %handler = load i64, ptr @former
  %is_handled = icmp ugt i64 %handler, 1
  br i1 %is_handled, label %install, label %leave
install:
  %b = call ptr @memcpy(ptr @own, ptr @former, i64 {8 * _ACTION_CELLS})
  store ptr @on_signal, ptr @own
  %c = call i32 @sigaction(i32 {int(signal.SIGINT)}, ptr @own, ptr null)
  br label %end
leave:
  ; The signal is ignored, or ends the process: nothing to do about it.
  %stops_at = getelementptr i64, ptr %job, i64 {STOPS}
  store i64 0, ptr %stops_at
  br label %end
end:
  ret void
}}

define internal void @finish(ptr %job) {{
start:
  %may = call i1 @stops(ptr %job)
  br i1 %may, label %restore, label %end
restore:
  %a = call i32 @sigaction(i32 {int(signal.SIGINT)}, ptr @former, ptr null)
  store volatile i64 0, ptr @{NOTED}
  br label %end
end:
  ret void
}}

; Note what job this thread works for; null for none that may be stopped.
define internal void @bind(ptr %job) {{
start:
  %a = call i32 @pthread_setspecific({key}, ptr %job)
  ret void
}}

; Whether a signal has come for a job: then it is marked as stopped.
define internal i1 @is_hit(ptr %job) {{
start:
  %may = call i1 @stops(ptr %job)
  br i1 %may, label %look, label %no
look:
  %noted = load volatile i64, ptr @{NOTED}
  %is_noted = icmp ne i64 %noted, 0
  br i1 %is_noted, label %mark, label %no
mark:
  %stopped_at = getelementptr i64, ptr %job, i64 {STOPPED}
  store atomic i64 1, ptr %stopped_at seq_cst, align 8
  ret i1 true
no:
  ret i1 false
}}

; Whether this thread is to leave its kernel; asked only where some signal came.
define i64 @{ASKED}() {{
start:
  %job = call ptr @pthread_getspecific({key})
  %has_none = icmp eq ptr %job, null
  br i1 %has_none, label %no, label %look
look:
  %is_hit = call i1 @is_hit(ptr %job)
  br i1 %is_hit, label %yes, label %no
yes:
  ret i64 1
no:
  ret i64 0
}}
"""


def may_stop() -> bool:
    """Return whether Ctrl-C ends what this thread does, with KeyboardInterrupt and nothing else."""
    if threading.get_ident() != threading.main_thread().ident:
        return False
    return signal.getsignal(signal.SIGINT) is signal.default_int_handler


def interrupted() -> KeyboardInterrupt:
    """Return what to raise where a job was stopped; Python mostly raises it here by itself."""
    ctypes.pythonapi.PyErr_CheckSignals()
    return KeyboardInterrupt()
