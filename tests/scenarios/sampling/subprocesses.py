"""Processes that a program starts, by whatever way, appear in its capture with what they did; without --subprocesses
they do not."""

FORMS = ("subprocess", "fork", "spawn", "forkserver", "grandchild")
BEFORE_SECONDS = 0.2  # within so long a process is found
SECONDS = 0.4
LIMIT_SECONDS = 120


def scenario(lab):
    import samples

    run = lab.record_self(options=["--wall", "--subprocesses", "-r", "1000"])
    recording = samples.Samples(lab.sonde, run.path)
    children = {}
    for line in run.output.decode().splitlines():
        form, pid, parent, seconds = line.split()
        children[form] = int(pid), int(parent), float(seconds)
    lab.equal(sorted(children), sorted(FORMS), "children that ran")
    rows = recording.rows()
    known = {process["pid"]: process for process in recording.info["metadata"]["processes"]}
    mine = known[min(known, key=lambda pid: known[pid]["parent_pid"] in known)]
    for form, (pid, parent, seconds) in children.items():
        if not lab.true(pid in known, f"{form}: process {pid} is not in the capture: {sorted(known)}"):
            continue
        lab.equal(known[pid]["parent_pid"], parent, f"{form}: its parent")
        lab.equal(known[pid]["python_version"], mine["python_version"], f"{form}: its Python")
        seen = sum(row.samples for row in rows if row.pid == pid and
                   any(frame.function == "burn" for frame in row.stack))
        samples.same_time(lab, f"{form}: burn()", recording, seen, seconds)
    lab.equal({row.pid for row in rows if row.stack and row.stack[0].function == "burn"} -
              {pid for pid, _, _ in children.values()}, set(), "other processes that burn")
    sampling = recording.info["sampling"]
    lab.true(sampling["failures"] + recording.lost < samples.limit(lab.python) * sampling["samples"],
             f"of {sampling['samples']} samples {sampling['failures']} have no stack, {recording.lost} are lost")

    alone = samples.Samples(lab.sonde, lab.record_self("subprocess", options=["--wall"]).path)
    lab.equal(len(alone.info["metadata"]["processes"]), 1, "processes without --subprocesses")
    lab.equal(alone.count("wall", "--function", "burn"), 0, "samples of burn() without --subprocesses")


def burn():
    begin = time.perf_counter()
    while time.perf_counter() - begin < SECONDS:
        pass
    return time.perf_counter() - begin


def child(form):
    time.sleep(BEFORE_SECONDS)
    seconds = burn()
    print(form, os.getpid(), os.getppid(), seconds, flush=True)


def start(form):
    if form in ("subprocess", "grandchild"):
        subprocess.run([sys.executable, __file__, "child" if form == "subprocess" else "parent", form], check=True)
    else:
        process = multiprocessing.get_context(form).Process(target=child, args=(form,))
        process.start()
        process.join()
        assert process.exitcode == 0


if __name__ == "__main__":
    import multiprocessing
    import os
    import subprocess
    import sys
    import time

    if sys.argv[1:2] == ["child"]:
        child(sys.argv[2])
    elif sys.argv[1:2] == ["parent"]:
        subprocess.run([sys.executable, __file__, "child", sys.argv[2]], check=True)
    else:
        for name in sys.argv[1:] or FORMS:
            start(name)
else:
    import os
    import time
