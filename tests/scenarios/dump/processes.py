"""Processes: with their workers, one that is no Python, one that is gone or was never there, one that has just begun,
one that ends while it is looked at; and the target is as it was."""

import os
import signal
import subprocess
import sys
import time


def scenario(lab):
    workers(lab)
    nobody(lab)
    just_begun(lab)
    repeated(lab)
    denied(lab)
    unharmed(lab)


def workers(lab):
    with lab.standing("parent") as said:
        pid = said["pid"]
        lab.dump(pid, until={"MainThread": "sleep"})
        document, = lab.dumps(pid, "--subprocesses")
        found = {process["pid"]: process for process in document["processes"]}
        lab.equal(set(found), {pid, *said["workers"]}, "a process and its workers")
        for worker in said["workers"]:
            lab.equal(found[worker]["parent_pid"], pid, "the parent of a worker")
        for process in found.values():
            lab.equal(process["python_version"], ".".join(map(str, lab.python.version)), "the Python of a process")
            lab.equal((process["starting"], process["debug"], process["free_threaded"]),
                      (False, lab.python.debug, lab.python.free_threaded), "a process that is up, and its build")
            functions = [frame["function"] for thread in process["threads"] for frame in thread["stack"]]
            lab.true(("works" if process["pid"] != pid else "sleep") in functions, "what it does", *functions)
        document, = lab.dumps(pid)
        lab.equal([process["pid"] for process in document["processes"]], [pid], "without its workers")
        # A shell above them is no Python.
        lab.equal(len(lab.dumps(said["shell"], status=4)), 0, "a process that is no Python")


def nobody(lab):
    process = subprocess.Popen(["sleep", "0"])
    process.wait()
    lab.equal(lab.dumps(process.pid, status=127), [], "a process that is gone")
    zombie = subprocess.Popen(["true"])
    time.sleep(0.2)
    lab.equal(lab.dumps(zombie.pid, status=127), [], "a zombie")
    zombie.wait()
    for wrong in ("0", "-1", "x", "99999999999", "1 "):
        lab.equal(lab.dumps(wrong, status=2), [], f"the process id {wrong!r}")


def just_begun(lab):
    """At every moment of its start a process is dumped, or is no Python yet."""
    if lab.python.suite:
        return  # the process is a shell's that goes on to be Python in its root
    seen = set()
    for delay_ms in range(0, 100, 8):
        process = lab.start([lab.python.path, "-c", "import time; time.sleep(1000)"])
        try:
            time.sleep(delay_ms / 1000)
            done = subprocess.run([lab.sonde, "dump", "--json", str(process.pid)], capture_output=True, check=False)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        seen.add(done.returncode)
        if not lab.true(done.returncode == 0 and not done.stderr or done.returncode == 4 and delay_ms < 50,
                        f"a process {delay_ms} ms after its start: {done.returncode}", done.stderr.decode()):
            break
    lab.true(0 in seen, "no process was dumped while it began")


def repeated(lab):
    with lab.standing("counts") as said:
        lab.dump(said["pid"], until={"MainThread": "counts"})
        begin = time.monotonic()
        documents = lab.dumps(said["pid"], "--count", "5", "--interval", "100ms", "-l")
        lab.true(0.4 <= time.monotonic() - begin < 15, "how long five dumps take")
        lab.equal([document["sequence"] for document in documents], [0, 1, 2, 3, 4], "numbers of dumps")
        times = [document["time"] for document in documents]
        lab.equal(sorted(set(times)), times, "times of dumps")
        numbers = []
        for document in documents:
            thread, = document["processes"][0]["threads"]
            lab.equal((thread["paused"], thread["exact"]), (True, True), "stopped while it was read")
            frames = [frame for frame in thread["stack"] if frame["function"] == "counts"]
            numbers.append([int(local["value"]) for local in frames[0]["locals"] if local["name"] == "number"][0])
        lab.true(numbers == sorted(numbers) and numbers[0] < numbers[-1], "a number that grows", str(numbers))
        document, = lab.dumps(said["pid"], "--never-pause")
        thread, = document["processes"][0]["threads"]
        lab.equal((thread["paused"], thread["exact"]), (False, False), "not stopped")
    with lab.standing("parent") as said:
        thread = lab.dump(said["pid"], until={"MainThread": "sleep"})["MainThread"]
        lab.equal((thread["paused"], thread["exact"]), (False, True), "what is blocked is not stopped")
    with lab.standing("ends") as said:
        begin = time.monotonic()
        documents = lab.dumps(said["pid"], "--interval", "100ms")
        lab.true(1 <= len(documents) < 100 and time.monotonic() - begin < 20, "dumps until the end", str(len(documents)))


def denied(lab):
    """What another user may not look at is said in one line, with the way out."""
    if os.geteuid():
        return lab.note("denied: only root can be somebody else")

    def become_nobody():
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)

    with lab.standing("parent") as said:
        done = subprocess.run([lab.sonde, "dump", "-l", str(said["pid"])], capture_output=True, check=False,
                              preexec_fn=become_nobody, cwd="/")
        lines = done.stderr.decode().splitlines()
        lab.equal((done.returncode, done.stdout, len(lines)), (3, b"", 1), f"what nobody is told: {lines}")
        lab.true(lines and lines[0].startswith("sonde: ") and str(said["pid"]) in lines[0] and "do: " in lines[0],
                 "the way out", *lines)


def unharmed(lab):
    """A process that is dumped a hundred times does its work and ends as it would have."""
    process = lab.start([lab.python.path, "-u", lab.script, "works_hard"])
    pid = int(process.stdout.readline())
    dumps = 0
    while process.poll() is None and dumps < 1000:
        done = subprocess.run([lab.sonde, "dump", "-l", str(pid)], capture_output=True, check=False)
        if done.returncode not in (0, 127):
            lab.fail(f"a dump ends with {done.returncode}", done.stderr.decode(errors="replace"))
            break
        dumps += 1
    status, output, errors = lab.finish(process)
    lab.equal((status, output, errors), (7, b"200000\n", b""), f"the end of a process that was dumped {dumps} times")
    lab.true(dumps >= 5, f"only {dumps} dumps")


# The target

def parent():
    shell = subprocess.Popen(["sh", "-c", "sleep 1000; true"])
    children = [subprocess.Popen([sys.executable, "-u", __file__, "worker"], stdout=subprocess.PIPE) for _ in range(3)]
    for child in children:
        child.stdout.readline()
    time.sleep(0.2)
    standstill.ready(workers=[child.pid for child in children], shell=shell.pid)
    standstill.sleep()


def worker():
    print("up", flush=True)
    works()


def works():
    time.sleep(1000)


def counts():
    standstill.ready()
    number = 0
    while True:
        number += 1


def ends():
    standstill.ready()
    time.sleep(1)


def works_hard():
    import threading

    ticks = []
    signal.signal(signal.SIGALRM, lambda *_: ticks.append(1))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    print(os.getpid(), flush=True)
    totals = []

    def add():
        total = 0
        for _ in range(100000):
            total += 1
            if total % 200 == 0:
                time.sleep(0.0005)
        totals.append(total)

    threads = [threading.Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    signal.setitimer(signal.ITIMER_REAL, 0)
    print(sum(totals), flush=True)
    os._exit(7 if ticks else 8)


if __name__ == "__main__":
    import standstill

    globals()[sys.argv[1]]()
