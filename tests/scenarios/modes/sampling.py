"""--sample-rate: an estimate with its error; the truth lies within five of them, and a small rate is exact."""

import math

KINDS = {"tiny": (40, 400000), "small": (1000, 60000), "medium": (30011, 3000), "large": (1000003, 40)}


def scenario(lab):
    for rate in (4 << 10, 64 << 10, 1 << 20):
        run = lab.record_self(options=["--sample-rate", str(rate)])
        estimate(lab, run, rate)
    run = lab.record_self("20", options=["--sample-rate", "1"])
    for function, (size, count) in KINDS.items():
        count //= 20
        expected = (size * count, count)
        found = of_function(run, "total", function)
        lab.equal((found["bytes"], found["count"]), expected, f"rate 1: {function}")
        lab.equal(of_function(run, "leaks", function)["count"], count // 2, f"rate 1: {function}, leaks")


def of_function(run, metric, function):
    """Sums over the rows of one function; errors of independent rows add up as squares."""
    rows = [row for row in run.table(metric)["rows"] if row["stack"] and row["stack"][-2:][0]["function"] == function and
            row["allocator"] == "malloc"]
    return {key: sum(row.get(key, 0) for row in rows) for key in ("bytes", "count")} | \
        {key: math.sqrt(sum(row.get(key, 0) ** 2 for row in rows)) for key in ("bytes_error", "count_error")} \
        if rows else {"bytes": 0, "count": 0, "bytes_error": 0, "count_error": 0}


def estimate(lab, run, rate):
    table = run.table("total")
    lab.equal((table.get("estimated") or table["metadata"].get("estimated"),
               table.get("sample_rate_bytes") or table["metadata"].get("sample_rate_bytes")), (True, rate),
              f"rate {rate}: its label")
    all_of_it = 0
    for function, (size, count) in KINDS.items():
        chance = 1 - math.exp(-size / rate)
        # The spread of the estimator itself, from the truth: independent of what sonde says of it.
        bytes_error = math.sqrt(count * size * size * (1 - chance) / chance)
        count_error = math.sqrt(count * (1 - chance) / chance)
        for metric, share in (("total", 1.0), ("leaks", 0.5)):
            found = of_function(run, metric, function)
            what = f"rate {rate}: {function}, {metric}"
            true_bytes, true_count = size * count * share, count * share
            spread = math.sqrt(share)
            lab.true(abs(found["bytes"] - true_bytes) <= 5 * bytes_error * spread + 1,
                     f"{what}: {found['bytes']} bytes for {true_bytes}, standard error {bytes_error * spread:.0f}")
            lab.true(abs(found["count"] - true_count) <= 5 * count_error * spread + 1,
                     f"{what}: {found['count']} blocks for {true_count}, standard error {count_error * spread:.1f}")
            hits = count * share * chance
            if hits > 100 and bytes_error > 0.001 * true_bytes:
                lab.true(0.6 < found["bytes_error"] / (bytes_error * spread) < 1.6,
                         f"{what}: the error printed is {found['bytes_error']:.0f}, it is {bytes_error * spread:.0f}")
        all_of_it += size * count
    lab.true(run.stats()["allocated_bytes"] > all_of_it / 2, f"rate {rate}: stats")
    text = run.read("table", "--total")
    lab.true(b"estimate" in text.stdout.lower() or b"\xc2\xb1" in text.stdout, f"rate {rate}: the text has no label")


def kept_and_freed(kind):
    size, count = KINDS[kind]
    take(size, count // divide)


def tiny():
    kept_and_freed("tiny")


def small():
    kept_and_freed("small")


def medium():
    kept_and_freed("medium")


def large():
    kept_and_freed("large")


if __name__ == "__main__":
    import sys

    import blocks

    divide = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    take = blocks.of_bytes_and_count("kept_and_freed")
    tiny()
    small()
    medium()
    large()
