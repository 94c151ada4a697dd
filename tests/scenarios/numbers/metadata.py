"""What stats says about the run itself: command line, interpreter, allocator, duration, RSS; and the histogram."""

import json
import time

N = 100291


def scenario(lab):
    before = time.time()
    run = lab.record_self("one", "--two=3")
    stats = run.stats()
    metadata = stats["metadata"]
    lab.equal(stats["schema"], "sonde.stats/1", "schema")
    lab.equal(metadata["command_line"], [lab.script, "one", "--two=3"], "command_line")
    usual = "mimalloc" if lab.python.free_threaded else "pymalloc"
    lab.equal(metadata["python_allocator"], usual + "_debug" * lab.python.debug, "python_allocator")
    lab.equal((metadata["native_stacks"], metadata["python_allocators_traced"], metadata["complete"],
               metadata["events_lost"]), (False, lab.python.free_threaded, True, 0), "flags")
    started = time.mktime(time.strptime(metadata["start_time"][:19], "%Y-%m-%dT%H:%M:%S"))
    lab.true(abs(started - before) < 86400, f"start_time {metadata['start_time']}")
    lab.true(0.3 < metadata["duration_seconds"] < run.seconds, f"duration_seconds {metadata['duration_seconds']}")
    said = json.loads(run.output)
    process, = metadata["processes"]
    lab.equal((process["pid"], process["exit_status"], process["python_version"]),
              (said["pid"], 0, ".".join(map(str, lab.python.version))), "the process")
    lab.true("--two=3" in process["command"], process["command"])
    lab.true(said["rss"] * 0.8 < stats["peak_rss_bytes"] < said["rss"] * 1.3 + (16 << 20),
             f"peak_rss_bytes {stats['peak_rss_bytes']}, getrusage says {said['rss']}")
    bins = {bucket["from"]: bucket for bucket in stats["size_histogram"]}
    lab.true(any(bucket["from"] <= N < bucket["to"] and bucket["count"] >= 321 for bucket in bins.values()),
             f"the histogram {stats['size_histogram']}")
    lab.equal(sum(bucket["count"] for bucket in bins.values()), stats["allocations"], "the histogram's sum")
    lab.equal(sum(entry["count"] for entry in stats["allocators"].values()), stats["allocations"], "allocators: count")
    lab.equal(sum(entry["bytes"] for entry in stats["allocators"].values()), stats["allocated_bytes"],
              "allocators: bytes")
    top, = [place for place in stats["top_by_bytes"] if place["function"] == "allocate"]
    # Where Python's own blocks are traced, the arguments of the call are there too.
    small = 1000 if lab.python.free_threaded else 0
    lab.equal((top["file"], top["line"]), (lab.script, LINE), "top_by_bytes: where")
    lab.true(321 * N <= top["bytes"] <= 321 * N + small and 321 <= top["count"] <= 321 + small // 16,
             f"top_by_bytes: {top}")
    if not lab.python.free_threaded:  # Python's own blocks are more
        lab.true(any(place["function"] == "allocate" for place in stats["top_by_count"]), "top_by_count")


def allocate():
    blocks.hold(N, 321)


LINE = allocate.__code__.co_firstlineno + 1

if __name__ == "__main__":
    import os
    import resource

    import blocks

    allocate()
    touched = bytearray(64 << 20)
    time.sleep(0.3)
    print(json.dumps({"pid": os.getpid(), "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10}))
