"""Every function that makes a block is counted with the bytes that were asked for, and under its own name."""

N = 100019
PAGES16 = 65536


def family_kept():
    blocks.of_bytes("family_kept")(N)


def family_released():
    blocks.of_bytes("family_released")(N)


def family_failures():
    blocks.of_bytes("family_failures")(N)


def family_errno():
    blocks.of_bytes("family_errno")(N)


def family_nothing():
    blocks.of_bytes("family_nothing")(N)


KEPT = {
    "malloc": (N, 1), "calloc": (7 * N, 1), "realloc": (N + 1, 1), "reallocarray": (3 * N, 1),
    "posix_memalign": (N + 2, 1), "aligned_alloc": (PAGES16, 1), "memalign": (N + 3, 1), "valloc": (N + 4, 1),
    "pvalloc": (N + 5, 1),
}
EXPECTED = {
    "family_kept": {"total": KEPT, "leaks": KEPT},
    "family_released": {"total": {
        "malloc": (3 * N, 3), "calloc": (7 * N, 1), "reallocarray": (3 * N, 1), "posix_memalign": (N + 2, 1),
        "memalign": (N + 3, 1), "valloc": (N + 4, 1), "pvalloc": (N + 5, 1), "aligned_alloc": (PAGES16, 1)}},
    "family_failures": {},
    "family_errno": {"total": {"malloc": (N, 1), "realloc": (2 * N, 1), "mmap": (PAGES16, 1)}},
}


def check(lab, run):
    lab.cases(run, EXPECTED)
    for metric, count in (("total", 110), ("leaks", 100)):
        rows = [row for row in run.case("family_nothing", metric, least=0) if row.allocator == "malloc" and not row.bytes]
        lab.equal(sum(row.count for row in rows), count, f"blocks of no bytes: {metric}")


if __name__ == "__main__":
    import blocks

    family_kept()
    family_released()
    family_failures()
    family_errno()
    family_nothing()
