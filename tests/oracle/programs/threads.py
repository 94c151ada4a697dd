"""Python threads that make large objects, keep some and hand others on."""


def work(number):
    for index in range(50):
        queue.put(bytes(20000 + number))
        if index % 10 == 0:
            kept.append(bytes(30000 + number))


def consume():
    while queue.get() is not None:
        pass


def start():
    consumer = threading.Thread(target=consume)
    consumer.start()
    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    queue.put(None)
    consumer.join()


def high():
    parts = []
    for _ in range(200):
        parts.append(bytes(100000))


if __name__ == "__main__":
    import queue as queues
    import threading

    kept = []
    queue = queues.Queue(maxsize=4)
    start()
    high()
    print(len(kept))


LEAST_PLACES = {"leaks": 1, "peak": 1}


def left_out(metric, allocator, place, average):
    """What threading and queue take depends on who waits for whom; and Memray's profile function makes Python give
    every call a frame object, which the plain program does not have."""
    return average < 10000
