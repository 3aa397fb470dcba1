"""How numba starts, in a process that runs nothing but varstore: the command line's.

A command is short and numba's start is most of it. What its start does for code that is not ours is left out.
"""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_alone = False


def run_alone() -> None:
    """Say that this process runs varstore only; called before numpy is loaded.

    No thread pool of OpenBLAS is started: nothing here multiplies matrices.
    """
    global _alone
    _alone = True
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@contextmanager
def loading() -> Iterator[None]:
    """Around the import of numba, where the process is varstore's alone.

    numba looks at the version of SciPy where that is installed; it does not find it meanwhile. What is loaded stays:
    the garbage collector does not look at it again and again.
    """
    if not _alone or "numba" in sys.modules:
        yield
        return
    hidden = "scipy" not in sys.modules
    enabled = gc.isenabled()
    gc.disable()
    if hidden:
        sys.modules["scipy"] = None  # what the import system takes for "not there"
    try:
        yield
    finally:
        if hidden:
            del sys.modules["scipy"]
        gc.freeze()
        if enabled:
            gc.enable()
