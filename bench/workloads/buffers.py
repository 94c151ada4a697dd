"""COUNT buffers of 1 KiB in each of THREADS threads, made and dropped DEPTH calls deep."""
import sys
import threading

count, depth, threads = (int(argument) for argument in sys.argv[1:])


def work():
    for _ in range(count):
        bytearray(1024)


def deep(left):
    if left > 1:
        deep(left - 1)
    else:
        work()


if threads == 1:
    deep(depth)
else:
    workers = [threading.Thread(target=deep, args=(depth,)) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
