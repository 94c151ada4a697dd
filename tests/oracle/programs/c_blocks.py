"""Blocks of the C library's allocators, made and resized and freed by C code."""

N = 100363


def family():
    blocks.take(N)
    for _ in range(5):
        blocks.give(blocks.take(N + 1))


def kept_and_freed():
    blocks.of_bytes_and_count("kept_and_freed")(4096, 2000)


def moved():
    blocks.of_bytes("resize_moved")(N)


def in_steps():
    blocks.of_bytes("resize_in_steps")(N)


def failing():
    blocks.of_bytes("resize_failing")(N)


def mapped():
    blocks.of_bytes_and_count("many_pairs")(12288, 300)
    blocks.of_bytes("unmap_head")(37 * 4096)


def threads():
    blocks.of_bytes("freed_by_thread")(N)
    blocks.of_bytes_and_count("handed_over")(208, 6000)


def high():
    block = blocks.take(50 * N)
    more = blocks.take(30 * N)
    blocks.give(block)
    blocks.give(more)


if __name__ == "__main__":
    import blocks

    family()
    kept_and_freed()
    moved()
    in_steps()
    failing()
    mapped()
    high()
    threads()
    print("done")


def left_out(metric, allocator, place, average):
    """The table of thread-local blocks that the C library makes for a new thread: Memray does not see it."""
    return place[0][0] == "threads" and 250 < average < 400
