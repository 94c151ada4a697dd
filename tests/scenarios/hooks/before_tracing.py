"""Blocks and mappings from before the first line of the user's code: freed, resized, cut and covered later,
they are nobody's, and nothing becomes negative."""

N = 100069
PAGE = 4096
MAPPED = 61 * PAGE

SITE = """
import ctypes, sys
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.mmap.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
def early():
    return [libc.malloc(%d) for _ in range(4)], [libc.mmap(None, %d, 3, 0x22, -1, 0) for _ in range(3)]
sys.early = early()
""" % (N, MAPPED)

PROGRAM = """
import ctypes, sys
libc = ctypes.CDLL(None)
libc.free.argtypes = [ctypes.c_void_p]
libc.free.restype = None
libc.realloc.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
libc.realloc.restype = libc.mmap.restype = libc.mremap.restype = ctypes.c_void_p
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
libc.mremap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int]
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
blocks, mappings = sys.early
N, PAGE, MAPPED = %d, 4096, %d

def release():
    libc.free(blocks[0])
    libc.munmap(mappings[0], MAPPED - PAGE)

def resize():
    return libc.realloc(blocks[1], 2 * N)

def resize_to_zero():
    libc.realloc(blocks[2], 0)

def remap():
    return libc.mremap(mappings[1], MAPPED, MAPPED + 16 * PAGE, 1)

def cover():
    return libc.mmap(mappings[2] + PAGE, 30 * PAGE, 3, 0x32, -1, 0)

release()
resize()
resize_to_zero()
remap()
cover()
""" % (N, MAPPED)

EXPECTED = {
    "release": {},
    "resize": {"total": {"realloc": (2 * N, 1)}, "leaks": {"realloc": (2 * N, 1)}},
    "resize_to_zero": {},
    "remap": {"total": {"mremap": (MAPPED + 16 * PAGE, 1)}, "leaks": {"mremap": (MAPPED + 16 * PAGE, 1)}},
    "cover": {"total": {"mmap": (30 * PAGE, 1)}, "leaks": {"mmap": (30 * PAGE, 1)}},
    "early": {},
}


def scenario(lab):
    lab.write("site/sitecustomize.py", SITE)
    program = lab.write("program.py", PROGRAM)
    # PYTHONPATH comes before the system's own folder, where Debian has a sitecustomize too.
    run = lab.record([program], environment={"PYTHONPATH": lab.path("site")})
    lab.cases(run, EXPECTED)
    stats = run.stats()
    lab.true(stats["leaked_bytes"] <= stats["allocated_bytes"] < 50 << 20, "bytes that never were: " + str(stats))
    whole = lab.record([program], options=["--whole-process"], environment={"PYTHONPATH": lab.path("site")})
    lab.equal({row.allocator: (row.bytes, row.count) for row in whole.rows("total")
               if row.stack and row.stack[0].function in ("early", "early.<locals>.<listcomp>", "<listcomp>") and
               row.bytes in (4 * N, 3 * MAPPED)},
              {"malloc": (4 * N, 4), "mmap": (3 * MAPPED, 3)}, "--whole-process: what was made early")
