"""blocks.c for a target: every function of it by name; one that returns a line number raises."""

import ctypes
import os

_library = ctypes.CDLL(os.environ["SCENARIO_BLOCKS"], use_errno=False)


# Free room inside pymalloc, whose arenas these few keep: what Python takes while a scenario is at work comes from there
# and not from mmap or malloc, where it would stand beside the scenario's own blocks.
_room = [bytes(440) for _ in range(8000)][::500]


class StepFailed(Exception):
    """A step of a function of blocks.c did not do what its manual page says."""


def _check(line, function, arguments):
    if line:
        raise StepFailed(f"blocks.c:{line}, called with {arguments}")
    return line


def _bind(name, *arguments, result=ctypes.c_int):
    function = getattr(_library, name)
    function.argtypes = arguments
    function.restype = result
    if result is ctypes.c_int:
        function.errcheck = _check
    return function


def of_bytes(name):
    """A function `int name(size_t)`."""
    return _bind(name, ctypes.c_size_t)


def of_bytes_and_count(name):
    """A function `int name(size_t, int)`."""
    return _bind(name, ctypes.c_size_t, ctypes.c_int)


CALLBACK = ctypes.CFUNCTYPE(None)
COMPARE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))

hold = of_bytes_and_count("hold")
take = _bind("take", ctypes.c_size_t, result=ctypes.c_void_p)
give = _bind("give", ctypes.c_void_p, result=None)
call_back = _bind("call_back", CALLBACK, result=None)
thread_calls = _bind("thread_calls", CALLBACK)
sort_by = _bind("sort_by", ctypes.POINTER(ctypes.c_int), ctypes.c_size_t, COMPARE, result=None)
