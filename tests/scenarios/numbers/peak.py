"""The peak is the true maximum of live bytes, with what lived at that moment and nothing else."""

MB = 1 << 20
HELD = 32 * MB + 4096 * 3


def check(lab, run):
    peak = [row for row in run.rows("peak") if row.bytes > MB and row.stack[0].file == lab.script]
    # At the top: what was held throughout, the second hill, and the mapping beside it.
    lab.equal({(row.stack[0].function, row.allocator): (row.bytes, row.count) for row in peak},
              {("held", "malloc"): (HELD, 1), ("second_hill", "malloc"): (7 * 10 * MB, 7),
               ("beside", "mmap"): (16 * MB + 4096, 1)}, "rows at the peak")
    stats = run.stats()
    top = HELD + 70 * MB + 16 * MB + 4096
    lab.true(top <= stats["peak_bytes"] < top + 8 * MB, f"peak_bytes {stats['peak_bytes']} for {top}")
    lab.equal(sum(row.bytes for row in run.rows("peak")), stats["peak_bytes"], "the rows' sum and peak_bytes")
    lab.true(0 < stats["peak_time_seconds"] < stats["metadata"]["duration_seconds"], "the moment of the peak")
    left = stats["metadata"]["duration_seconds"] - stats["peak_time_seconds"]
    lab.true(0.4 <= left < 5, f"the peak came {left:.3f} s before the end, where the program slept 0.4 s after it")
    window = run.rows("total", "--from", f"{int(1000 * (stats['peak_time_seconds'] + 0.1))}ms")
    lab.equal([row.stack[0].function for row in window if row.bytes >= MB], ["third_hill"], "what came 0.1 s later")
    lab.equal([row for row in run.rows("leaks") if row.bytes > MB and row.stack[0].file == lab.script and
                row.stack[0].function != "held"], [],
              "large leaks")
    total = run.case("first_hill")
    lab.equal((sum(row.bytes for row in total), sum(row.count for row in total)), (60 * MB, 6), "the first hill")


def held():
    return blocks.take(HELD)


def first_hill():
    high = []
    for _ in range(6):
        high.append(blocks.take(10 * MB))
    for block in high:
        blocks.give(block)


def beside():
    return mmap.mmap(-1, 16 * MB + 4096)


def second_hill():
    high = []
    for _ in range(7):
        high.append(blocks.take(10 * MB))
    for block in high:
        blocks.give(block)


def third_hill():
    block = blocks.take(85 * MB)
    blocks.give(block)


if __name__ == "__main__":
    import mmap
    import time

    import blocks

    kept = held()
    first_hill()
    mapping = beside()
    time.sleep(0.2)
    second_hill()
    mapping.close()
    time.sleep(0.4)
    third_hill()
