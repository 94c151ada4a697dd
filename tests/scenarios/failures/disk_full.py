"""A disk that becomes full, and a limit on file sizes: the program ends as ever, sonde says why it stopped, and what
was written before is readable."""

import os
import resource
import subprocess

ONE_PYTHON = True
N = 100333
COUNT = 600000
PROGRAM_ENDS = (b"done\n", 5)


def scenario(lab):
    limited(lab)
    mounted(lab)


def look(lab, what, capture, ended, reason):
    status, output, errors = ended
    lab.equal((output, status), PROGRAM_ENDS, f"{what}: the program")
    lab.true(errors.startswith(b"sonde: ") and reason in errors, f"{what}: what sonde said: {errors!r}")
    lab.true(errors.count(b"\n") <= 2, f"{what}: it said it more than once: {errors!r}")
    run = lab.read_capture(capture)
    read = run.read("table", "--total")
    lab.equal(read.returncode, 0, f"{what}: the capture is readable: {read.stderr!r}")
    lab.equal([(row.bytes, row.count) for row in run.case("first")], [(N, 1)], f"{what}: what came first")
    lab.equal(run.stats()["metadata"]["complete"], False, f"{what}: complete")


def limited(lab):
    capture = lab.capture_path()
    # Both limits of the target are the caller's own, the hard one included.
    soft = 300 << 10
    ended = lab.execute(lab.record_arguments([lab.script], capture=capture),
                        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY)))
    look(lab, "file size limit", capture, ended, b"File too large")
    lab.true(os.path.getsize(capture) <= soft, "file size limit: the size")
    run = lab.record(["sh", "-c", "ulimit -f; kill -XFSZ $$"], command=True, status=128 + 25,
                     preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY)))
    lab.true(run.output.strip() in (b"600", b"300"), f"the target's own limit: {run.output!r}")


def mounted(lab):
    folder = lab.path("small")
    os.mkdir(folder)
    if os.getuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder],
                                     capture_output=True, check=False).returncode:
        raise lab.Skip("a small file system cannot be mounted here")
    try:
        capture = os.path.join(folder, "full.sonde")
        ended = lab.execute(lab.record_arguments([lab.script], capture=capture))
        look(lab, "full disk", capture, ended, b"No space left on device")
    finally:
        subprocess.run(["umount", folder], check=True)


def first():
    blocks.take(N)


if __name__ == "__main__":
    import sys
    import time

    import blocks

    first()
    time.sleep(0.6)
    for _ in range(3):
        blocks.of_bytes_and_count("scattered")(100, COUNT // 3)
        time.sleep(0.1)
    print("done")
    sys.exit(5)
