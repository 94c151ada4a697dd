"""A broad part of CPython's own tests, subprocesses, signals and asyncio among them."""

import os
import sys

FULL = True
LIMIT_SECONDS = 3600
MODULES = ["test_gc", "test_weakref", "test_thread", "test_array", "test_descr", "test_compile", "test_threading", "test_subprocess", "test_importlib", "test_unicode", "test_bytes", "test_fork1", "test_os",
           "test_sys", "test_queue", "test_pickle", "test_json", "test_re", "test_zlib", "test_io", "test_deque",
           "test_set", "test_itertools", "test_functools", "test_typing", "test_dataclasses", "test_enum", "test_inspect",
           "test_traceback", "test_faulthandler", "test_signal", "test_selectors", "test_asyncio",
           "test_concurrent_futures", "test_interpreters", "test_marshal", "test_dis", "test_unittest", "test_logging",
           "test_sqlite3", "test_sqlite", "test_xml_etree_c", "test_decimal", "test_random", "test_datetime",
           "test_memoryview", "test_buffer", "test_super", "test_with", "test_extcall", "test_cmd_line_script",
           "test_zipimport", "test_list", "test_dict", "test_multiprocessing_fork", "test_multiprocessing_spawn",
           "test_capi", "test_embed", "test_posix", "test_pty", "test_wait4", "test_resource", "test_mailbox"]


def scenario(lab):
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import _own_tests

    _own_tests.compare(lab, MODULES, ([], ["--trace-python-allocators"]))
