"""What threads do: on what they are blocked, who holds the GIL and who waits for it, who collects garbage, who is
stopped; and a deadlock of two locks."""

import os
import signal
import sys
import threading
import time

WAITS = {  # thread: what it is blocked on
    "sleeps": "sleep", "accepts": "network", "locked": "futex", "reads": "read", "selects": "poll", "waits": "child",
}


def scenario(lab):
    blocked(lab)
    deadlock(lab)
    if not lab.python.free_threaded:
        holders(lab)
    stopped(lab)


def has(thread, **expected):
    return {key: thread.get(key) for key in expected}, expected


def blocked(lab):
    with lab.standing("blocked") as said:
        threads = lab.dump(said["pid"], until={"MainThread": "calculates"})
        for name, wait in WAITS.items():
            thread = threads[name]
            lab.equal(*has(thread, state="blocked", waits_on=wait, holds_gil=False, waits_for_gil=False,
                           collects_garbage=False, stack_known=True, python=True), name)
            lab.true(name in [frame["function"] for frame in thread["stack"]], f"the stack of {name}")
        lab.equal(*has(threads["MainThread"], state="running", holds_gil=not lab.python.free_threaded,
                       waits_for_gil=False), "who calculates")
        lab.equal(threads["MainThread"]["stack"][0]["function"], "calculates", "who calculates")


def deadlock(lab):
    with lab.standing("deadlock") as said:
        threads = lab.dump(said["pid"], "-l")
        for name, line in said["lines"].items():
            thread = threads[name]
            lab.equal(*has(thread, state="blocked", waits_on="futex", holds_gil=False, waits_for_gil=False), name)
            frame = thread["stack"][0]
            lab.equal((frame["function"], frame["line"]), ("takes_both", line), f"where {name} is stuck")
            lab.equal({local["name"]: local["value"] for local in frame["locals"] if local["name"] == "mine"},
                      {"mine": repr(name)}, f"its variables")


def holders(lab):
    """One thread sleeps in C and keeps the GIL, the others want it."""
    with lab.standing("keeps") as said:
        lab.dump(said["pid"], until={"keeps": "keep_gil"})
        time.sleep(0.2)  # the others see that the GIL is taken
        threads = lab.dump(said["pid"])
        lab.equal(*has(threads["keeps"], state="blocked", waits_on="sleep", holds_gil=True, waits_for_gil=False,
                       collects_garbage=False), "who keeps the GIL")
        wait_for_gil(lab, said["pid"], "wants 1", "wants 2")
    with lab.standing("collects") as said:
        lab.dump(said["pid"], until={"collects": "keep_gil"})
        time.sleep(0.2)
        threads = lab.dump(said["pid"])
        lab.equal(*has(threads["collects"], holds_gil=True, collects_garbage=True), "who collects garbage")
        lab.equal(*has(threads["wants 1"], holds_gil=False, collects_garbage=False), "who does not")
        wait_for_gil(lab, said["pid"], "wants 1")
    with lab.standing("calculates_in_c") as said:
        thread = lab.dump(said["pid"], until={"MainThread": "calculates_in_c"})["MainThread"]
        lab.equal(*has(thread, state="running", holds_gil=True), "a loop in C")
        lab.equal(thread["stack"][0]["function"], "calculates_in_c", "a loop in C")


def wait_for_gil(lab, pid, *names):
    """All of them do; but every 5 ms they wake up to ask for it again, and run for that moment."""
    seen = {name: [] for name in names}
    for document in lab.dumps(pid, "--count", "8", "--interval", "7ms"):
        for thread in document["processes"][0]["threads"]:
            if thread["thread"] in seen:
                seen[thread["thread"]].append((thread["waits_for_gil"], thread["holds_gil"], thread["state"]))
    for name, states in seen.items():
        lab.equal(len(states), 8, f"{name}: dumps")
        lab.true((True, False, "blocked") in states, f"{name} does not wait for the GIL", str(states))
        lab.true(set(states) <= {(True, False, "blocked"), (False, False, "running")}, f"{name}: states", str(states))


def stopped(lab):
    """A process that is stopped is dumped, and stays stopped; when it goes on it is as before."""
    with lab.standing("blocked") as said:
        pid = said["pid"]
        lab.dump(pid, until={"MainThread": "calculates"})
        os.kill(pid, signal.SIGSTOP)
        time.sleep(0.1)
        threads = lab.dump(pid)
        lab.equal({thread["state"] for thread in threads.values()}, {"stopped"}, "states of a stopped process")
        lab.equal(threads["MainThread"]["stack"][0]["function"], "calculates", "the stack of a stopped process")
        lab.equal(state_of(pid), "T", "the state behind")
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.1)
        lab.equal(lab.dump(pid)["MainThread"]["state"], "running", "when it went on")
        lab.true(state_of(pid) in "RS", "the state at last", state_of(pid))


def state_of(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        return file.read().rpartition(")")[2].split()[0]


# The target

def start(function, *arguments, name=None):
    threading.Thread(target=function, args=arguments, name=name or function.__name__, daemon=True).start()


def sleeps():
    time.sleep(1000)


def accepts():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(1)
    listener.accept()


def locked():
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def reads():
    ends = os.pipe()
    os.read(ends[0], 1)


def selects():
    select.select([os.pipe()[0]], [], [])


def waits():
    child = os.fork()
    if not child:
        signal.pause()
    os.waitpid(child, 0)


def calculates():
    number = 0
    while True:
        number += 1


def blocked_target():
    start(waits)
    time.sleep(0.2)  # a fork alone
    for function in (sleeps, accepts, locked, reads, selects):
        start(function)
    time.sleep(0.5)
    standstill.ready()
    calculates()


def takes_both(mine, first, second, barrier):
    with first:
        barrier.wait()
        second.acquire()


def deadlock_target():
    one, two, barrier = threading.Lock(), threading.Lock(), threading.Barrier(3)
    start(takes_both, "takes one", one, two, barrier, name="takes one")
    start(takes_both, "takes two", two, one, barrier, name="takes two")
    barrier.wait()
    time.sleep(0.5)
    line = takes_both.__code__.co_firstlineno + 3
    standstill.ready(lines={"takes one": line, "takes two": line})
    standstill.sleep()


def wants():
    while True:
        sum(range(100))


def keep_gil():
    ctypes.PyDLL(None).usleep(60 * 1000000)


def keeps_target():
    for number in (1, 2):
        start(wants, name=f"wants {number}")
    time.sleep(0.1)
    start(keeps, name="keeps")
    sleeps()


def keeps():
    standstill.ready()
    keep_gil()


def collects():
    gc.callbacks.append(lambda phase, info: keep_gil())
    standstill.ready()
    gc.collect()


def collects_target():
    gc.disable()
    start(wants, name="wants 1")
    time.sleep(0.1)
    start(collects)
    sleeps()


def calculates_in_c():
    standstill.ready()
    sum(range(10 ** 12))


def calculates_in_c_target():
    calculates_in_c()


if __name__ == "__main__":
    import ctypes
    import gc
    import select
    import socket

    import standstill

    globals()[sys.argv[1] + "_target"]()
