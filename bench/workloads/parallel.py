"""COUNT malloc/free pairs in each of THREADS native threads at once, without the GIL."""
import ctypes
import sys
import threading

library, count, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
churn = ctypes.CDLL(library).churn
churn.argtypes = [ctypes.c_long]
workers = [threading.Thread(target=churn, args=(count,)) for _ in range(threads)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
