"""Stacks of many Python threads at once, of timers, pools, thread-local objects and queues."""

import threading

THREADS = 12
ROUNDS = 20


def check(lab, run):
    lab.same_stacks(run, least=THREADS * ROUNDS + 12)


def work(number):
    for _ in range(ROUNDS):
        down(number)
        time.sleep(0)


def down(depth):
    if depth:
        return down(depth - 1)
    return mark("in a thread")


class Worker(threading.Thread):
    def run(self):
        mark("run of a subclass")


class Local:
    def __init__(self):
        mark("local")

    def __del__(self):
        mark("local died")


def with_local():
    own = threading.local()
    own.value = Local()


def from_queue(queue):
    while queue.get():
        mark("got")


if __name__ == "__main__":
    import _thread
    import concurrent.futures
    import queue as queues
    import time

    from mark import mark

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    worker = Worker()
    worker.start()
    worker.join()
    thread = threading.Thread(target=with_local)
    thread.start()
    thread.join()
    queue = queues.Queue()
    thread = threading.Thread(target=from_queue, args=(queue,))
    thread.start()
    for item in (1, 2, 0):
        queue.put(item)
    thread.join()
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda number: mark("pool"), range(6)))
    timer = threading.Timer(0.001, mark, ["timer"])
    timer.start()
    timer.join()
    done = _thread.allocate_lock()
    done.acquire()

    def raw():
        mark("raw thread")
        done.release()

    _thread.start_new_thread(raw, ())
    done.acquire()
    time.sleep(0.02)
