"""A collector that cannot keep up: the program waits for it and nothing is lost; with --drop it does not wait, and
what is lost is counted to the last event."""

import os
import signal
import time

N = 104
COUNT = 300000


def skip(python):
    return "processes in a root are not stopped from outside" if python.suite else None


def scenario(lab):
    for options in ([], ["--drop"]):
        capture = lab.capture_path()
        process = lab.start(lab.record_arguments([lab.script], options, capture), stdin=-1)
        lab.equal(process.stdout.readline(), b"ready\n", "the program's first word")
        time.sleep(0.1)
        os.kill(process.pid, signal.SIGSTOP)
        process.stdin.write(b"go\n")
        process.stdin.flush()
        if options:
            lab.equal(process.stdout.readline(), b"burst over\n", "--drop: the program did not wait for sonde")
        else:
            time.sleep(2.5)  # longer than the program takes to ask whether sonde is there at all
        os.kill(process.pid, signal.SIGCONT)
        status, _, errors = lab.finish(process)
        lab.equal(status, 0, f"{options}: status")
        run = lab.read_capture(capture)
        rows = [row for row in run.rows("leaks") if row.stack and row.stack[0].function == "burst" and
                row.bytes == N * row.count]
        recorded = sum(row.count for row in rows)
        stats = run.stats()["metadata"]
        lost = stats["events_lost"]
        if options:
            lab.true(0 < recorded < COUNT, f"--drop: {recorded} of {COUNT} recorded")
            # The interpreter's own few events of that time may be among the lost.
            lab.true(COUNT <= recorded + lost <= COUNT + 2000, f"--drop: {recorded} recorded, {lost} lost of {COUNT}")
            lab.true(b"lost" in errors and errors.startswith(b"sonde: "), f"--drop: said {errors!r}")
        else:
            lab.equal((recorded, lost, errors), (COUNT, 0, b""), "waiting: recorded, lost, said")
        lab.equal(stats["complete"], True, f"{options}: complete")


def burst():
    blocks.hold(N, COUNT)


if __name__ == "__main__":
    import blocks

    print("ready", flush=True)
    input()
    burst()
    print("burst over", flush=True)
