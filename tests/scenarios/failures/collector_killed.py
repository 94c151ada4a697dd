"""SIGKILL of sonde: the program goes on to its normal end, and the capture reads up to its last sealed chunk."""

import os
import signal
import time

N = 100313
BEFORE = 5000
AFTER = 400000


def skip(python):
    return "processes in a root are not killed from outside" if python.suite else None


def scenario(lab):
    for options in ([], ["--trace-python-allocators"], ["--aggregate"]):
        capture = lab.capture_path()
        process = lab.start(lab.record_arguments([lab.script], options, capture))
        lab.equal(process.stdout.readline(), b"before\n", "the program's first word")
        time.sleep(0.7)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        begin = time.monotonic()
        open(lab.path("go"), "w", encoding="ascii").close()
        _, output, errors = lab.finish(process)
        seconds = time.monotonic() - begin
        os.unlink(lab.path("go"))
        lab.equal((output, errors), (b"after\nended with True\n", b""), f"{options}: what the program said")
        lab.true(seconds < 20, f"{options}: the program took {seconds:.1f} s to its end")
        run = lab.read_capture(capture)
        read = run.read("table", "--total")
        lab.equal(read.returncode, 0, f"{options}: the capture is readable: {read.stderr!r}")
        lab.equal(run.stats()["metadata"]["complete"], False, f"{options}: complete")
        rows = run.case("before")
        lab.equal((sum(row.bytes for row in rows), sum(row.count for row in rows)), (BEFORE * N, BEFORE),
                  f"{options}: what was recorded 0.7 s before")


def before():
    for _ in range(BEFORE):
        blocks.take(N)


def after():
    blocks.of_bytes_and_count("released_and_reused")(240, AFTER // 2)
    objects = [str(number) for number in range(AFTER)]
    return len(set(objects)) == AFTER


if __name__ == "__main__":
    import blocks

    before()
    print("before", flush=True)
    while not os.path.exists("go"):
        time.sleep(0.01)
    fine = after()
    print("after", flush=True)
    print("ended with", fine)
