"""tracemalloc, between Python's allocators and sonde's hooks: what it releases from within an allocator is seen, and
nothing of its own stays live."""

PROGRAM = """
import tracemalloc
def grown():
    kept = []
    for number in range(3000):
        kept.append(bytes(20))
        if number % 100 == 0:
            kept = kept * 2
            del kept[len(kept) // 2:]
    return len(kept)
for _ in range(5):
    assert grown() == 3000
tracemalloc.stop()
"""


def scenario(lab):
    program = lab.write("program.py", PROGRAM)
    other = "mimalloc" if lab.python.free_threaded else "malloc"
    for environment in ({"PYTHONTRACEMALLOC": "1"}, {"PYTHONTRACEMALLOC": "3", "PYTHONMALLOC": other},
                        {"PYTHONTRACEMALLOC": "1", "PYTHONMALLOC": "debug"}):
        run = lab.record([program], ["--trace-python-allocators"], environment)
        lab.equal((run.output, run.errors), (b"", b""), f"{environment}: what was said")
        # Python keeps a few small objects for later; what is malloc's here is tracemalloc's.
        left = run.rows("leaks", "--function", "grown")
        lab.equal([row for row in left if row.allocator == "malloc"], [], f"{environment}: left of tracemalloc")
        lab.true(sum(row.bytes for row in left) < 1000, f"{environment}: what is left: {left}")
