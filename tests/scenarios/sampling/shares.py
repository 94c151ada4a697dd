"""A program that knows how long each of its functions ran: so do the samples of them, in one recording with its
allocations too."""

SECONDS = 1.5
BLOCK = 100411


def scenario(lab):
    import json

    import samples

    grammar = samples.Grammar(lab.script, is_whole=True)
    for options in (["--cpu", "-r", "1000"], ["--cpu", "-r", "10000", "--alloc"]):
        what = " ".join(options)
        run = lab.record_self(options=options)
        recording = samples.Samples(lab.sonde, run.path)
        rows = samples.judge(lab, what, recording, grammar.wrong)
        # What it waits for a CPU may be seen, or not.
        for function, (seconds, longest) in json.loads(run.output).items():
            seen = sum(row.samples for row in rows if any(frame.function == function for frame in row.stack))
            samples.same_time(lab, f"{what}: {function}", recording, seen, seconds, longest)
        if "--alloc" in options:
            blocks = [row for row in run.rows("total") if BLOCK <= row.bytes < BLOCK + 100 and row.count == 1]
            lab.equal([row.stack[0].function for row in blocks], ["<module>"], f"{what}: the block of {BLOCK} bytes")
            lab.equal(recording.info["recorded"], ["allocations", "time"], f"{what}: what was recorded")


def count(n):
    x = 0
    for i in range(n):
        x += i
    return x


def short():
    count(300)  #> count


def middle():
    count(900)  #> count


def long():
    count(2700)  #> count


def nothing():
    pass


def main():
    """Of each function: seconds but for what looking at the clock takes. The clock is one that asks no kernel: what it
    waited for a CPU is not known of each, so the least is what it would be if all waiting had been in it."""
    functions = short, nothing, middle, nothing, long, nothing
    spent = [0.0] * len(functions)
    clock = time.perf_counter
    begin, begin_cpu = clock(), time.thread_time()
    now = begin
    while now < begin + SECONDS:
        for i, function in enumerate(functions):
            at = clock()
            function()  #> short, nothing, middle, long
            now = clock()
            spent[i] += now - at
    waited = max(now - begin - (time.thread_time() - begin_cpu), 0)
    less = (spent[1] + spent[3] + spent[5]) / 3
    return {"short": (spent[0] - less - waited, spent[0]), "middle": (spent[2] - less - waited, spent[2]),
            "long": (spent[4] - less - waited, spent[4])}


if __name__ == "__main__":
    import json  #> @importlib
    import time

    kept = bytes(BLOCK)
    result = main()  #> main
    print(json.dumps(result), flush=True)  #> @json
