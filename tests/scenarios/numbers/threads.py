"""--split-threads: each thread's own numbers under its own id and name; merged they are one row."""

N = 100267
THREADS = 5


def check(lab, run):
    expected = {}
    names = {}
    for line in run.output.decode().splitlines():
        number, tid = line.split()
        expected[int(tid)] = (10 * (N + int(number)), 10)
        names[int(tid)] = f"worker-{number}"
    lab.equal(len(expected), THREADS, "threads")
    rows = run.case("work", "total", "--split-threads")
    lab.equal({row.tid: (row.bytes, row.count) for row in rows}, expected, "by thread")
    lab.equal({row.tid: row.thread for row in rows}, names, "names")
    lab.equal([(row.bytes, row.count) for row in run.case("work")],
              [(sum(size for size, _ in expected.values()), 10 * THREADS)], "merged")
    lab.equal(run.case("work")[0].tid, None, "a merged row has no thread")
    for number in (0, 3):
        rows = run.rows("total", "--thread", f"worker-{number}")
        lab.equal([(row.bytes, row.count) for row in rows
                   if row.stack and row.stack[0].function == "work" and row.allocator == "malloc"],
                  [(10 * (N + number), 10)], f"--thread worker-{number}")
    tid = sorted(expected)[1]
    lab.equal([(row.bytes, row.count) for row in run.rows("total", "--thread", str(tid))
               if row.stack and row.stack[0].function == "work" and row.allocator == "malloc"], [expected[tid]], "--thread by its id")


def work(number):
    set_name(number)
    barrier.wait()
    for _ in range(10):
        blocks.take(N + number)
    barrier.wait()


def set_name(number):
    """What Python itself does from 3.14 on, by the C library's function."""
    name_self(threading.get_ident(), f"worker-{number}".encode())
    print(f"{number} {threading.get_native_id()}")


if __name__ == "__main__":
    import ctypes
    import threading

    import blocks

    name_self = ctypes.CDLL(None).pthread_setname_np
    name_self.argtypes = [ctypes.c_ulong, ctypes.c_char_p]
    barrier = threading.Barrier(THREADS)
    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
