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


def main():
    spent = {"short": [0.0, 0.0], "middle": [0.0, 0.0], "long": [0.0, 0.0]}
    end = time.perf_counter() + SECONDS
    at, at_all = time.thread_time(), time.perf_counter()
    while at_all < end:
        for function in short, middle, long:
            function()  #> short, middle, long
            now, now_all = time.thread_time(), time.perf_counter()
            each = spent[function.__name__]
            each[0] += now - at
            each[1] += now_all - at_all
            at, at_all = now, now_all
    return spent


if __name__ == "__main__":
    import json  #> @importlib
    import time

    kept = bytes(BLOCK)
    result = main()  #> main
    print(json.dumps(result), flush=True)  #> @json
