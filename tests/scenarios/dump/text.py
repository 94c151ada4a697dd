"""What people read: the whole text, word for word, with variables and without; nothing in it steers a terminal."""

import re
import subprocess
import sys
import threading
import time

ONE_PYTHON = True

EXPECTED = """\
Process {pid}: {python} -u {script} target
Python {version} ({file})

Thread {main} "MainThread": blocked on sleep
    sleep ({standstill}:{sleeps})
    stand ({standstill}:{stands})
    target ({script}:{line})
    <module> ({script}:{module})

Thread {other} "\\x1b[31mred\\x0a": blocked on futex
    wait ({script}:{waits})
        lock = <_thread.lock object at ADDRESS>
        text = 'h\xe9llo \\x1b[2J \\u202e'
        number = 1
        rest = (2, 3)
    {thread}run ({threading}:LINE)
        self = <threading.Thread object at ADDRESS>
    {thread}_bootstrap_inner ({threading}:LINE)
        self = <threading.Thread object at ADDRESS>
    {thread}_bootstrap ({threading}:LINE)
        self = <threading.Thread object at ADDRESS>
"""


def scenario(lab):
    with lab.standing("target") as said:
        lab.dump(said["pid"], until={"MainThread": "sleep"})
        document, = lab.dumps(said["pid"])
        process, = document["processes"]
        expected = EXPECTED.format(
            pid=said["pid"], python=lab.python.path, script=lab.script, version=process["python_version"],
            file=process["python_file"], main=said["pid"], other=process["threads"][1]["tid"],
            standstill=said["standstill"],
            threading=said["threading"], thread=said["prefix"],
            **{name: line for name, line in said["lines"].items()})
        found = text(lab, "-l", said["pid"])
        found = re.sub(r" at 0x[0-9a-f]+>", " at ADDRESS>", found)
        found = re.sub(rf"{re.escape(said['threading'])}:\d+", said["threading"] + ":LINE", found)
        # The main thread's variables are those of the helper and of the module: of no interest here.
        main, other = found.split("\n\nThread ", 2)[1:]
        found = "\n\nThread ".join([found.split("\n\nThread ")[0], re.sub(r"\n {8}.*", "", main), other])
        lab.same_lines(found, expected, "the text")
        bare = text(lab, said["pid"])
        lab.true(" = " not in bare, "variables that were not asked for")
        coloured = text(lab, "--color", "always", said["pid"])
        lab.equal(re.sub(r"\x1b\[[0-9;]*m", "", coloured), bare, "the text without its colours")
        lab.true("\x1b[" in coloured and "\x1b[2J" not in coloured and "\x1b[31m" not in coloured, "its colours")
        twice = text(lab, "--count", "2", "--interval", "10ms", said["pid"])
        lab.equal(twice, bare + "\n" + bare, "two dumps")


def text(lab, *arguments):
    done = subprocess.run([lab.sonde, "dump", *map(str, arguments)], capture_output=True, check=False)
    lab.equal((done.returncode, done.stderr), (0, b""), f"sonde dump {arguments}")
    return done.stdout.decode()


def wait(lock, text, number, *rest):
    lock.acquire()


def target():
    lock = threading.Lock()
    lock.acquire()
    threading.Thread(target=wait, args=(lock, "h\xe9llo \x1b[2J \u202e", 1, 2, 3), name="\x1b[31mred\n", daemon=True).start()
    time.sleep(0.3)
    first = standstill.stand.__code__.co_firstlineno
    line = sys._getframe().f_lineno + 1
    standstill.stand(standstill=standstill.__file__, threading=threading.__file__,
                     prefix="Thread." if sys.version_info >= (3, 11) else "", lines={
                         "sleeps": standstill.sleep.__code__.co_firstlineno + 2, "stands": first + 3, "line": line,
                         "waits": wait.__code__.co_firstlineno + 1, "module": sys._getframe(1).f_lineno})


if __name__ == "__main__":
    import standstill

    target()
