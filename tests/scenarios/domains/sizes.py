"""--trace-python-allocators: each object by the bytes that Python itself says it has, whatever allocator is below."""

import json

COUNT = 700
OPTIONS = ["--trace-python-allocators"]


def scenario(lab):
    usual = "mimalloc" if lab.python.free_threaded else "pymalloc"
    others = () if lab.python.free_threaded else ("malloc",)
    for malloc in (None, "debug", usual, usual + "_debug", *others):
        run = lab.record_self(options=OPTIONS, environment={"PYTHONMALLOC": malloc})
        check(lab, run, f"PYTHONMALLOC={malloc}: ")
        allocator = run.stats()["metadata"]["python_allocator"]
        wanted = {None: usual + "_debug" * lab.python.debug, "debug": usual + "_debug"}
        lab.equal(allocator, wanted.get(malloc, malloc), f"PYTHONMALLOC={malloc}: its name in the capture")
    if lab.python.free_threaded:
        # Asked for or not: nothing of them would be seen otherwise.
        run = lab.record_self(options=[])
        check(lab, run, "not asked for: ")
        lab.equal(run.stats()["metadata"]["python_allocators_traced"], True, "python_allocators_traced")
        return
    # The C library's malloc, without the option: the same blocks under their C name.
    run = lab.record_self(environment={"PYTHONMALLOC": "malloc"})
    if not lab.python.debug:
        check(lab, run, "malloc, not traced: ", malloc="malloc")


def check(lab, run, what, malloc="pymalloc_malloc"):
    expected = json.loads(run.output)
    for metric in ("total", "leaks"):
        found = {}
        for row in run.rows(metric):
            if row.stack and row.stack[0].file == lab.script and row.allocator == malloc:
                size, count = found.get(str(row.stack[0].line), (0, 0))
                found[str(row.stack[0].line)] = (size + row.bytes, count + row.count)
        for kind, (line, each, live) in expected.items():
            times = COUNT if metric == "total" or live else 0
            lab.equal(found.get(str(line), (0, 0)), (times * each, times), f"{what}{metric}: {kind}")


def objects():
    for i in indices:
        kept[i] = \
            object()
    return "object", LINE + 3, sys.getsizeof(kept[0])


def hundred_bytes():
    for i in indices:
        kept[i] = \
            hundred + b"-"
    return "bytes", LINE + 3, sys.getsizeof(kept[0])


def text():
    for i in indices:
        kept[i] = \
            ascii_text * 2
    return "str", LINE + 3, sys.getsizeof(kept[0])


def wide_text():
    for i in indices:
        kept[i] = \
            wide * 2
    return "wide str", LINE + 3, sys.getsizeof(kept[0])


def numbers():
    for i in indices:
        kept[i] = \
            -large
    return "int", LINE + 3, sys.getsizeof(kept[0])


def tuples():
    for i in indices:
        kept[i] = \
            thirty * 2
    return "tuple", LINE + 3, sys.getsizeof(kept[0])


def slots():
    for i in indices:
        kept[i] = \
            Slotted()
    return "__slots__", LINE + 3, sys.getsizeof(kept[0])


def large_blocks():
    for i in indices:
        kept[i] = \
            three_thousand + b"-"
    return "large bytes", LINE + 3, sys.getsizeof(kept[0])


def temporary():
    for _ in indices:
        len(
            hundred + b"-")
    return "freed bytes", LINE + 3, sys.getsizeof(hundred + b"-")


if __name__ == "__main__":
    import gc
    import sys

    gc.disable()  # it would take memory of its own, at any line

    class Slotted:
        __slots__ = ("a", "b", "c")

    indices = list(range(COUNT))
    hundred, three_thousand = b"x" * 100, b"y" * 3000
    ascii_text, wide = "z" * 90, "\U0001f40d" * 40
    large, thirty = 1 << 3000, (None,) * 30
    result = {}
    everything = []
    for function in (objects, hundred_bytes, text, wide_text, numbers, tuples, slots, large_blocks, temporary):
        kept = [None] * COUNT
        LINE = function.__code__.co_firstlineno
        kind, line, each = function()
        result[kind] = (line, each, function is not temporary)
        everything.append(kept)
    print(json.dumps(result))
