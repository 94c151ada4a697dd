"""A capture is readable by its owner alone, whatever the umask says and whatever was there before."""

import os
import stat

ONE_PYTHON = True


def mode(path):
    return oct(stat.S_IMODE(os.stat(path).st_mode))


def scenario(lab):
    program = lab.write("program.py", "import os\nkept = bytes(1000003)\nprint(oct(os.umask(0)))\n")
    for umask in (0o000, 0o022, 0o077, 0o777):
        run = lab.record([program], preexec_fn=lambda umask=umask: os.umask(umask))
        lab.equal(mode(run.path), "0o600", f"umask {umask:o}")
        lab.equal(run.output, f"{umask:#o}\n".encode() if umask else b"0o0\n", f"umask {umask:o}: the program's own")
    old = lab.write("old.sonde", "old", 0o644)
    lab.execute([lab.sonde, "run", "-q", "-f", "-o", old, "--python", lab.python.path, program])
    lab.equal(mode(old), "0o600", "with --force over a file that others may read")
    status, _, _ = lab.execute([lab.sonde, "run", "-q", "--python", lab.python.path, program])
    found = [name for name in os.listdir(lab.work) if name.startswith("sonde-program")]
    lab.equal((status, len(found)), (0, 1), "the default name")
    lab.true(found and found[0].endswith(".sonde") and found[0].split(".")[-2].isdigit(), f"the default name: {found}")
    lab.equal(mode(lab.path(found[0])), "0o600", "the default name: mode")
