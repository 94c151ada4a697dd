"""Children that live for some rounds of sampling only are met, one by one; those that are no Python are counted."""

import os
import subprocess
import time

RATE = 1000
FORKS = 30
OTHERS = 10
SECONDS = 0.03
# A child goes unmet when no round came in all its life, and unsampled when none came for most of it.
ROUNDS_UNMET = 20
ROUNDS_UNSAMPLED = 10


def scenario(lab):
    import samples

    run = lab.record_self(options=["--wall", "--subprocesses", "-r", str(RATE)])
    recording = samples.Samples(lab.sonde, run.path)
    sampling = recording.info["sampling"]
    processes = {process["pid"]: process["parent_pid"] for process in recording.info["metadata"]["processes"]}
    parent, *forks = map(int, run.output.split())
    sampled = [pid for pid in forks if pid in processes]
    lab.equal({processes[pid] for pid in processes if pid != parent}, {parent}, "parents")
    missed, unsampled = sampling["rounds_missed"], sampling["processes_unsampled"]
    # The others are Python until they exec, and may have been sampled there.
    unmet = FORKS + OTHERS - (len(processes) - 1) - unsampled
    said = f"{len(sampled)} of {FORKS} forks are sampled, {unsampled} processes not; {missed} rounds were missed"
    lab.true(0 <= unmet * ROUNDS_UNMET <= missed, f"{unmet} processes are not accounted for: {said}")
    lab.true(0 <= (FORKS - len(sampled)) * ROUNDS_UNSAMPLED <= missed, said)
    rows = [row for row in recording.rows() if row.pid in forks and row.stack]
    unknown = sum(row.samples for row in rows if row.stack[0].function == samples.UNKNOWN)
    lab.true(unknown <= max(2, samples.limit(lab.python) * sum(row.samples for row in rows)),
             f"{unknown} samples of forks have no stack")
    for row in rows:
        if row.stack[0].function != samples.UNKNOWN:
            lab.true(row.stack[-1].function == "<module>", f"a fork: {samples.spell(row.stack)}")


def brief():
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        pass


def fork():
    pid = os.fork()
    if pid == 0:
        brief()
        os._exit(0)
    os.waitpid(pid, 0)
    return pid


if __name__ == "__main__":
    time.sleep(0.2)  # for sonde to see what is about
    pids = [os.getpid(), *(fork() for _ in range(FORKS))]
    for _ in range(OTHERS):
        subprocess.run(["sleep", str(SECONDS)], check=True)
    print(*pids)
