"""Whether a thread has the stack that analysis and compilers take: they crash where it ends.

Threads have what `threading.stack_size` said when they were started, 8 MiB where it said nothing.
Measured on x86-64: 64 KiB are too little for isl and LLVM, 96 KiB are enough for the tests' largest
functions.
"""

import threading

_LEAST_BYTES = 256 * 1024


def has_little_stack() -> bool:
    """Return whether this thread was started, as far as told, with a small stack."""
    return are_new_ones_small() and threading.current_thread() is not threading.main_thread()


def are_new_ones_small() -> bool:
    """Return whether a thread that is started now would have a small stack."""
    return 0 < threading.stack_size() < _LEAST_BYTES
