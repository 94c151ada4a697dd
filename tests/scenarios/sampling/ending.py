"""Targets that end, or become another program, while they are sampled, and threads that come and go: what was seen
until then is right, and sonde ends as it should."""

# It wants two processors for itself: a target that gets none when it ends is seen at its end, or not.
FULL = True

import subprocess  #> @importlib
import time

ENDS = ("returns", "exits", "leaves", "dies", "killed")
PROGRAMS = 4


def scenario(lab):
    import samples

    wrong = samples.Grammar(lab.script, is_whole=True).wrong
    for how in ENDS:
        with samples.Watched(lab, "end", how) as target:
            process = attach(lab, target)
            time.sleep(0.15)
            open(lab.path(f"end-{how}"), "w", encoding="ascii").close()
            target.process.wait()
            check_end(lab, process, f"a target that {how}", wrong)
    run = lab.record_self("exec", "0", options=["--wall", "-r", "10000"])
    recording = samples.Samples(lab.sonde, run.path)
    lab.equal(run.output.split(), [b"%d" % number for number in range(PROGRAMS)], "programs that ran")
    rows = samples.judge(lab, "exec", recording, lambda stack: wrong(stack) or mixed(stack))
    seen = {frame.function for row in rows for frame in row.stack if frame.file == lab.script}
    lab.true({f"program_{number}" for number in range(PROGRAMS)} <= seen, f"programs that were seen: {sorted(seen)}")
    lab.equal(len({row.pid for row in rows}), 1, "processes")
    with samples.Watched(lab, "threads") as target:
        samples.judge(lab, "threads that come and go", target.attach(10000, 1), wrong)


def attach(lab, target):
    """sonde at work on the target; its capture is where the lab's next one would be."""
    path = lab.capture_path()
    process = subprocess.Popen([lab.sonde, "attach", str(target.pid), "-q", "-r", "10000", "-o", path],
                               stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    process.path = path
    return process


def check_end(lab, process, what, wrong):
    import samples

    try:
        _, errors = process.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        lab.fail(f"{what}: sonde goes on")
        return
    # That the machine is busy is not for us to know.
    lab.true(process.returncode == 0 and (not errors or errors.startswith(b"sonde: sampled ")),
             f"{what}: sonde ends with {process.returncode}: {errors!r}")
    recording = samples.Samples(lab.sonde, process.path)
    lab.equal(recording.info["metadata"]["complete"], True, f"{what}: complete")
    samples.judge(lab, what, recording, wrong)


def mixed(stack):
    programs = {frame.function for frame in stack if frame.function.startswith("program_")}
    return f"{sorted(programs)} at once" if len(programs) > 1 else None


def work():
    x = 0
    for i in range(12):
        x += i
    return x


def spin(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        work()  #> work


def program_0():
    spin(0.2)  #> spin


def program_1():
    spin(0.2)  #> spin


def program_2():
    spin(0.2)  #> spin


def program_3():
    spin(0.2)  #> spin


def end(how):
    while not os.path.exists(f"end-{how}"):  #> @genericpath
        spin(0.01)  #> spin
    if how == "exits":
        sys.exit(3)
    if how == "leaves":
        os._exit(0)
    if how == "dies":
        os.abort()
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)


def short_life():  #< @threading
    for _ in range(100):
        work()  #> work


def threads():
    while True:
        some = []
        for _ in range(4):
            some.append(threading.Thread(target=short_life))  #> @threading
        for thread in some:
            thread.start()  #> @threading
        for thread in some:
            thread.join()  #> @threading


if __name__ == "__main__":
    import os
    import signal  #> @importlib
    import sys
    import threading  #> @importlib

    if sys.argv[1] == "exec":
        number = int(sys.argv[2])
        print(number, flush=True)
        (program_0, program_1, program_2, program_3)[number]()  #> program_0, program_1, program_2, program_3
        if number + 1 < PROGRAMS:
            os.execv(sys.executable, [sys.executable, __file__, "exec", str(number + 1)])  #> @os.py
        sys.exit()
    from watched import ready  #> @importlib

    ready()  #> @watched
    if sys.argv[1] == "threads":
        threads()  #> threads
    else:
        end(sys.argv[2])  #> end
