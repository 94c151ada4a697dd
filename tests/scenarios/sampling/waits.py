"""Threads that wait, each for something else: where they stand, for what they wait, and that they are left alone."""

KINDS = {"sleeper": "sleep", "selector": "poll", "poller": "poll", "epoller": "poll", "locker": "futex",
         "conditional": "futex", "reader": "read", "writer": "write", "receiver": "network", "accepter": "network",
         "parent": "child"}
RATE = 1000


def scenario(lab):
    import samples

    grammar = samples.Grammar(lab.script)
    with samples.Watched(lab) as target:
        before = settled(target.pid)
        recording = target.attach(RATE, 1)
        after = switches(target.pid)
        rows = samples.judge(lab, "waits", recording, grammar.wrong)
        names = {tid: text for text, tid in (word.split("=") for word in target.words)}
        for tid, name in names.items():
            mine = [row for row in rows if row.tid == int(tid)]
            every = sum(row.samples for row in mine)
            there = recording.count("wall", "--state", KINDS[name], "--thread", tid)
            lab.true(there == every > 0,
                     f"{name}: {there} of {every} samples wait on {KINDS[name]}: {states(recording, tid)}")
            lab.equal({row.thread for row in mine}, {name}, f"{name}: the thread's name")
            lab.equal({next((frame.function for frame in row.stack if frame.file == lab.script), None) for row in mine},
                      {name}, f"{name}: where it stands")
            lab.equal(after[int(tid)], before[int(tid)], f"{name}: times that it was put on a CPU")
        lab.equal((recording.count("gil"), recording.count("cpu")), (0, 0), "samples with the GIL, and on a CPU")
        sampling = recording.info["sampling"]
        lab.equal((sampling["pauses"], sampling["failures"]), (0, 0), "pauses and failures")


def states(recording, tid):
    kinds = [*sorted(set(KINDS.values())), "file", "other", "kernel", "gil", "running", "stopped"]
    counts = {kind: recording.count("wall", "--state", kind, "--thread", tid) for kind in kinds}
    return {kind: count for kind, count in counts.items() if count}


def switches(pid):
    """{tid: how often it was put on a CPU}."""
    import os

    counts = {}
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/schedstat", encoding="ascii") as file:
            counts[int(tid)] = int(file.read().split()[2])
    return counts


def settled(pid):
    """The switches when none of its threads is on its way to where it waits any more."""
    import time

    counts = None
    for _ in range(100):
        before, counts = counts, switches(pid)
        if counts == before:
            break
        time.sleep(0.1)
    return counts


def sleeper():  #< @threading
    begin()  #> begin
    time.sleep(1000)


def selector():  #< @threading
    begin()  #> begin
    select.select([silent], [], [])


def poller():  #< @threading
    poll = select.poll()
    poll.register(silent, select.POLLIN)
    begin()  #> begin
    poll.poll()


def epoller():  #< @threading
    poll = select.epoll()
    poll.register(silent, select.EPOLLIN)
    begin()  #> begin
    poll.poll(1000)


def locker():  #< @threading
    lock = threading.Lock()
    lock.acquire()
    begin()  #> begin
    lock.acquire()


def conditional():  #< @threading
    condition = threading.Condition()  #> @threading
    begin()  #> begin
    with condition:  #> @threading
        condition.wait(1000)  #> @threading


def reader():  #< @threading
    begin()  #> begin
    os.read(silent, 1)


def writer():  #< @threading
    room = os.pipe()[1]
    os.set_blocking(room, False)
    try:
        while True:
            os.write(room, bytes(4096))
    except BlockingIOError:
        os.set_blocking(room, True)
    begin()  #> begin
    os.write(room, bytes(4096))


def receiver():  #< @threading
    one, other = socket.socketpair()  #> @socket
    kept.append(other)
    begin()  #> begin
    one.recv(1)


def accepter():  #< @threading
    server = socket.socket(socket.AF_UNIX)  #> @socket
    server.bind("\0" + f"sonde-waits-{os.getpid()}")
    server.listen()
    begin()  #> begin
    server.accept()  #> @socket


def parent():  #< @threading
    child = os.fork()
    if not child:
        while True:
            time.sleep(1000)
    begin()  #> begin
    os.waitpid(child, 0)


def begin():
    here[threading.get_native_id()] = threading.current_thread().name  #> @threading


def main():
    for kind in (parent, sleeper, selector, poller, epoller, locker, conditional, reader, writer, receiver, accepter):
        threading.Thread(target=kind, name=kind.__name__, daemon=True).start()  #> @threading
    while len(here) < len(KINDS):
        time.sleep(0.01)
    time.sleep(0.2)
    ready(*(f"{name}={tid}" for tid, name in here.items()))  #> @watched, <genexpr>
    time.sleep(1000)


if __name__ == "__main__":
    import os
    import select
    import socket
    import threading
    import time

    from watched import ready

    silent = os.pipe()[0]
    here, kept = {}, []
    main()  #> main
