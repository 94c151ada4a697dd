"""realloc, by all its ways: from nothing, smaller, moved, to zero, failing, in steps, of arrays."""

N = 100043


def resize_from_null():
    blocks.of_bytes("resize_from_null")(N)


def resize_smaller():
    blocks.of_bytes("resize_smaller")(N)


def resize_moved():
    blocks.of_bytes("resize_moved")(N)


def resize_to_zero():
    blocks.of_bytes("resize_to_zero")(N)


def resize_failing():
    blocks.of_bytes("resize_failing")(N)


def resize_in_steps():
    blocks.of_bytes("resize_in_steps")(N)


def resize_array():
    blocks.of_bytes("resize_array")(N)


def resize_array_overflow():
    blocks.of_bytes("resize_array_overflow")(N)


EXPECTED = {
    "resize_from_null": {"total": {"realloc": (N, 1)}, "leaks": {"realloc": (N, 1)}},
    "resize_smaller": {"total": {"malloc": (3 * N, 1), "realloc": (N, 1)}, "leaks": {"realloc": (N, 1)}},
    "resize_moved": {"total": {"malloc": (N, 1), "realloc": (11 * N, 1)}, "leaks": {"realloc": (11 * N, 1)}},
    "resize_to_zero": {"total": {"malloc": (N, 1)}},
    "resize_failing": {"total": {"malloc": (2 * N + 2, 2)}, "leaks": {"malloc": (N, 1)}},
    "resize_in_steps": {"total": {"realloc": (55 * N, 10)}},
    "resize_array": {"total": {"reallocarray": (10 * N, 3)}, "leaks": {"reallocarray": (2 * N, 1)}},
    "resize_array_overflow": {"total": {"malloc": (N, 1)}},
}


def check(lab, run):
    lab.cases(run, EXPECTED)


if __name__ == "__main__":
    import blocks

    resize_from_null()
    resize_smaller()
    resize_moved()
    resize_to_zero()
    resize_failing()
    resize_in_steps()
    resize_array()
    resize_array_overflow()
