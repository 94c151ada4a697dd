"""munmap of a head, a tail, a middle, pieces, several mappings at once, of nothing, and failing."""

PAGE = 4096
N = 37 * PAGE


def unmap_head():
    blocks.of_bytes("unmap_head")(N)


def unmap_tail():
    blocks.of_bytes("unmap_tail")(N)


def unmap_middle():
    blocks.of_bytes("unmap_middle")(N)


def unmap_in_pieces():
    blocks.of_bytes("unmap_in_pieces")(N)


def unmap_several():
    blocks.of_bytes("unmap_several")(N)


def unmap_unused():
    blocks.of_bytes("unmap_unused")(N)


def unmap_odd_length():
    blocks.of_bytes("unmap_odd_length")(N)


def unmap_failing():
    blocks.of_bytes("unmap_failing")(N)


EXPECTED = {
    "unmap_head": {"total": {"mmap": (N, 1)}, "leaks": {"mmap": (N - 2 * PAGE, 1)}},
    "unmap_tail": {"total": {"mmap": (N, 1)}, "leaks": {"mmap": (N - 3 * PAGE, 1)}},
    "unmap_middle": {"total": {"mmap": (N, 1)}, "leaks": {"mmap": (N - 5 * PAGE, 1)}},
    "unmap_in_pieces": {"total": {"mmap": (N, 1)}},
    # The room for the three, the three; of these the first lost its last page, the third its first two.
    "unmap_several": {"total": {"mmap": (6 * N, 4)}, "leaks": {"mmap": (2 * N - 3 * PAGE, 2)}},
    "unmap_unused": {"total": {"mmap": (N, 1)}},
    # What is released is rounded up to whole pages by the kernel, so nothing of the second is left.
    "unmap_odd_length": {"total": {"mmap": (2 * (N + 5), 2)}, "leaks": {"mmap": (N + 5, 1)}},
    "unmap_failing": {"total": {"mmap": (N, 1)}, "leaks": {"mmap": (N, 1)}},
}


def check(lab, run):
    lab.cases(run, EXPECTED)


if __name__ == "__main__":
    import blocks

    unmap_head()
    unmap_tail()
    unmap_middle()
    unmap_in_pieces()
    unmap_several()
    unmap_unused()
    unmap_odd_length()
    unmap_failing()
