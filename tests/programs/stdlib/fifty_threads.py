"""50 threads that parse, compress, hash, match and hand results on: the same answer, and every thread recorded."""

THREADS = 50


def scenario(lab):
    status, expected, errors = lab.plain([lab.script])
    lab.equal((status, errors), (0, b""), "without sonde")
    for options in ([], ["--trace-python-allocators"], ["--aggregate"], ["--sample-rate", "64K"]):
        run = lab.record_self(options=options)
        lab.equal((run.output, run.errors), (expected, b""), f"{options}: output and errors")
        stats = run.stats()
        lab.equal((stats["metadata"]["complete"], stats["metadata"]["events_lost"]), (True, 0), f"{options}: the capture")
        if "--sample-rate" not in options:
            rows = [row for row in run.rows("total", "--split-threads")
                    if any(frame.function == "work" for frame in row.stack)]
            lab.equal(len({row.tid for row in rows}), THREADS, f"{options}: threads")


def work(number):
    random = randoms.Random(number)
    text = json.dumps([{"id": random.randrange(10 ** 6), "name": "n%d" % random.randrange(100)} for _ in range(200)])
    data = json.loads(text)
    packed = zlib.compress(text.encode())
    assert zlib.decompress(packed).decode() == text
    names = re.findall(r'"name": "(n\d+)"', text)
    digest = hashlib.sha256(repr(sorted(collections.Counter(names).items())).encode()).hexdigest()
    with lock:
        results.put((number, len(data), digest))
    buffer = io.BytesIO()
    for index in range(200):
        buffer.write(bytes(random.randrange(4096)))
    return len(buffer.getvalue())


if __name__ == "__main__":
    import collections
    import hashlib
    import io
    import json
    import queue
    import random as randoms
    import re
    import threading
    import zlib

    lock, results = threading.Lock(), queue.Queue()
    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in sorted(results.get() for _ in range(THREADS)):
        print(*result)
