"""Recursion of 2,000 and 20,000 frames: every frame is there, and the stacks on the way too."""

LIMIT_SECONDS = 120


def check(lab, run):
    lab.same_stacks(run, least=8)
    depths = sorted(len(stack) for stack in run.marked())
    lab.true(depths[-1] > 20000 and any(2000 < depth < 2100 for depth in depths), f"depths {depths}")


def down(depth):
    if depth == 0:
        mark("bottom")
        return
    down(depth - 1)
    if depth in (7, 1999):
        mark("on the way back")


def even(depth):
    if depth == 0:
        mark("bottom of two")
    else:
        odd(depth - 1)


def odd(depth):
    even(depth - 1)


def all_of_it():
    down(2000)
    even(2000)
    down(20000)
    down(3)


if __name__ == "__main__":
    import sys
    import threading

    from mark import mark

    sys.setrecursionlimit(100000)
    threading.stack_size(900 << 20)
    thread = threading.Thread(target=all_of_it)
    thread.start()
    thread.join()
