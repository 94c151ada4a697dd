"""Targets that were there before sonde, in whatever place and state: asleep, without their executable, in namespaces of
their own; they are looked at and left as they are."""

import os
import subprocess  #> @importlib
import time


def scenario(lab):
    asleep(lab)
    without_executable(lab)
    in_namespaces(lab)


def switches(pid):
    """How often a process gave the CPU up, and how often it was taken from it."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return [line.split()[1] for line in file if "ctxt_switches" in line]


def asleep(lab):
    import samples

    grammar = samples.Grammar(lab.script)
    with samples.Watched(lab, "sleep") as target:
        time.sleep(0.3)
        before = switches(target.pid)
        for options in ([], ["--wall"], ["--gil"]):
            recording = target.attach(1000, 0.3, *options)
            rows = samples.judge(lab, "asleep", recording, grammar.wrong)
            lab.equal({row.stack[0].function for row in rows}, {"sleep"}, "asleep: where")
            lab.equal(recording.count("cpu"), 0, "asleep: samples on a CPU")
        lab.equal(switches(target.pid), before, "asleep: it was woken")


def busy(lab, what, target):
    import samples

    grammar = samples.Grammar(lab.script)
    with target:
        samples.judge(lab, what, target.attach(1000, 0.5), grammar.wrong)


def without_executable(lab):
    """A copy of the Python that is deleted while it runs."""
    import samples

    status, output, errors = lab.plain(["-c", "import sys; print(sys.prefix)"])
    lab.equal((status, errors), (0, b""), "asking for the prefix")
    copy = lab.path("python")
    lab.finish(lab.start(["cp", "-L", lab.python.path, copy]))
    target = samples.Watched(lab, command=[copy, lab.script, "spin"],
                             environment={"PYTHONHOME": output.decode().strip()})
    os.unlink(copy)
    busy(lab, "deleted", target)


def descendants(pid):
    """The process and all below it, as they are seen from here."""
    yield pid
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
            for child in file.read().split():
                yield from descendants(int(child))


def in_namespaces(lab):
    import samples

    way = ["unshare", "-p", "-m", "-f", "--mount-proc"]
    if lab.python.suite:
        way += ["--propagation", "unchanged"]  # a root's mounts are private, and its / is none of them
    try:
        possible = subprocess.run([*way, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        possible = False
    if not possible:
        lab.note("no namespaces here")
        return
    target = samples.Watched(lab, command=[*way, lab.python.path, lab.script, "spin"])
    inner, target.pid = target.pid, list(descendants(target.process.pid))[-1]
    lab.true(inner != target.pid, f"it says that it is {inner} there, and is it here")
    busy(lab, "PID and mount namespace", target)


def work():
    x = 0
    for i in range(12):
        x += i
    return x


def spin():
    while True:
        work()  #> work


def sleep():
    time.sleep(1000)


if __name__ == "__main__":
    import sys

    from watched import ready

    ready()  #> @watched
    if sys.argv[1] == "spin":
        spin()  #> spin
    else:
        sleep()  #> sleep
