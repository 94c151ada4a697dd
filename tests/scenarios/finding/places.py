"""A Python in a place of its own: namespaces, a root, no file at all, a first thread that has ended."""

import json
import os
import subprocess

ONE_PYTHON = True
PROGRAM = "import os, sys\nprint(os.getpid(), flush=True)\nsys.stdin.read()\n"
NO_FILE = f"""
import os
memory = os.memfd_create("nothing")
with open(os.path.realpath("/proc/self/exe"), "rb") as file:
    os.write(memory, file.read())
os.execve(memory, ["python", "-S", "-c", {PROGRAM!r}], dict(os.environ))
"""
NO_FIRST_THREAD = f"""
import ctypes, threading
threading.Thread(target=exec, args=({PROGRAM!r}, {{}})).start()
ctypes.CDLL(None).pthread_exit(None)
"""
WAYS = {
    "user namespace": (["unshare", "--user", "--map-root-user"], PROGRAM),
    "mount namespace": (["unshare", "--mount"], PROGRAM),
    "another user": (["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"], PROGRAM),
    "chroot": (["chroot", "/"], PROGRAM),
    "PID namespace": (["unshare", "--pid", "--fork", "--mount-proc"], PROGRAM),
    "PID, user and mount namespace": (["unshare", "--pid", "--fork", "--mount-proc", "--user", "--map-root-user"],
                                      PROGRAM),
    "no file": ([], NO_FILE),
    "no first thread": ([], NO_FIRST_THREAD),
}


def children(pid):
    """The process and all below it."""
    yield pid
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
            for child in file.read().split():
                yield from children(int(child))


def scenario(lab):
    os.chmod(lab.work, 0o755)
    python = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else lab.python.path
    played = 0
    for name, (way, program) in WAYS.items():
        if subprocess.run([*way, "true"], capture_output=True, check=False).returncode:
            lab.note(f"{name}: not possible here")
            continue
        played += 1
        process = subprocess.Popen([*way, python, "-S", "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        inner = int(process.stdout.readline())
        outer = list(children(process.pid))[-1]
        done = subprocess.run([lab.sonde, "doctor", str(outer), "--json"], capture_output=True, timeout=60, check=False)
        lab.equal((done.returncode, done.stderr), (0, b""), f"{name}: sonde doctor")
        found = json.loads(done.stdout)["process"]
        lab.equal((found["pid"], found["inner_pid"]), (outer, inner), f"{name}: process ids")
        lab.true(found["python"], f"{name}: {found}")
        process.stdin.close()
        lab.equal(process.wait(60), 0, f"{name}: the program")
    if not played:
        raise lab.Skip("no namespaces here")
