"""Numba kernels over plain arrays. Imports nothing else of varstore."""
