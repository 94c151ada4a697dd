"""Captures that are cut or overwritten anywhere: a clear line, what is whole is read, and nothing crashes."""

import random

ONE_PYTHON = True
N = 100343


def scenario(lab):
    run = lab.record_self()
    with open(run.path, "rb") as file:
        whole = file.read()
    full = sum(row.count for row in run.case("take_some"))
    lab.equal(full, 2000, "the whole capture")
    choice = random.Random(7)
    broken = lab.path("broken.sonde")
    for number in range(40):
        data = bytearray(whole)
        if number % 2:
            del data[choice.randrange(len(data)):]
        else:
            for _ in range(choice.randrange(1, 20)):
                data[choice.randrange(len(data))] ^= 1 << choice.randrange(8)
        with open(broken, "wb") as file:
            file.write(data)
        for verb in (["table", "--total", "--json"], ["stats"], ["info"]):
            read = lab.read_capture(broken).read(*verb)
            lab.true(read.returncode in (0, 5), f"{number}: {verb} ends with {read.returncode}: {read.stderr!r}")
            lab.true(bool(read.stderr) or read.returncode == 0, f"{number}: {verb} fails and says nothing")
            lab.true(not read.stderr or read.stderr.startswith(b"sonde: "), f"{number}: {verb}: {read.stderr!r}")
    for what, data in (("empty", b""), ("text", b"hello\n" * 100), ("zeros", bytes(10000)), ("cut head", whole[:10])):
        with open(broken, "wb") as file:
            file.write(data)
        read = lab.read_capture(broken).read("table")
        lab.true(read.returncode == 5 and read.stderr.startswith(b"sonde: ") and read.stderr.count(b"\n") == 1,
                 f"{what}: {read}")
    read = lab.read_capture(lab.path("nowhere.sonde")).read("table")
    lab.true(read.returncode in (2, 5) and b"No such file" in read.stderr, f"no file: {read}")
    read = lab.read_capture(lab.work).read("table")
    lab.true(read.returncode in (2, 5) and read.stderr.startswith(b"sonde: "), f"a folder: {read}")


def take_some(rounds):
    for _ in range(rounds):
        blocks.take(N)


if __name__ == "__main__":
    import time

    import blocks

    for _ in range(4):
        take_some(500)
        time.sleep(0.3)
