"""Planted faults: whether the tests would see a mistake in analysis, guards, typing or code generation.

The method is mutation analysis (DeMillo, Lipton, Sayward, Hints on test data selection, Computer, 1978).
"""
