"""MAP_FIXED takes the place of what was there: nothing is counted twice, the peak least of all."""

PAGE = 4096
N = 43 * PAGE
LARGE = 16411 * PAGE


def map_over():
    blocks.of_bytes("map_over")(LARGE)


def map_over_middle():
    blocks.of_bytes("map_over_middle")(N)


def map_over_several():
    blocks.of_bytes("map_over_several")(N)


def map_refused():
    blocks.of_bytes("map_refused")(N)


EXPECTED = {
    "map_over": {"total": {"mmap": (2 * LARGE, 2)}, "leaks": {"mmap": (LARGE, 1)}, "peak": {"mmap": (LARGE, 1)}},
    "map_over_several": {"total": {"mmap": (3 * N + 3 * N + N + 4 * PAGE, 5)},
                         "leaks": {"mmap": (2 * (N - 2 * PAGE) + N + 4 * PAGE, 3)},
                         "peak": {"mmap": (2 * (N - 2 * PAGE) + N + 4 * PAGE, 3)}},
    "map_refused": {"total": {"mmap": (N, 1)}, "leaks": {"mmap": (N, 1)}, "peak": {"mmap": (N, 1)}},
}


def check(lab, run):
    lab.cases(run, EXPECTED, metrics=("total", "leaks", "peak"))
    for metric, expected in (("total", (N + 3 * PAGE, 2)), ("leaks", (N, 2))):
        rows = run.case("map_over_middle", metric, least=3 * PAGE)
        lab.equal((sum(row.bytes for row in rows), sum(row.count for row in rows)), expected,
                  f"map_over_middle: {metric}")
    peak = run.stats()["peak_bytes"]
    lab.true(LARGE < peak < LARGE + (16 << 20), f"a peak of {peak} bytes with a mapping of {LARGE}")


def finish():
    """The highest point is the very end: the other cases keep what they have, and this is on top."""
    blocks.take(1 << 20)


if __name__ == "__main__":
    import blocks

    map_over()
    map_over_middle()
    map_over_several()
    map_refused()
    finish()
