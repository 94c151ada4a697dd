"""brk and sbrk, up and down."""

N = 131 * 4096 + 24


def break_raised():
    blocks.of_bytes("break_raised")(N)


def break_raised_and_lowered():
    blocks.of_bytes("break_raised_and_lowered")(N)


def break_lowered_by_part():
    blocks.of_bytes("break_lowered_by_part")(N)


def break_set():
    blocks.of_bytes("break_set")(N)


EXPECTED = {
    "break_raised": {"total": {"sbrk": (N, 1)}, "leaks": {"sbrk": (N, 1)}},
    "break_raised_and_lowered": {"total": {"sbrk": (N, 1)}},
    "break_lowered_by_part": {"total": {"sbrk": (N, 1)}},
    "break_set": {"total": {"brk": (N, 1)}},
}


def check(lab, run):
    lab.cases(run, EXPECTED, metrics=("total",))
    for function, expected in (("break_raised", (N, 1)), ("break_raised_and_lowered", (0, 0)),
                               ("break_lowered_by_part", (12345, 1)), ("break_set", (23456, 1))):
        rows = [row for row in run.case(function, "leaks", least=1) if row.allocator in ("brk", "sbrk")]
        lab.equal((sum(row.bytes for row in rows), sum(row.count for row in rows)), expected, f"{function}: leaks")


if __name__ == "__main__":
    import blocks

    break_raised()
    break_raised_and_lowered()
    break_lowered_by_part()
    break_set()
