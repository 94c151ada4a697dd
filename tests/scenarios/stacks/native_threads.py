"""Threads that Python did not start: an empty stack while they run C code, theirs alone in a callback."""

N = 100151


def check(lab, run):
    lab.same_stacks(run, least=3)
    for size in (N, N + 2, N + 4):
        rows = [row for row in run.rows("total", "--split-threads") if row.bytes == size]
        lab.equal([(row.allocator, row.count, row.stack) for row in rows], [("malloc", 1, ())],
                  f"the block of {size} bytes of a native thread")
    names = {row.thread for row in run.rows("total", "--split-threads") if row.bytes in (N, N + 2, N + 4)}
    lab.equal(names, {f"named-{(N + extra) % 7}" for extra in (0, 2, 4)}, "names that native threads gave themselves")
    outermost = {stack[-1][0] for stack in run.marked()}
    lab.equal(outermost, {"called", "<module>"}, "what callbacks stand on")


def called():
    mark("in a native thread")
    deeper()


def deeper():
    mark("deeper in a native thread")


if __name__ == "__main__":
    import blocks
    from mark import mark

    blocks.of_bytes("threads_named")(N)
    callback = blocks.CALLBACK(called)
    blocks.thread_calls(callback)
    blocks.call_back(callback)
    mark("main again")
