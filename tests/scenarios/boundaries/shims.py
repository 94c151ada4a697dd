"""What PATH calls python3 may be a script that ends in an interpreter: what counts is the interpreter."""

PROGRAM = """
import os, sys
kept = bytes(1000003)
print(sys.version_info[:3], sys.argv, os.environ.get("LD_PRELOAD"), os.environ.get("SONDE_AGENT_SESSION"))
"""
SHIMS = {
    "exec": '#!/bin/sh\nexec "{python}" "$@"\n',
    "child": '#!/bin/sh\n"{python}" "$@"\n',
    "work first": '#!/bin/sh\nname=$(basename "$0")\ncase $name in python*) ls / | sort >/dev/null;; esac\n'
                  'exec env SHIM=1 "{python}" "$@"\n',
    "shim of a shim": '#!/bin/sh\nexec /bin/sh -c \'exec "$0" "$@"\' "{python}" "$@"\n',
}


def scenario(lab):
    program = lab.write("program.py", PROGRAM)
    _, expected, _ = lab.plain([program, "one"])
    for name, text in SHIMS.items():
        folder = "shim-" + name.replace(" ", "-")
        lab.write(f"{folder}/python3", text.format(python=lab.python.path), 0o755)
        capture = lab.capture_path()
        line = [lab.sonde, "run", "-q", "-o", capture, program, "one"]
        status, output, errors = lab.execute(line, {"PATH": lab.path(folder) + ":/usr/bin:/bin"})
        lab.equal((status, output, errors), (0, expected, b""), f"{name}: the program")
        run = lab.read_capture(capture)
        rows = [row for row in run.rows("total") if 1000003 < row.bytes < 1000131]
        lab.equal([row.stack[0].function for row in rows], ["<module>"], f"{name}: the block")
        lab.equal(len(run.stats()["metadata"]["processes"]), 1, f"{name}: processes recorded")
