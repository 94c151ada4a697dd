"""A quick part of CPython's own tests: what touches frames, code objects, the collector, threads and memory."""

import os
import sys

LIMIT_SECONDS = 400
MODULES = ["test_generators", "test_coroutines", "test_asyncgen", "test_frame", "test_ctypes", "test_import",
           "test_codecs", "test_exceptions", "test_sys_settrace", "test_sys_setprofile", "test_code", "test_mmap",
           "test_context", "test_call", "test_yield_from", "test_scope", "test_monitoring", "test_runpy", "test_atexit"]


def scenario(lab):
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import _own_tests

    _own_tests.compare(lab, MODULES, ([], ["--trace-python-allocators"]))
