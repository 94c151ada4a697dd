"""SIGKILL of the target at any moment: the capture is whole, and has every event whose hook had returned."""

import os
import random
import signal
import time

N = 100297
ROUNDS = 6


def skip(python):
    return "processes in a root are not killed from outside" if python.suite else None


def scenario(lab):
    choice = random.Random(lab.python.label)
    most = 0
    for round_number in range(ROUNDS):
        capture = lab.capture_path()
        process = lab.start(lab.record_arguments([lab.script], capture=capture))
        pid = int(process.stdout.readline())
        time.sleep(choice.uniform(0.0, 0.15))
        os.kill(pid, signal.SIGKILL)
        status, output, errors = lab.finish(process)
        lab.equal((status, errors), (137, b""), "status and errors of sonde")
        lines = [line for line in output.split(b"\n") if line]
        said = int(lines[-1]) if lines else 0
        most = max(most, said)
        run = lab.read_capture(capture)
        rows = run.case("forever")
        count = sum(row.count for row in rows)
        # The block behind the last word may have been made too, and the word not yet written.
        lab.true(said <= count <= said + 1, f"round {round_number}: {count} blocks, the program had said {said}")
        lab.equal(sum(row.bytes for row in rows), count * N, "their bytes")
        stats = run.stats()
        lab.equal((stats["metadata"]["complete"], stats["metadata"]["events_lost"],
                   stats["metadata"]["processes"][0]["exit_status"]), (True, 0, 137), "metadata")
        hammered = [row for row in run.rows("leaks") if row.count > 4 and not row.stack]
        lab.equal(hammered, [], "left over by the thread that takes and gives")
    lab.true(most > 10, "the program did not get far enough for this to be a test")


def forever():
    count = 0
    while True:
        blocks.take(N)
        count += 1
        os.write(1, b"%d\n" % count)


if __name__ == "__main__":
    import threading

    import blocks

    hammer = blocks.of_bytes_and_count("released_and_reused")
    threading.Thread(target=hammer, args=(240, 1 << 30), daemon=True).start()
    os.write(1, b"%d\n" % os.getpid())
    forever()
