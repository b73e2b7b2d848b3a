"""Side-by-side measurements: CPython, NumPy, hand-written Numba, autopar.

    python -m benchmarks [--quick] [--json [FILE]] [--only NAME]

`kernels` says what is measured, `harness` measures the kernels, `overheads` what surrounds them,
`report` prints it and holds it against the bars.  `gpu_check.py` is a script of its own.
"""
