"""--trace-python-allocators with threads that make objects and let others drop them: counts exact, nothing left."""

import json

OPTIONS = ["--trace-python-allocators"]
THREADS = 4
ROUNDS = 4000


def check(lab, run):
    # sys.getsizeof of what was made, by Python itself
    each = json.loads(run.output)
    for line, times in ((PRODUCED, THREADS * ROUNDS), (KEPT, THREADS)):
        rows = [row for row in run.rows("total") if row.stack and row.stack[0].file == lab.script and
                row.stack[0].line == line and row.allocator == "pymalloc_malloc" and row.bytes >= 300 * row.count]
        lab.equal((sum(row.bytes for row in rows), sum(row.count for row in rows)),
                  (times * each[str(line)], times), f"line {line}: total")
    rows = [row for row in run.rows("leaks") if row.stack and row.stack[0].file == lab.script and
            row.bytes >= 300 * row.count and row.stack[0].line in (PRODUCED, KEPT)]
    lab.equal([(row.stack[0].line, row.count) for row in rows], [(KEPT, THREADS)], "leaks")
    split = [row for row in run.rows("total", "--split-threads") if row.stack and row.stack[0].file == lab.script and
             row.stack[0].line == PRODUCED and row.bytes >= 300 * row.count and row.allocator == "pymalloc_malloc"]
    lab.equal(sorted(row.count for row in split), [ROUNDS] * THREADS, "by thread")
    lab.equal(run.stats()["metadata"]["events_lost"], 0, "events lost")


def produce(queue):
    for _ in range(ROUNDS):
        queue.append(
            base + b"-")
    kept.append(
        base + b"--")


def consume(queues, done):
    while not done.is_set() or any(queues):
        for queue in queues:
            if queue:
                queue.popleft()


PRODUCED = produce.__code__.co_firstlineno + 3
KEPT = PRODUCED + 2

if __name__ == "__main__":
    import collections
    import sys
    import threading

    base = b"x" * 300
    kept = []
    queues = [collections.deque() for _ in range(THREADS)]
    done = threading.Event()
    consumers = [threading.Thread(target=consume, args=(queues[half::2], done)) for half in range(2)]
    producers = [threading.Thread(target=produce, args=(queue,)) for queue in queues]
    for thread in consumers + producers:
        thread.start()
    for thread in producers:
        thread.join()
    done.set()
    for thread in consumers:
        thread.join()
    print(json.dumps({PRODUCED: sys.getsizeof(base + b"-"), KEPT: sys.getsizeof(base + b"--")}))
