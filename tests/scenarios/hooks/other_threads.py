"""Blocks that another thread frees, that go to and fro between threads, that die after their thread's own
storage: no block is negative, doubled or left over."""

N = 100057
HANDED = 60000
REUSED = 60000
CASES = ("handed_over", "released_and_reused")
OF_HEAP = ("malloc", "realloc")
EXPECTED = {
    "by_thread": {"total": {"malloc": (N, 1)}},
}


def by_thread():
    blocks.of_bytes("freed_by_thread")(N)


def in_destructor():
    blocks.of_bytes("freed_in_destructor")(N + 16)


def in_last_destructor():
    blocks.of_bytes("freed_in_last_destructor")(N + 32)


def handed_over():
    blocks.of_bytes_and_count("handed_over")(208, HANDED)


def released_and_reused():
    blocks.of_bytes_and_count("released_and_reused")(240, REUSED)


def check(lab, run):
    lab.cases(run, EXPECTED)
    # The destructors' blocks are made by native threads, which have no Python stack.
    for size in (N + 16, N + 32):
        lab.equal([(row.allocator, row.count, row.stack) for row in run.rows("total", "--split-threads")
                   if row.bytes == size], [("malloc", 1, ())], f"the block of {size} bytes of a native thread")
        lab.equal([row for row in run.rows("leaks", "--split-threads") if row.bytes == size], [],
                  f"leaked: the block of {size} bytes that a destructor freed")

    expected = {
        # Of three blocks one is made by a realloc of a block of 64 bytes.
        ("handed_over", "malloc"): (HANDED // 3 * (2 * 208 + 64), HANDED),
        ("handed_over", "realloc"): (HANDED // 3 * 208, HANDED // 3),
        # Two blocks a round in either thread; one of them is reallocated, every other time to 16 more.
        ("released_and_reused", "malloc"): (REUSED * 2 * 240, REUSED * 2),
        ("released_and_reused", "realloc"): (REUSED * 240 + REUSED // 2 * 16, REUSED),
        (None, "malloc"): (REUSED * 2 * 240, REUSED * 2),
        (None, "realloc"): (REUSED * 240 + REUSED // 2 * 16, REUSED),
    }
    found = {(row.stack[0].function if row.stack else None, row.allocator): (row.bytes, row.count)
             for row in run.rows("total", "--split-threads") if row.count >= 1000 and row.allocator in OF_HEAP and
             (not row.stack or row.stack[0].function in CASES)}
    lab.equal(found, expected, "blocks between two threads")
    lab.equal([row for row in run.rows("leaks") if row.count >= 2 and row.allocator in OF_HEAP and
               (not row.stack or row.stack[0].function in CASES)], [], "left over between two threads")
    lab.equal(run.stats()["metadata"]["events_lost"], 0, "events lost")


if __name__ == "__main__":
    import blocks

    by_thread()
    in_destructor()
    in_last_destructor()
    handed_over()
    released_and_reused()
