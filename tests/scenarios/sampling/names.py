"""A thread keeps its name when threading forgets it, as it does in a program that ends."""

OPTIONS = ["--wall"]


def check(lab, run):
    names = {thread["thread"] for thread in run.stats()["sampling"]["threads"]}
    lab.equal(names, {"MainThread"}, "names of the only thread, which had two")


if __name__ == "__main__":
    import threading
    import time

    thread = threading.main_thread()
    time.sleep(1)
    threading._active.clear()
    time.sleep(1)
