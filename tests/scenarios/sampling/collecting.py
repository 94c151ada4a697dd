"""A program that collects garbage most of its time is seen doing that, as long as it says itself."""

SECONDS = 1.5


def scenario(lab):
    import json

    import samples

    run = lab.record_self(options=["--wall", "-r", "1000"])
    recording = samples.Samples(lab.sonde, run.path)
    grammar = samples.Grammar(lab.script, is_whole=True)
    rows = samples.judge(lab, "collecting", recording, grammar.wrong)
    truth = json.loads(run.output)
    seen = recording.count("wall", "--state", "gc", "--function", "collect")
    lab.true(truth["collected"] > 0.1 * SECONDS, f"the program collected for {truth['collected']:.3f} s only")
    samples.same_time(lab, "collecting", recording, seen, truth["collected"])
    others = recording.count("wall", "--state", "gc", "--function", "work")
    lab.true(others < samples.limit(lab.python) * sum(row.samples for row in rows),
             f"{others} samples of work() as collecting garbage")


def note(phase, info):  #< root
    global begun, collected
    if phase == "start":
        begun = time.perf_counter()
    else:
        collected += time.perf_counter() - begun


def work():
    end = time.perf_counter() + 0.01
    while time.perf_counter() < end:
        pass


def collect():
    gc.collect()  #> note


def main():
    kept = []
    for _ in range(100000):
        one = [kept]
        one.append(one)
        kept.append(one)
    gc.disable()
    gc.callbacks.append(note)
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        collect()  #> collect
        work()  #> work
    gc.callbacks.clear()
    print(json.dumps({"collected": collected}), flush=True)  #> @json


if __name__ == "__main__":
    import gc
    import json  #> @importlib
    import time

    begun = collected = 0.0
    main()  #> main
