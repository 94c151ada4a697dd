"""What sonde doctor says, as text and as JSON: what works, what does not, and how it ends."""

import json
import os
import re
import shutil
import subprocess

ONE_PYTHON = True
NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
CHECKS = ["process_vm_readv", "proc_mem", "proc_maps", "ptrace", "proc_syscall", "proc_schedstat"]


def doctor(sonde, *arguments, way=()):
    done = subprocess.run([*way, *sonde, "doctor", *arguments], capture_output=True, timeout=60, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def check_text(lab, what, text, blocked):
    """Each line of a check says that it works, or what blocks it."""
    lines = [line for line in text.splitlines()[1:] if re.match(r"  \w[^:]*: (works|blocked)", line)]
    lab.true(len(lines) >= len(CHECKS), f"{what}: {text}")
    for line in lines:
        lab.true(re.fullmatch(r"  [^:]+: (works|blocked: .+)", line), f"{what}: {line}")
    lab.equal(any(": blocked: " in line for line in lines), blocked, f"{what}: {text}")


def check_json(lab, what, text, works, checks):
    found = json.loads(text)
    lab.equal((found["schema"], found["works"]), ("sonde.doctor/1", works), what)
    lab.equal([check["name"] for check in found["checks"]], checks, f"{what}: checks")
    for check in found["checks"]:
        lab.equal("cause" in check and "do" in check, not check["works"], f"{what}: {check}")
    return found


def scenario(lab):
    sonde = [lab.sonde]
    status, text, errors = doctor(sonde, "--json")
    found = check_json(lab, "here", text, status == 0,
                       [*CHECKS, "attach", "pidfd_open", "perf_event_open", "preload"])
    lab.true(status in (0, 3) and not errors, f"here: {status} {errors}")
    lab.true(found["checks"][-1]["works"], f"here: {found['checks'][-1]}")
    lab.true("kernel.yama.ptrace_scope" in found["settings"], f"here: {found['settings']}")
    status, text, errors = doctor(sonde)
    check_text(lab, "here", text, not all(check["works"] for check in found["checks"]))

    process = subprocess.Popen(["sleep", "1000"])
    status, text, errors = doctor(sonde, str(process.pid), "--json")
    lab.equal((status, errors), (0, ""), "a process of ours")
    check_json(lab, "a process of ours", text, True, CHECKS)
    for word in ("x", "-5", "0", "1x", "99999999999"):
        lab.equal(doctor(sonde, "--", word)[0], 2, f"doctor {word}")

    # Another's process, which the kernel does not let us see.
    if os.geteuid() == 0 and shutil.which("setpriv"):
        os.chmod(lab.work, 0o755)
        sonde = [shutil.copy(lab.sonde, lab.path("sonde"))]
        status, text, errors = doctor(sonde, str(process.pid), "--json", way=NOBODY)
        lab.equal((status, errors), (3, ""), "another's process")
        found = check_json(lab, "another's process", text, False, CHECKS)
        lab.equal([check.get("obstacle") for check in found["checks"][:5]], ["user"] * 5, "another's process: why")
        lab.true(found["checks"][0]["do"]["command"].startswith("sudo "), f"another's process: {found['checks'][0]}")
        status, text, errors = doctor(sonde, str(process.pid), way=NOBODY)
        lab.equal((status, errors), (3, ""), "another's process")
        check_text(lab, "another's process", text, True)
        lab.true("belongs to user 0, and sonde runs as user 65534" in text, f"another's process: {text}")
    else:
        lab.note("another's process: not possible here")
    process.kill()
    process.wait()
