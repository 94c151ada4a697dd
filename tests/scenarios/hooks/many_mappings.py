"""8,000 pairs of mmap and munmap, and 8,000 mappings at once that go in another order than they came."""

PAGE = 4096
PAIRS = 8000
N = 53 * PAGE
EXPECTED = {
    "pairs": {"total": {"mmap": (PAIRS * N, PAIRS)}},
    "at_once": {"total": {"mmap": (PAIRS * (N + PAGE), PAIRS), "malloc": (8 * PAIRS, 1)}},
}


def pairs():
    blocks.of_bytes_and_count("many_pairs")(N, PAIRS)


def at_once():
    blocks.of_bytes_and_count("many_at_once")(N + PAGE, PAIRS)


def check(lab, run):
    lab.cases(run, EXPECTED)
    lab.equal(sum(row.bytes for row in run.case("at_once", "peak") if row.allocator == "mmap"), PAIRS * (N + PAGE),
              "all of them at the peak")


if __name__ == "__main__":
    import blocks

    pairs()
    at_once()
