"""Threads that want the GIL all the time: one holds it, the others are seen as waiting for it, and each has as much of
its time as the kernel let it run."""

THREADS = 4
SECONDS = 2.0


def skip(python):
    return "it has no GIL" if python.free_threaded else None


def scenario(lab):
    import json

    import samples

    run = lab.record_self(options=["--wall", "-r", "1000"])
    recording = samples.Samples(lab.sonde, run.path)
    grammar = samples.Grammar(lab.script, is_whole=True)
    rows = samples.judge(lab, "gil", recording, grammar.wrong)
    period = recording.info["sampling"]["period_seconds"]
    truth = {thread["tid"]: thread for thread in json.loads(run.output)}
    lab.equal(len(truth), THREADS, "threads that the program had")
    held, waiting, every = (samples.sums(some, lambda row: row.tid) for some in
                            (recording.rows("gil"), recording.rows("wall", "--state", "gil"), rows))
    for tid, thread in truth.items():
        name, ran, waited = thread["name"], thread["ran"], thread["waited"]
        # It runs with the GIL, but for the moments in which it asks for it; while it waits for a CPU it may have it.
        samples.same_time(lab, f"{name} with the GIL", recording, held.get(tid, 0), ran, ran + waited)
        samples.same_time(lab, f"{name} at all", recording, every[tid], thread["lived"])
        lab.true(held.get(tid, 0) + waiting.get(tid, 0) >= 0.98 * every[tid] - waited / period,
                 f"{name}: of {every[tid]} samples {held.get(tid)} hold the GIL, {waiting.get(tid)} wait for it; "
                 f"{waited / period:.0f} wait for a CPU")
    rounds = recording.info["sampling"]["rounds"]
    with_it = sum(held.get(tid, 0) for tid in truth)
    lab.true(with_it <= rounds, f"{with_it} samples with the GIL in {rounds} rounds")
    lab.equal({row.thread for row in rows if row.tid in truth}, {thread["name"] for thread in truth.values()},
              "names of threads")


def work():
    x = 0
    for i in range(100):
        x += i
    return x


def spin():  #< @threading
    begin = time.monotonic()
    start.wait()  #> @threading
    while time.monotonic() - begin < SECONDS:
        work()  #> work
    with open("/proc/thread-self/schedstat", "rb") as file:
        runs, waits = file.read().split()[:2]
    found.append({"tid": threading.get_native_id(), "name": threading.current_thread().name,  #> @threading
                  "ran": int(runs) * 1e-9, "waited": int(waits) * 1e-9, "lived": time.monotonic() - begin})


def main():
    threads = [threading.Thread(target=spin, name=f"spin-{i}") for i in range(THREADS)]  #> <listcomp>, @threading
    for thread in threads:
        thread.start()  #> @threading
    start.set()  #> @threading
    for thread in threads:
        thread.join()  #> @threading
    print(json.dumps(found), flush=True)  #> @json


if __name__ == "__main__":
    import json  #> @importlib
    import threading  #> @importlib
    import time

    found = []
    start = threading.Event()  #> @threading
    main()  #> main
