"""A recording that is over before sonde has found its way around takes a sample all the same; where there can be none it
says why, ends with that, and leaves no file."""

import os
import subprocess

RATES = (100, 10000)


def scenario(lab):
    import samples

    grammar = samples.Grammar(lab.script)
    with samples.Watched(lab) as target:
        for rate in RATES:
            recording = target.attach(rate, 0.001, "--wall")
            samples.judge(lab, f"{rate} Hz for a millisecond", recording, grammar.wrong)
    # Young, so that sonde waits for a Python to come.
    with subprocess.Popen(["sleep", "100"]) as other:
        path = lab.capture_path()
        run = subprocess.run([lab.sonde, "attach", str(other.pid), "-d", "0.1s", "-o", path], capture_output=True,
                             stdin=subprocess.DEVNULL, timeout=60, check=False)
        other.kill()
    lab.equal(run.returncode, 4, "status of sonde attach to what is no Python")
    lab.true(b"nothing was sampled: there is no Python in process" in run.stderr, "why there are no samples",
             run.stderr.decode())
    lab.true(not os.path.exists(path), "an empty capture is left")


def burn():  #< root
    while True:
        pass


if __name__ == "__main__":
    import watched

    watched.ready()
    burn()  #> burn
