"""--aggregate keeps sums and says the same as every event does: total, leaks, peak, temporary, threads."""

N = 100213
ARENAS = [size * count for size in (256 << 10, 1 << 20) for count in range(1, 20)]
METRICS = ("total", "leaks", "peak", "temporary")


def scenario(lab):
    lab.plain([lab.script])  # the first one compiles what it imports
    full = lab.record_self()
    aggregate = lab.record_self(options=["--aggregate"])
    for metric in METRICS:
        for options in ([], ["--split-threads"]):
            one, other = of_program(lab, full, metric, options), of_program(lab, aggregate, metric, options)
            # Where Python's own blocks are traced, some of them always come between taking and giving.
            least = 0 if metric == "temporary" and lab.python.free_threaded else 4
            lab.true(len(one) >= least, f"{metric} {options}: too few rows")
            lab.equal(other, one, f"{metric} {options}")
    one, other = full.stats(), aggregate.stats()
    for key in ("peak_bytes", "leaked_bytes", "allocated_bytes", "allocations", "deallocations"):
        lab.true(abs(one[key] - other[key]) <= max(200000, one[key] // 1000), f"{key}: {one[key]} and {other[key]}")
    refused = aggregate.read("table", "--temporary=5")
    lab.true(refused.returncode == 2 and refused.stderr, f"--temporary=5 of sums: {refused}")
    refused = aggregate.read("table", "--total", "--from", "1ms")
    lab.true(refused.returncode == 2 and refused.stderr, f"a window of sums: {refused}")


def of_program(lab, run, metric, options):
    rows = {}
    for row in run.rows(metric, *options):
        if row.bytes >= 50000 * row.count and row.bytes not in ARENAS and \
                (not row.stack or row.stack[0].file == lab.script):
            # A short-lived thread that gave itself no name may have been gone before sonde could ask for it.
            named = row.thread if row.thread and row.thread.startswith("named-") else None
            key = (row.allocator, named, row.stack)
            size, count = rows.get(key, (0, 0))
            rows[key] = (size + row.bytes, count + row.count)
    return rows


def work(number):
    for index in range(50):
        blocks.give(blocks.take(N + 2 * number))
        blocks.take(N + index)


def high():
    block = blocks.take(80 * N)
    blocks.give(block)


def low():
    blocks.take(N)


if __name__ == "__main__":
    import threading

    import blocks

    blocks.of_bytes("temporary_at_once")(N)
    blocks.of_bytes("temporary_after_one")(N + 2)
    blocks.of_bytes("temporary_after_two")(N + 4)
    blocks.of_bytes("resize_moved")(N)
    blocks.of_bytes("unmap_head")(37 * 4096)
    blocks.of_bytes("threads_named")(N)
    for number in range(3):
        thread = threading.Thread(target=work, args=(number,))
        thread.start()
        thread.join()
    high()
    low()
