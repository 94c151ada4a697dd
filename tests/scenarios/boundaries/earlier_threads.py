"""A thread that was started before the user's code is recorded once that has begun, with its own stack."""

N = 100357
SITE = """
import ctypes, os, sys, threading
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]

def early_work():
    libc.malloc(%d)
    sys.ready.set()
    sys.go.wait(20)
    later_work()
    sys.done.set()

def later_work():
    for _ in range(10):
        libc.malloc(%d)

sys.ready, sys.go, sys.done = threading.Event(), threading.Event(), threading.Event()
if "SCENARIO_BLOCKS" in os.environ:
    threading.Thread(target=early_work, daemon=True).start()
    sys.ready.wait(20)
""" % (N + 16, N)
PROGRAM = """
import sys
kept = bytes(%d)
sys.go.set()
sys.done.wait(20)
""" % N


def scenario(lab):
    lab.write("site/sitecustomize.py", SITE)
    program = lab.write("program.py", PROGRAM)
    run = lab.record([program], environment={"PYTHONPATH": lab.path("site")})
    lab.equal([row for row in run.rows("total") if row.bytes == N + 16], [], "what it took before")
    rows = run.case("later_work")
    lab.equal([(row.allocator, row.bytes, row.count) for row in rows], [("malloc", 10 * N, 10)], "what it took after")
    functions = [frame.function.rpartition(".")[2] for frame in rows[0].stack] if rows else []
    lab.equal(functions, ["later_work", "early_work", "run", "_bootstrap_inner", "_bootstrap"], "its stack")
