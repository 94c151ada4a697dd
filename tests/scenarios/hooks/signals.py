"""A signal handler that allocates while a hook is at work: each of its events is recorded or counted as lost."""

N = 100129
ROUNDS = 1000000


def interrupted():
    blocks.of_bytes_and_count("interrupted")(N, ROUNDS)


def check(lab, run):
    mapped = int(run.output)
    rows = [row for row in run.rows("total") if row.stack and row.stack[0].function == "interrupted"]
    of_loop = [row for row in rows if row.allocator == "malloc" and row.count >= ROUNDS]
    lab.equal([(row.bytes, row.count) for row in of_loop], [(ROUNDS * (N + 2), ROUNDS)], "the interrupted loop")
    recorded = sum(row.count for row in rows if row.allocator == "mmap" and row.bytes == N * row.count)
    lost = run.stats()["metadata"]["events_lost"]
    # A mapping that was recorded may have lost its release and the other way round: each is one event.
    lab.true(mapped > 10, f"the timer struck {mapped} times")
    lab.true(0 <= mapped - recorded <= lost, f"{mapped} mappings, {recorded} recorded, {lost} events lost")


if __name__ == "__main__":
    import ctypes

    import blocks

    interrupted()
    count = blocks._bind("interrupts_mapped", result=ctypes.c_long)
    print(count())
