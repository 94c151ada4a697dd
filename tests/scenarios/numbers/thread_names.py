"""Names of threads: Python's own, which the system learns from 3.14 on; those set by C; names that change."""

N = 100271


def check(lab, run):
    rows = {row.bytes: row.thread for row in run.rows("total", "--split-threads") if N <= row.bytes < N + 64}
    lab.equal(len(rows), 3, "threads")
    lab.equal(rows.get(N + 2), "by prctl", "a name by prctl")
    lab.equal(rows.get(N + 4), "the last one", "a name that changed after the thread had allocated")
    if lab.python.version >= (3, 14):
        lab.equal(rows.get(N), "Bob der Baumeis", "threading.Thread(name=..), cut to 15 bytes")


def named_by_python():
    blocks.take(N)


def named_by_prctl():
    libc.prctl(15, b"by prctl", 0, 0, 0)
    blocks.take(N + 2)


def renamed():
    libc.prctl(15, b"the first one", 0, 0, 0)
    blocks.take(N + 4)
    libc.prctl(15, b"the last one", 0, 0, 0)


if __name__ == "__main__":
    import ctypes
    import threading

    import blocks

    libc = ctypes.CDLL(None)
    for target, name in ((named_by_python, "Bob der Baumeister"), (named_by_prctl, "a"), (renamed, "b")):
        thread = threading.Thread(target=target, name=name)
        thread.start()
        thread.join()
