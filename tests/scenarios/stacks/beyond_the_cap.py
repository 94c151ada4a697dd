"""Stacks deeper than any that can be kept: the event is there, with thousands of its innermost frames above a marker;
on the way back, what is no deeper than that is whole again."""

CAP = 32768  # STACK_LEVEL_MAX of the agent
LEAST = 2000  # of a stack that is cut
LIMIT_SECONDS = 180


def check(lab, run):
    marks = lab.marks()
    lab.equal(len(marks), 14, "marks")
    rows = {row.bytes: row for row in run.rows("total", "--function", "mark") if row.count == 1}
    for label, size, expected in marks:
        row = rows.get(size)
        if not lab.true(row is not None, f"{label}: the event is not there"):
            continue
        stack = row.stack
        is_cut = stack[-1].kind == "marker"
        python = stack[:-1] if is_cut else stack
        lab.true([frame[:3] for frame in python] == list(expected[:len(python)]), f"{label}: the innermost frames")
        lab.true(not is_cut or "omitted" in stack[-1].function, f"{label}: the marker says {stack[-1].function!r}")
        lab.true(len(python) == len(expected) or is_cut and len(python) >= LEAST and len(expected) > CAP,
                 f"{label}: {len(python)} of {len(expected)} frames are there, {'cut' if is_cut else 'not cut'}")
    lab.equal(run.stats()["metadata"]["events_lost"], 0, "events lost")


def down(depth, bottom):
    """Each place has a line of its own: two cut stacks may well be the same."""
    if depth == bottom:
        return mark(f"bottom at {bottom}")
    down(depth + 1, bottom)
    if depth == 60000:
        mark("60000")
    elif depth == 50000:
        mark("50000")
    elif depth == 32000:
        mark("32000")
    elif depth == 24000:
        mark("24000")
    elif depth == 23640:
        mark("23640")
    elif depth == 3000:
        mark("3000")
    elif depth == 7:
        mark("7")
    return None


def both():
    down(1, 40000)
    down(1, 70000)


if __name__ == "__main__":
    import sys
    import threading

    from mark import mark

    sys.setrecursionlimit(200000)
    threading.stack_size(1 << 30)
    thread = threading.Thread(target=both)
    thread.start()
    thread.join()
