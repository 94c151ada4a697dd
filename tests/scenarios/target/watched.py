"""For a target that is sampled from outside: lets whoever may run it look at it, says that it is ready, and does not
outlive a test that has forgotten it."""

import ctypes
import os
import signal

_PR_SET_PTRACER = 0x59616D61
_ANYBODY = ctypes.c_ulong(-1)
LONGEST_SECONDS = 300


def ready(*words):
    ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _ANYBODY, 0, 0, 0)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(LONGEST_SECONDS)
    print("ready", os.getpid(), *words, flush=True)
