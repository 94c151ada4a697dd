"""A core of the program does not hold what it shares with sonde, which is a gigabyte of holes; nor does a forked child."""

import json

PROGRAM = """
import json
kept = bytes(1000003)
flags = []
with open("/proc/self/smaps") as maps:
    for line in maps:
        words = line.split()
        if words[0] == "VmFlags:" and "memfd:sonde" in mapping:
            flags.append(words[1:])
        elif not words[0].endswith(":"):
            mapping = line
print(json.dumps(flags))
"""


def scenario(lab):
    run = lab.record([lab.write("program.py", PROGRAM)])
    flags = json.loads(run.output)
    lab.equal(len(flags), 2, "mappings of the session")
    lab.true(all("dd" in mapping and "dc" in mapping for mapping in flags), f"flags: {flags}")
