"""Reads this very interpreter through the offsets of the room pyabi and compares what stands there
with what the interpreter says of itself.

usage: PYTHON oracle_layout.py LIBRARY

Walks from _PyRuntime to every interpreter, thread, frame and code object, as the agent and the
sampler do. Each check that fails prints a line; the last line sums up.
"""

import ctypes
import dis
import os
import sys
import threading
import time
import types

import library
from library import pointer, word

LIMIT = 100000  # links followed in a list that should end

TSTATE = ctypes.pythonapi.PyThreadState_Get
TSTATE.restype = ctypes.c_void_p
ADDR2LINE = ctypes.pythonapi.PyCode_Addr2Line
ADDR2LINE.argtypes = [ctypes.py_object, ctypes.c_int]


class Frame:
    """What the memory says of a frame."""

    def __init__(self, layout, address):
        self.address = address
        self.previous = pointer(address + layout.frame_previous)
        self.owner = None
        if layout.frame_owner != library.NONE:
            self.owner = ctypes.c_uint8.from_address(address + layout.frame_owner).value
        self.code = pointer(address + layout.frame_code) & ~layout.code_tag_mask
        self.shim = self.owner is not None and self.owner >= layout.frame_owner_shim
        self.first_local = pointer(address + layout.frame_localsplus) & ~3
        if self.shim:
            return
        if layout.has(library.INSTR_INDEX):
            self.instr = word(address + layout.frame_instr)
            return
        self.instr = pointer(address + layout.frame_instr) - self.code
        if layout.has(library.TLBC):
            array = pointer(self.code + layout.code_tlbc)
            index = word(address + layout.frame_tlbc_index)
            assert index < pointer(array + layout.tlbc_size)
            bytecode = pointer(array + layout.tlbc_entries + 8 * index)
            self.instr += self.code - bytecode + layout.code_bytecode


class Oracle:
    def __init__(self, layout):
        self.layout = layout
        self.checks = self.failures = 0

    def same(self, what, found, expected):
        self.checks += 1
        if found != expected:
            self.failures += 1
            print("%s: %r, not %r" % (what, found, expected))

    def true(self, what, found):
        self.same(what, bool(found), True)

    # Frames

    def frames(self, tstate):
        """The frames of a thread from the innermost, without shims, and how many shims there were.
        For the own thread the innermost is that of this call, which stands as long as it is looked
        at: no Python function is called to find it."""
        layout, frames, shims = self.layout, [], 0
        steps = [layout.tstate_frame]
        if layout.has(library.CFRAME):
            steps.append(layout.cframe_current_frame)
        address = tstate
        for step in steps:
            address = ctypes.c_void_p.from_address(address + step).value
        while address:
            frame = Frame(layout, address)
            address = frame.previous
            if frame.shim:
                shims += 1
            elif frame.owner == layout.frame_owner_generator or not self.is_incomplete(frame):
                frames.append(frame)
            if len(frames) > LIMIT:
                raise AssertionError("the frames do not end")
        return frames, shims

    def is_incomplete(self, frame):
        layout = self.layout
        if layout.has(library.INSTR_INDEX):
            return False
        begin = layout.code_bytecode + 2 * word(frame.code + layout.code_firsttraceable)
        return frame.instr < begin

    def check_frame(self, what, frame, python_frame):
        layout, code = self.layout, python_frame.f_code
        self.same(what + ": code", frame.code, id(code))
        if frame.code != id(code):
            return
        lasti = ctypes.c_int32(frame.instr).value
        if not layout.has(library.INSTR_INDEX):
            lasti -= layout.code_bytecode
        elif layout.linetable == library.LINETABLE:
            lasti *= 2
        self.same(what + ": f_lasti", lasti, python_frame.f_lasti)
        table = code.co_lnotab if layout.linetable == library.LNOTAB else code.co_linetable
        line, = layout.lines([frame.instr & 0xFFFFFFFF], code.co_firstlineno, table)
        self.same(what + ": f_lineno", line, python_frame.f_lineno or 0)
        self.true(what + ": the instruction is in the code",
                  lasti < 0 or lasti < len(code.co_code))
        self.true(what + ": frame_size", self.frame_size_is_enough())

    def frame_size_is_enough(self):
        layout = self.layout
        ends = [layout.frame_previous + 8, layout.frame_code + 8,
                layout.frame_instr + (4 if layout.has(library.INSTR_INDEX) else 8)]
        if layout.frame_owner != library.NONE:
            ends.append(layout.frame_owner + 1)
        if layout.has(library.TLBC):
            ends.append(layout.frame_tlbc_index + 4)
        return max(ends) <= layout.frame_size <= layout.frame_localsplus

    def check_stack(self, what):
        """The frames of the caller and of all that called it. They rest at their calls while this
        looks at them."""
        frames, shims = self.frames(TSTATE())
        self.same(what + ": innermost frames", [frame.code for frame in frames[:2]],
                  [id(self.frames.__code__), id(self.check_stack.__code__)])
        frames = frames[2:]
        python_frame, number = sys._getframe(1), 0
        for number, frame in enumerate(frames):
            if python_frame is None:
                break
            self.check_frame("%s: frame %d" % (what, number), frame, python_frame)
            python_frame = python_frame.f_back
        self.same(what + ": the stacks end together",
                  (python_frame, number + 1), (None, len(frames)))
        return frames, shims

    # Code objects and str

    def check_text(self, what, address, expected):
        if type(expected) is not str:
            self.same(what, self.layout.text(address), None)
            return
        self.same(what, self.layout.text(address),
                  "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c
                          for c in expected).encode())

    def check_code(self, code):
        layout, address = self.layout, id(code)
        what = "code " + code.co_name
        self.check_text(what + ": name", pointer(address + layout.code_name), code.co_name)
        self.check_text(what + ": file", pointer(address + layout.code_filename),
                        code.co_filename)
        self.same(what + ": first line", word(address + layout.code_firstlineno),
                  code.co_firstlineno)
        self.same(what + ": flags", word(address + layout.code_flags), code.co_flags)
        table = code.co_lnotab if layout.linetable == library.LNOTAB else code.co_linetable
        self.same(what + ": line table", layout.bytes(pointer(address + layout.code_linetable)),
                  table)
        self.same(what + ": qualified names", layout.has(library.QUALNAME),
                  hasattr(code, "co_qualname"))
        if layout.has(library.QUALNAME):
            self.check_text(what + ": qualname", pointer(address + layout.code_qualname),
                            code.co_qualname)
        if layout.linetable == library.LOCATIONS:
            self.check_bytecode(what, address, code)

    def check_bytecode(self, what, address, code):
        layout = self.layout
        bytecode = ctypes.string_at(address + layout.code_bytecode, len(code.co_code))
        if not layout.has(library.TLBC):
            self.same(what + ": bytecode", bytecode, code._co_code_adaptive)
        else:
            array = pointer(address + layout.code_tlbc)
            self.same(what + ": entry 0 of its bytecodes",
                      pointer(array + layout.tlbc_entries), address + layout.code_bytecode)
        # 4: where a generator expression of 3.15 has not yet asked for its iterator
        resume = [i.offset // 2 for i in dis.get_instructions(code)
                  if i.opname == "RESUME" and i.arg != 4]
        if resume:
            self.same(what + ": first traceable",
                      word(address + layout.code_firsttraceable), resume[0])

    def check_objects(self):
        class Text(str):
            pass

        texts = ["", "a", "ascii " * 50, "\xe9", "caf\xe9 \xff", "\u20ac uro", "\U0001f40d" * 9,
                 "a\ud800b", "\udfff", "\U0010ffff\u0800", sys.intern("interned_" + "x" * 30),
                 Text("of a subclass"), Text("\xe9"), Text("\U0001f40d")]
        for text in texts:
            self.check_text("text %r" % text, id(text), text)
        for data in (b"", b"x", bytes(range(256)) * 5):
            self.same("bytes", self.layout.bytes(id(data)), data)
        for thing in (None, 1, "x", [], self, type(self), type, self.check_objects.__code__):
            self.same("type of %r" % thing, pointer(id(thing) + self.layout.object_type),
                      id(type(thing)))

    # Threads and interpreters

    def chain(self, address, next_offset):
        found = []
        while address and len(found) < LIMIT:
            found.append(address)
            address = pointer(address + next_offset)
        return found

    def interpreters(self):
        runtime = library.runtime_address()
        return self.chain(pointer(runtime + self.layout.runtime_interpreters_head),
                          self.layout.interp_next)

    def tstates(self, interpreter):
        return self.chain(pointer(interpreter + self.layout.interp_tstate_head),
                          self.layout.tstate_next)

    def check_runtime(self):
        layout, runtime, tstate = self.layout, library.runtime_address(), TSTATE()
        interpreters = self.interpreters()
        main = pointer(runtime + layout.runtime_interpreters_main)
        self.same("interpreters", interpreters, [main])
        self.same("interpreter of the thread", pointer(tstate + layout.tstate_interp), main)
        self.same("id of the main interpreter", pointer(main + layout.interp_id), 0)
        self.same("finalizing", pointer(runtime + layout.runtime_finalizing), 0)
        self.true("own thread is listed", tstate in self.tstates(main))
        self.same("thread_id", pointer(tstate + layout.tstate_thread_id), threading.get_ident())
        self.same("native_thread_id is there since 3.11",
                  layout.tstate_native_thread_id != library.NONE, sys.version_info >= (3, 11))
        if layout.tstate_native_thread_id != library.NONE:
            self.same("native_thread_id", pointer(tstate + layout.tstate_native_thread_id),
                      threading.get_native_id())
        self.same("tstate_current is there until 3.11",
                  layout.runtime_tstate_current != library.NONE, sys.version_info < (3, 12))
        if layout.runtime_tstate_current != library.NONE:
            self.same("tstate_current", pointer(runtime + layout.runtime_tstate_current), tstate)

    def check_subinterpreter(self):
        """A second interpreter is found, its ids differ, and it goes away again."""
        for name in ("_interpreters", "_xxsubinterpreters"):
            try:
                module = __import__(name)
                break
            except ImportError:
                pass
        else:
            return
        before = self.interpreters()
        interpreter = module.create()
        during = self.interpreters()
        number = [pointer(a + self.layout.interp_id) for a in during if a not in before]
        self.same("id of the new interpreter", number, [int(interpreter)])
        module.destroy(interpreter)
        self.same("interpreters after it", self.interpreters(), before)


def deep(count, then):
    return then() if count == 0 else deep(count - 1, then)


def check_hot_loop(look, turns=6000):
    """Looks from below a loop that has run often enough to be compiled, where that is on."""
    def called(turn):
        if turn > turns - 3:
            look("hot loop")
        return turn

    total = 0
    for turn in range(turns):
        total += list(map(called, (turn,)))[0]
        total ^= turn
    return total


def check_stacks(oracle):
    """Every way in which a frame comes to stand on another."""
    seen = []

    def look(what):
        frames, shims = oracle.check_stack(what)
        seen.append((what, frames, shims))
        return frames

    def generator():
        yield look("generator")
        yield from inner_generator()

    def inner_generator():
        yield look("generator in a generator")

    async def coroutine():
        return await awaited()

    async def awaited():
        return look("coroutine")

    class Descriptor:
        @property
        def value(self):
            return look("property")

        def __del__(self):
            look("__del__")

        def __iter__(self):
            look("__iter__")
            return iter(())

        def __enter__(self):
            look("__enter__")
            return self

        def __exit__(self, *exception):
            look("__exit__")
            return True

    look("function")
    deep(300, lambda: look("recursion"))
    [look("comprehension") for _ in range(1)]
    list(map(look, ["called from C"]))
    sorted([1, 2], key=lambda _: len(look("key of sorted")))
    owners = [frames[1].owner for frames in generator()]
    if oracle.layout.frame_owner != library.NONE:
        oracle.same("owner of generators' frames", owners,
                    [oracle.layout.frame_owner_generator] * 2)
    try:
        coroutine().send(None)
    except StopIteration:
        pass
    check_hot_loop(look)
    exec(compile("\n\nlook('exec')", "<exec>", "exec"), {"look": look})
    eval("look('eval')", {"look": look})
    with Descriptor() as descriptor:
        descriptor.value
        list(descriptor)
        [*descriptor]
        del descriptor
        raise KeyError
    if hasattr(sys, "setprofile"):
        events = []
        sys.setprofile(lambda *arguments: events or events.append(look("profile function")))
        len("")
        sys.setprofile(None)
    return seen


def check_locals(oracle):
    """localsplus[0] is a function's first argument."""
    class Marker:
        pass

    def holder(argument):
        frames, _ = oracle.frames(TSTATE())
        oracle.same("code", frames[1].code, id(holder.__code__))
        return frames[1].first_local, id(argument)

    oracle.same("first local", *holder(Marker()))


def check_threads(oracle):
    """The frames of threads that wait in C, and of those, their ids."""
    ready, stop = [], threading.Event()

    def wait(depth):
        if depth:
            return wait(depth - 1)
        ready.append((threading.get_ident(), threading.get_native_id()))
        stop.wait()

    threads = [threading.Thread(target=wait, args=(depth,)) for depth in (0, 7, 40)]
    for thread in threads:
        thread.start()
    while len(ready) < len(threads):
        time.sleep(0.01)
    time.sleep(0.3)  # until they are in stop.wait()
    layout, python_frames = oracle.layout, sys._current_frames()
    main = pointer(library.runtime_address() + layout.runtime_interpreters_main)
    found = {pointer(a + layout.tstate_thread_id): a for a in oracle.tstates(main)}
    for ident, native in ready:
        oracle.true("thread is listed", ident in found)
        if layout.tstate_native_thread_id != library.NONE:
            oracle.same("native id of a thread",
                        pointer(found[ident] + layout.tstate_native_thread_id), native)
        frames, _ = oracle.frames(found[ident])
        python_frame = python_frames[ident]
        for number, frame in enumerate(frames):
            oracle.check_frame("thread: frame %d" % number, frame, python_frame)
            python_frame = python_frame.f_back
        oracle.same("thread: the stacks end together", python_frame, None)
    stop.set()
    for thread in threads:
        thread.join()


def check_shims(oracle, seen):
    """From 3.12 on a frame of the interpreter itself stands below each entry from C."""
    shims = {what: count for what, _, count in seen}
    if sys.version_info >= (3, 12):
        oracle.true("shims", shims["function"] >= 1)
        oracle.true("shims of a call from C", shims["key of sorted"] > shims["function"])
    else:
        oracle.same("shims", set(shims.values()), {0})


def check_codes(oracle):
    namespace = {}
    exec(compile("def \u0444\u0443\u043d\u043a\u0446\u0438\u044f(a): return a\n"
                 "class K\u00e9:\n  async def m(self):\n    yield (x for x in self)\n"
                 "  def cell(self):\n    return lambda: (self, __class__)\n",
                 "/\U0001f40d/\ud8ff.py", "exec"), namespace)
    codes = set()
    pending = [function.__code__ for function in vars(dis).values()
               if isinstance(function, types.FunctionType)]
    pending += [namespace["K\u00e9"].m.__code__, namespace["K\u00e9"].cell.__code__,
               namespace["\u0444\u0443\u043d\u043a\u0446\u0438\u044f"].__code__,
               os.walk.__code__, threading.Thread.run.__code__]
    while pending:
        code = pending.pop()
        codes.add(code)
        pending += [c for c in code.co_consts if isinstance(c, types.CodeType)]
    for code in codes:
        oracle.check_code(code)
    return len(codes)


class AtTheEnd:
    """Deleted while the interpreter tears itself down: the runtime says so by then, and by whom. Then
    only is everything checked, and the summary printed."""

    def __init__(self, layout, summary):
        self.summary = summary.encode()
        self.address = library.runtime_address() + layout.runtime_finalizing
        # no Python functions: their modules are empty by then
        self.names = ctypes.c_void_p.from_address, TSTATE, os.write, os._exit

    def __del__(self):
        pointer_at, own_tstate, write, leave = self.names
        found, expected = pointer_at(self.address).value, own_tstate()
        if found != expected:
            write(1, b"finalizing: %#x, not %#x\n" % (found or 0, expected))
            leave(1)
        write(1, self.summary)


def jit_is_on():
    return hasattr(sys, "_jit") and sys._jit.is_enabled()


def main():
    oracle = Oracle(library.Layout(sys.argv[1]))
    oracle.same("free-threaded", oracle.layout.has(library.FREE_THREADED),
                "free-threading" in sys.version)
    oracle.same("debug build", oracle.layout.has(library.DEBUG_BUILD),
                hasattr(sys, "gettotalrefcount"))
    oracle.check_runtime()
    seen = check_stacks(oracle)
    check_shims(oracle, seen)
    check_locals(oracle)
    check_threads(oracle)
    codes = check_codes(oracle)
    oracle.check_objects()
    oracle.check_subinterpreter()
    summary = "%d checks of %d stacks and %d code objects%s, %d failures\n" % (
        oracle.checks, len(seen), codes, ", JIT" if jit_is_on() else "", oracle.failures)
    sys.stdout.flush()
    if oracle.failures or oracle.checks < 1000:
        sys.exit(summary)
    sys.at_the_end = AtTheEnd(oracle.layout, summary)


if __name__ == "__main__":
    main()
