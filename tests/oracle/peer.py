"""Memray's view of a program, as the same tables that sonde gives, and the comparison of the two."""

import collections
import json
import os

METRICS = ("total", "leaks", "peak")
ARENAS = (256 << 10, 1 << 20)
PEER = ["memray>=1.20"]

# Runs where Memray is: writes what it recorded as {metric: [[allocator, [[function, file, line], ..], bytes, count], ..]}.
DUMP = r"""
import collections, json, sys
from memray import AllocatorType, FileReader

reader = FileReader(sys.argv[1])
result = {}
for metric, records in (
    ("total", reader.get_allocation_records()),
    ("leaks", reader.get_leaked_allocation_records(merge_threads=True)),
    ("peak", reader.get_high_watermark_allocation_records(merge_threads=True)),
):
    sums = collections.defaultdict(lambda: [0, 0])
    stacks = {}
    for record in records:
        allocator = AllocatorType(record.allocator)
        if allocator in (AllocatorType.FREE, AllocatorType.MUNMAP, AllocatorType.PYMALLOC_FREE):
            continue
        if record.stack_id not in stacks:
            stacks[record.stack_id] = tuple(tuple(frame) for frame in record.stack_trace())
        entry = sums[allocator.name.lower(), stacks[record.stack_id]]
        entry[0] += record.size
        entry[1] += record.n_allocations
    result[metric] = [[allocator, stack, *entry] for (allocator, stack), entry in sums.items()]
json.dump(result, open(sys.argv[2], "w"))
"""


def of_peer(lab, script, options):
    """Memray's rows."""
    site = lab.site_packages(PEER)
    environment = {"PYTHONPATH": lab.environment()["PYTHONPATH"] + ":" + site}
    capture, dump = lab.path("peer.bin"), lab.path("peer.json")
    status, output, errors = lab.plain(["-m", "memray", "run", "-q", "-f", "-o", capture, *options, script],
                                       environment=environment)
    if status:
        raise lab.Failure(f"memray ends with {status}", errors.decode(errors="replace"))
    status, _, errors = lab.plain([lab.write("dump.py", DUMP), capture, dump], environment=environment)
    if status:
        raise lab.Failure(f"memray's capture cannot be read: {status}", errors.decode(errors="replace"))
    os.unlink(capture)
    with open(dump, encoding="utf-8") as file:
        tables = json.load(file)
    return output, {metric: [(allocator, tuple(tuple(frame) for frame in stack), size, count)
                             for allocator, stack, size, count in rows] for metric, rows in tables.items()}


def of_sonde(run):
    return {metric: [(row.allocator, tuple(frame[:3] for frame in row.stack), row.bytes, row.count)
                     for row in run.rows(metric)] for metric in METRICS}


def by_place(rows, script, by_allocator):
    """{(allocator, stack from the innermost frame to the script's outermost one): (bytes, count)}. What stands outside
    of the script's own functions is left out: the two begin and end at other moments. So are pymalloc's arenas,
    which depend on what was there before."""
    sums = collections.defaultdict(lambda: (0, 0))
    for allocator, stack, size, count in rows:
        own = [index for index, frame in enumerate(stack) if frame[1] == script and frame[0] != "<module>"]
        if not own or allocator == "mmap" and size in [arena * count for arena in ARENAS]:
            continue
        if any(frame[1].startswith("<frozen importlib") for frame in stack[:own[-1]]):
            continue
        # Names: Memray has co_name, sonde the qualified one.
        place = tuple((function.rpartition(".")[2], file, line) for function, file, line in stack[:own[-1] + 1])
        key = (allocator if by_allocator else "any", place)
        sums[key] = (sums[key][0] + size, sums[key][1] + count)
    return dict(sums)


def are_arenas(ours, theirs):
    """True where the two differ by whole arenas: at the peak and at the end Memray adds one to the blocks of its place."""
    size, count = (abs(a - b) for a, b in zip(ours or (0, 0), theirs or (0, 0)))
    return count and size in [arena * count for arena in ARENAS]


def compare(scenario, lab):
    options = scenario.get("OPTIONS", [])
    run = lab.record([lab.script], options)
    peer_output, peer = of_peer(lab, lab.script, options)
    lab.equal(run.output, peer_output, "what the program prints")
    sonde = of_sonde(run)
    for metric in METRICS:
        # At the peak and at the end Memray gives sums of a place, under one of its allocators.
        ours = by_place(sonde[metric], lab.script, metric == "total")
        theirs = by_place(peer[metric], lab.script, metric == "total")
        least = scenario.get("LEAST_PLACES", {}).get(metric, 3)
        lab.true(len(theirs) >= least, f"{metric}: only {len(theirs)} places to compare")
        left_out = scenario.get("left_out", lambda metric, allocator, place, average: False)
        for key in sorted(set(ours) | set(theirs), key=str):
            size, count = ours.get(key) or theirs.get(key)
            if ours.get(key) == theirs.get(key) or left_out(metric, *key, size / count):
                continue
            allocator, place = key
            if allocator == "any" and are_arenas(ours.get(key), theirs.get(key)):
                continue
            lab.fail(f"{metric}: {allocator} in {' < '.join(f'{f[0]}:{f[2]}' for f in place[:6])}",
                     f"sonde {ours.get(key)}, Memray {theirs.get(key)}")
