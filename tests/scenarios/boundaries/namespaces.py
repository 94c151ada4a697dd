"""A command that ends up in namespaces of its own, or as another user: it is recorded, or sonde says that it was not."""

import os
import subprocess

ONE_PYTHON = True
PROGRAM = "kept = bytes(1000003)\nprint('fine')\n"
# What it takes to get there, and whether what runs there can be recorded.
WAYS = {
    "user namespace": (["unshare", "--user", "--map-root-user"], True),
    "mount namespace": (["unshare", "--mount"], True),
    "another user": (["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"], True),
    "chroot": (["chroot", "/"], True),
    "PID namespace": (["unshare", "--pid", "--fork", "--mount-proc"], False),
}


def scenario(lab):
    program = lab.write("program.py", PROGRAM)
    os.chmod(lab.work, 0o755)
    # One that others may run too.
    python = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else lab.python.path
    played = 0
    for name, (way, recorded) in WAYS.items():
        if subprocess.run([*way, python, program], capture_output=True, check=False).returncode:
            lab.note(f"{name}: not possible here")
            continue
        if subprocess.run([*way, "test", "-r", os.path.join(lab.build, "src/agent/libsonde-agent.so")],
                          capture_output=True, check=False).returncode:
            lab.note(f"{name}: the build cannot be read there")
            continue
        played += 1
        run = lab.record([*way, python, program], command=True)
        lab.equal(run.output, b"fine\n", f"{name}: the program")
        rows = [row for row in run.rows("total") if row.stack and 1000003 < row.bytes < 1000131]
        lab.equal(len(rows), int(recorded), f"{name}: the block")
        lab.equal(b"a PID namespace of its own" in run.errors, not recorded, f"{name}: {run.errors!r}")
    if not played:
        raise lab.Skip("no namespaces here")
