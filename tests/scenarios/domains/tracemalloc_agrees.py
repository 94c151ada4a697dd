"""What lives at the end, by line, is what tracemalloc says of the same process."""

import json

OPTIONS = ["--trace-python-allocators"]


def check(lab, run):
    expected = {int(line): tuple(sums) for line, sums in json.loads(run.output).items()}
    lab.true(len(expected) > 20, "too few lines")
    found = {}
    for row in run.rows("leaks"):
        if row.stack and row.stack[0].file == lab.script and row.allocator.startswith("pymalloc_") and \
                FIRST <= row.stack[0].line <= LAST:
            size, count = found.get(row.stack[0].line, (0, 0))
            found[row.stack[0].line] = (size + row.bytes, count + row.count)
    # Beside the blocks that it reports, tracemalloc itself keeps one traceback of one frame for each line that ever
    # allocated: a block of a few words, of the same size for all.
    own = {(size - expected.get(line, (0, 0))[0], count - expected.get(line, (0, 0))[1])
           for line, (size, count) in found.items()}
    if not (len(own) == 1 and 24 <= min(own)[0] <= 48 and min(own)[1] == 1):
        usual = max(own, key=[(size - expected.get(line, (0, 0))[0], count - expected.get(line, (0, 0))[1])
                              for line, (size, count) in found.items()].count)
        for line, (size, count) in found.items():
            wanted = (expected.get(line, (0, 0))[0] + usual[0], expected.get(line, (0, 0))[1] + usual[1])
            lab.equal((size, count), wanted, f"line {line}, {usual} of it tracemalloc's own")
    lab.equal(sorted(set(expected) - set(found)), [], "lines that tracemalloc knows")


def build():
    """Nothing here makes an object of a type that keeps dead ones for later (lists, dicts, floats, bound methods ..):
    tracemalloc says that such a one was made where it was taken out again, and it is not."""
    kept[0] = bytearray(5000)
    kept[1] = data * 3
    kept[2] = text * 50
    kept[3] = wide * 70
    kept[4] = -large
    kept[5] = large * large
    kept[6] = large >> 7
    kept[7] = array.array("d", data)
    kept[8] = kept[7] * 2000
    kept[8].extend(kept[7])
    kept[8].extend(kept[8])
    kept[9] = bytearray(data)
    kept[9] += data
    kept[9] += data * 10
    kept[9] += data * 500
    del kept[9][2000:]
    kept[10] = io.BytesIO()
    kept[10].write(data)
    kept[10].write(data * 100)
    kept[10].write(data * 1000)
    kept[11] = memoryview(data)
    kept[12] = Slotted()
    kept[13] = Slotted()
    kept[12].value = text * 7
    kept[13].value = wide + text
    kept[14] = text.upper()
    kept[15] = text.encode("utf-16")
    kept[16] = wide.encode("utf-8")
    kept[17] = data.hex()
    kept[18] = many * 3
    kept[19] = zlib.compress(data)
    kept[20] = hash_of(data)
    kept[21] = kept[20].copy()
    kept[22] = data.replace(b"x", b"yyyy")
    kept[23] = text.replace("e", "wide")
    kept[24] = text.ljust(4000)
    kept[25] = from_bytes(data, "big")
    kept[26] = kept[25].to_bytes(300, "big")
    kept[27] = threading.Lock()
    kept[28] = text.translate(table)
    kept[29] = bytes(100000)
    data * 3000
    text * 999


FIRST, LAST = build.__code__.co_firstlineno + 1, build.__code__.co_firstlineno + 50

if __name__ == "__main__":
    import array
    import io
    import threading
    import tracemalloc
    import zlib
    from hashlib import sha256 as hash_of

    class Slotted:
        __slots__ = ("value",)

    data, text, wide, large = b"xyz " * 60, "some text " * 9, "\U0001f40d" * 40, 3 ** 2000
    many, table = (None,) * 40, {ord("e"): "EE"}
    kept, from_bytes = [None] * 30, int.from_bytes

    tracemalloc.start()
    build()
    snapshot = tracemalloc.take_snapshot()
    tracemalloc.stop()
    sums = {}
    for trace in snapshot.traces:
        frame = trace.traceback[-1]
        if frame.filename == __file__ and FIRST <= frame.lineno <= LAST:
            size, count = sums.get(frame.lineno, (0, 0))
            sums[frame.lineno] = (size + trace.size, count + 1)
    print(json.dumps(sums))
