"""Copies between arrays, without what numba makes of ``target[:] = source``.

numba compiles such an assignment with the text of the error for arrays that do not fit, string formatting and all:
five seconds for one line, and again, half of it, for each kernel that calls it.
"""

from typing import Any

from .jit import kernel


@kernel
def copy_to(target: Any, source: Any) -> None:
    """Write ``source`` over ``target``: 1-D, of one size, and not of one memory."""
    if target.size != source.size:
        raise ValueError("copies are of one size")
    for i in range(source.size):
        target[i] = source[i]
