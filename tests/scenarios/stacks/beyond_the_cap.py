"""A stack deeper than any that can be kept: the event is there, with its innermost frames above a marker."""

# At least so many are kept, and at most twice as many.
KEPT = 16384
DEPTH = 70000
LIMIT_SECONDS = 180


def check(lab, run):
    (_, size, expected), = lab.marks()
    lab.true(len(expected) > DEPTH, f"Python itself says {len(expected)} frames")
    rows = [row for row in run.rows("total", "--function", "mark") if row.bytes == size]
    lab.equal([row.count for row in rows], [1], "the event")
    if not rows:
        return
    stack = rows[0].stack
    kept = len(stack) - 1
    lab.true(KEPT <= kept <= 2 * KEPT, f"{kept} frames")
    lab.equal(stack[-1].kind, "marker", "the last one")
    lab.true("omitted" in stack[-1].function, f"the marker says {stack[-1].function!r}")
    lab.true([frame[:3] for frame in stack[:kept]] == list(expected[:kept]), "the innermost frames")
    lab.equal(run.stats()["metadata"]["events_lost"], 0, "events lost")


def down(depth):
    if depth == 0:
        return mark("bottom")
    return down(depth - 1)


if __name__ == "__main__":
    import sys
    import threading

    from mark import mark

    sys.setrecursionlimit(200000)
    threading.stack_size(1 << 30)
    thread = threading.Thread(target=down, args=(DEPTH,))
    thread.start()
    thread.join()
