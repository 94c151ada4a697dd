"""The program's own sys.setprofile and sys.settrace see the same events with sonde as without it, and stay theirs."""

PROGRAM = '''
import sys, threading

events = []

def note(frame, event, argument):
    if frame.f_code.co_filename == __file__:
        events.append((event, frame.f_code.co_name, frame.f_lineno, getattr(argument, "__name__", "")))
    return note

def generator():
    yield bytearray(200000)
    yield [bytearray(3000) for _ in range(3)]

def work(depth):
    if depth:
        return work(depth - 1)
    data = list(generator())
    try:
        {}["x"]
    except KeyError:
        pass
    return sorted(data, key=len)

for switch, get in ((sys.setprofile, sys.getprofile), (sys.settrace, sys.gettrace)):
    assert get() is None, get()
    switch(note)
    work(3)
    assert get() is note, get()
    switch(None)
    assert get() is None
threading.setprofile(note)
thread = threading.Thread(target=work, args=(2,))
thread.start()
thread.join()
threading.setprofile(None)
print(len(events))
for event in events:
    print(*event)
'''


def scenario(lab):
    program = lab.write("program.py", PROGRAM)
    _, expected, _ = lab.plain([program])
    lab.true(len(expected.splitlines()) > 50, "the program alone sees too few events")
    for options in ([], ["--trace-python-allocators"], ["--whole-process"], ["--aggregate"]):
        run = lab.record([program], options)
        lab.equal(run.output, expected, f"events under sonde {options}")
        # Two in the main thread, one in the other; the objects themselves may stand in the same rows.
        large = sum(row.bytes for row in run.rows("total") if row.bytes >= 50000 * row.count and row.stack and
                    row.stack[0].function == "generator")
        lab.true(600000 <= large < 602000, f"the generator's own blocks {options}: {large} bytes")
