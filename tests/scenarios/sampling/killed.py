"""sonde is killed at random moments while it samples: the target is never left stopped or traced, and goes on."""

TIMES = 50
OFTEN = 1000
LONGEST_SECONDS = 0.06
WAYS = ([], ["--pause-always"], ["--never-pause"], ["--wall", "-r", "100000"])


def scenario(lab):
    kill(lab, TIMES)


def kill(lab, times):
    import random
    import signal
    import struct
    import subprocess
    import time

    import samples

    counter = lab.write("counter", "\0" * 8)
    chance = random.Random(1)

    def count():
        with open(counter, "rb") as file:
            return struct.unpack("Q", file.read(8))[0]

    with samples.Watched(lab, counter) as target:
        for i in range(times):
            way = WAYS[i % len(WAYS)]
            line = [lab.sonde, "attach", str(target.pid), "-q", "-f", "-o", lab.path("killed.sonde"), "-r", "10000", *way]
            process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(chance.uniform(0, LONGEST_SECONDS))
            process.send_signal(signal.SIGKILL)
            ended = process.wait()
            before = count()
            lab.equal(ended, -signal.SIGKILL, f"time {i}: sonde was there to be killed")
            target.check()
            until = time.monotonic() + 10
            while count() == before and time.monotonic() < until:
                time.sleep(0.001)
            if not lab.true(count() > before, f"time {i}, {' '.join(way) or 'as ever'}: the target does not go on"):
                break
        lab.true(target.process.poll() is None, "the target has ended")
        grammar = samples.Grammar(lab.script)
        samples.judge(lab, "afterwards", target.attach(1000, 0.3), grammar.wrong)


def work(page):
    for _ in range(12):
        page[0] += 1


def sleeper():  #< @threading
    while True:
        time.sleep(0.003)


def spinner():  #< @threading
    page = [0]
    while True:
        work(page)  #> work


def main(counter):
    page = memoryview(mmap.mmap(counter.fileno(), 8)).cast("Q")
    for kind in (sleeper, spinner):
        threading.Thread(target=kind, daemon=True).start()  #> @threading
    ready()  #> @watched
    while True:
        work(page)  #> work


if __name__ == "__main__":
    import mmap
    import sys
    import threading
    import time

    from watched import ready

    with open(sys.argv[1], "r+b") as file:
        main(file)  #> main
