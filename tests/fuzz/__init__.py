"""The differential fuzzer: drawn programs, undecorated and under `autopar.parallel`, compared bit for bit.

`python -m tests.fuzz --seconds 60 --seed 1 --backend cpu` says how many programs were run, how many really entered
a kernel, and for a mismatch prints a shrunk program that shows it.
"""
