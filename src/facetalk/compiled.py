"""The one door to numba: loops that numpy cannot express are compiled on their first call.

Compiled code is kept on disk (beside the source or in the user's cache folder) so that only the first run on a
machine waits for the compiler; where no folder can be written the code is compiled anew in each process.
"""

import inspect
from collections.abc import Callable

import numba


def kernel(function: Callable) -> Callable:
    """Compile `function` for one thread, without the GIL, so that frames can run side by side."""
    return _compiled(function, fastmath=False)


def finite_kernel(function: Callable) -> Callable:
    """Like `kernel`, for loops that never meet NaN or infinity and may round as is fastest: pictures, not surfaces."""
    return _compiled(function, fastmath=True)


def _compiled(function: Callable, **options: bool) -> Callable:
    plain = inspect.unwrap(function)  # shape checks under pytest wrap every function; numba needs the bare one
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy", **options)(plain)
    except RuntimeError:  # numba found no folder it may write to
        return numba.njit(nogil=True, error_model="numpy", **options)(plain)
