"""mremap that grows, shrinks, moves, moves over another mapping, moves a part, copies, and fails."""

PAGE = 4096
N = 41 * PAGE


def remap_grow():
    blocks.of_bytes("remap_grow")(N)


def remap_shrink():
    blocks.of_bytes("remap_shrink")(N)


def remap_fixed():
    blocks.of_bytes("remap_fixed")(N)


def remap_fixed_over():
    blocks.of_bytes("remap_fixed_over")(N)


def remap_part():
    blocks.of_bytes("remap_part")(N)


def remap_failing():
    blocks.of_bytes("remap_failing")(N)


def remap_copy():
    blocks.of_bytes("remap_copy")(N)


EXPECTED = {
    "remap_grow": {"total": {"mmap": (N, 1), "mremap": (64 * N, 1)}, "leaks": {"mremap": (64 * N, 1)}},
    "remap_shrink": {"total": {"mmap": (N, 1), "mremap": (N - 4 * PAGE, 1)}, "leaks": {"mremap": (N - 4 * PAGE, 1)}},
    "remap_fixed": {"total": {"mmap": (2 * N, 2), "mremap": (N, 1)}, "leaks": {"mremap": (N, 1)}},
    # The victim of 3 N keeps its last third.
    "remap_fixed_over": {"total": {"mmap": (5 * N, 2), "mremap": (2 * N, 1)},
                         "leaks": {"mmap": (N, 1), "mremap": (2 * N, 1)}},
    "remap_failing": {"total": {"mmap": (N, 1)}, "leaks": {"mmap": (N, 1)}},
    "remap_copy": {"total": {"mmap": (N, 1), "mremap": (N, 1)}, "leaks": {"mmap": (N, 1), "mremap": (N, 1)}},
}


def check(lab, run):
    lab.cases(run, EXPECTED)
    for metric, expected in (("total", {"mmap": (N + 2 * PAGE, 2), "mremap": (2 * PAGE, 1)}),
                             ("leaks", {"mmap": (N - 2 * PAGE, 1), "mremap": (2 * PAGE, 1)})):
        found = {}
        for row in run.case("remap_part", metric, least=2 * PAGE):
            size, count = found.get(row.allocator, (0, 0))
            found[row.allocator] = (size + row.bytes, count + row.count)
        lab.equal(found, expected, f"remap_part: {metric}")


if __name__ == "__main__":
    import blocks

    remap_grow()
    remap_shrink()
    remap_fixed()
    remap_fixed_over()
    remap_part()
    remap_failing()
    remap_copy()
