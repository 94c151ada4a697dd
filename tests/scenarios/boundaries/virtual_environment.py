"""An active virtual environment is what python3 on PATH says it is; --python chooses another."""

PROGRAM = """
import sys
kept = bytes(1000003)
print(sys.prefix, sys.executable, sys.base_prefix == sys.prefix)
"""


def scenario(lab):
    program = lab.write("program.py", PROGRAM)
    folder = lab.path("environment")
    status, _, errors = lab.plain(["-m", "venv", "--without-pip", folder])
    if status:
        raise lab.Skip("this Python has no venv: " + errors.decode(errors="replace").strip()[-200:])
    for line, path in (([], folder + "/bin:/usr/bin:/bin"), (["--python", folder + "/bin/python"], "/usr/bin:/bin")):
        capture = lab.capture_path()
        status, output, errors = lab.execute([lab.sonde, "run", "-q", "-o", capture, *line, program], {"PATH": path})
        lab.equal((status, errors), (0, b""), f"{line}: the program")
        lab.true(output.decode().startswith(folder + " " + folder + "/bin/python"), f"{line}: {output!r}")
        rows = [row for row in lab.read_capture(capture).rows("total") if 1000003 < row.bytes < 1000131]
        lab.equal(len(rows), 1, f"{line}: the block")
