"""A hundred threads by their names, those that have none, those that Python does not know, renamed ones, in
several interpreters."""

import ctypes
import os
import sys
import threading
import time

NAMES = ["plain", "w\xf6rker", "\u8ff0 \U0001f600", "with \"quotes\"", "x" * 200, "tab\there", "two\nlines"]
MANY = 100


def scenario(lab):
    with lab.standing("named") as said:
        found = lab.dump(said["pid"], until={"MainThread": "sleep"})
        for name in NAMES:
            lab.true(shown(name) in found, f"a thread named {name!r}", *list(found)[:12])
        lab.equal(sum(name.startswith("many-") for name in found), MANY, "threads of one kind")
        lab.equal({name: thread["tid"] for name, thread in found.items() if name.startswith("many-")}, said["tids"],
                  "their ids")
        unknown = [thread for thread in found.values() if not thread["python"]]
        lab.equal([(thread["thread"], thread["stack"], thread["holds_gil"]) for thread in unknown],
                  [("native", [], False)], "threads that Python does not know")
        lab.true("renamed" in found and "before" not in found, "a thread that got another name")
        lab.equal({thread["interpreter"] for thread in found.values() if thread["python"]}, {0}, "interpreters")
    if lab.python.minor >= (3, 13):
        interpreters(lab)


def shown(name):
    """Long names are cut, at a whole character."""
    raw = name.encode()[:63]
    return raw.decode(errors="ignore")


def interpreters(lab):
    with lab.standing("interpreters") as said:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            document, = lab.dumps(said["pid"])
            threads = document["processes"][0]["threads"]
            found = sorted((thread["interpreter"], thread["stack"][0]["function"].rpartition(".")[2]) for thread in threads
                           if thread["stack"])
            if found == [(0, "sleep"), (1, "stands_apart"), (2, "stands_apart")]:
                break
            time.sleep(0.1)
        lab.equal(found, [(0, "sleep"), (1, "stands_apart"), (2, "stands_apart")], "threads by interpreter")
        order = [thread["interpreter"] for thread in threads if thread["python"]]
        lab.equal(order, sorted(order), "threads of one interpreter stand together")


# The target

def waits(event, tids=None):
    if tids is not None:
        tids[threading.current_thread().name] = threading.get_native_id()
    event.wait()


def start_native(name):
    """A thread that Python never sees, in pause(2)."""
    libc, thread = ctypes.CDLL(None), ctypes.c_ulong()
    before = set(os.listdir("/proc/self/task"))
    if libc.pthread_create(ctypes.byref(thread), None, ctypes.cast(libc.pause, ctypes.c_void_p), None):
        raise OSError("no native thread")
    tid, = set(os.listdir("/proc/self/task")) - before
    with open(f"/proc/self/task/{tid}/comm", "w", encoding="utf-8") as file:
        file.write(name)


def named():
    forever, tids = threading.Event(), {}
    for name in NAMES:
        threading.Thread(target=waits, args=(forever,), name=name, daemon=True).start()
    for number in range(MANY):
        threading.Thread(target=waits, args=(forever, tids), name=f"many-{number}", daemon=True).start()
    other = threading.Thread(target=waits, args=(forever,), name="before", daemon=True)
    other.start()
    other.name = "renamed"
    while len(tids) < MANY:
        time.sleep(0.01)
    start_native("native")
    standstill.ready(tids=tids)
    standstill.sleep()


def apart(interpreter):
    _interpreters.run_string(interpreter, "import time\ndef stands_apart():\n    time.sleep(1000)\nstands_apart()")


def interpreters_target():
    for _ in range(2):
        interpreter = _interpreters.create()
        threading.Thread(target=apart, args=(interpreter,), daemon=True).start()
        time.sleep(0.2)
    standstill.ready()
    standstill.sleep()


if __name__ == "__main__":
    import standstill

    if sys.argv[1] == "named":
        named()
    else:
        import _interpreters

        interpreters_target()
