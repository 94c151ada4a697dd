"""A process that runs one program after the other: each Python program is a process of its own, with its own command
and nothing of the others', and what is no Python is none."""

import collections
import os
import subprocess
import sys
import time

SECONDS = 0.3
SHELLS = 40
SLOW_FOLDERS = 6000  # that are searched between fork and exec, which takes some time


def scenario(lab):
    import samples

    run = lab.record_self(options=["--wall", "--subprocesses", "-r", "1000"])
    recording = samples.Samples(lab.sonde, run.path)
    said = dict(line.split()[:2] for line in run.output.decode().splitlines() if line[:1].isalpha())
    processes = recording.info["metadata"]["processes"]
    commands = collections.defaultdict(list)
    for process in processes:
        commands[process["pid"]].append(process["command"])
    mine = commands[int(said["first"])]
    lab.equal([command.rpartition(" ")[2] for command in mine[1:]], ["second", "third"], "what was run in its place")
    lab.true(len(mine) == 3 and mine[0].endswith("replaced.py"), f"what was run at first: {mine}")
    lab.equal({process["python_version"] for process in processes}, {processes[0]["python_version"]}, "Pythons")
    known = sys_command(lab)
    lab.equal([command for pid in commands for command in commands[pid] if known not in command], [],
              "commands that are no Python")
    seconds = {line.split()[0]: float(line.split()[2]) for line in run.output.decode().splitlines()
               if line[:1].isalpha()}
    rows = recording.rows()
    for name in ("first", "second", "third"):
        seen = sum(row.samples for row in rows if any(frame.function == name for frame in row.stack))
        samples.same_time(lab, name, recording, seen, seconds[name])


def sys_command(lab):
    """What the command of every process with this program has in it."""
    return os.path.basename(lab.script)


def spin():
    begin = time.perf_counter()
    while time.perf_counter() - begin < SECONDS:
        pass
    return time.perf_counter() - begin


def first():
    return spin()


def second():
    return spin()


def third():
    return spin()


def shells():
    """Programs that are no Python, begun in a way that leaves the child what its parent was for a while."""
    path = os.environ.get("PATH", "/usr/bin:/bin")
    slow = {**os.environ, "PATH": ":".join([f"/nowhere/{i}" for i in range(SLOW_FOLDERS)] + [path])}
    for _ in range(SHELLS):
        subprocess.run(["sh", "-c", ":"], env=slow, check=True)


if __name__ == "__main__":
    name = sys.argv[1] if sys.argv[1:] else "first"
    if name == "first":
        shells()
    time.sleep(0.2)
    print(name, os.getpid(), {"first": first, "second": second, "third": third}[name](), flush=True)
    following = {"first": "second", "second": "third"}.get(name)
    if following:
        os.execv(sys.executable, [sys.executable, __file__, following])
    os.execvp("sh", ["sh", "-c", "sleep 0.3"])
