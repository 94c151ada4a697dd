"""Reads of this very interpreter what looking at a process from outside needs: who holds the GIL, whether a
collection runs, where the data stack and its frames are, what the locals are. Compares with what the
interpreter says of itself.

usage: PYTHON oracle_outside.py LIBRARY
"""

import ctypes
import dis
import gc
import sys
import threading
import time

import library
import oracle_layout
from library import NONE, byte, integer, pointer, word

TSTATE = oracle_layout.TSTATE
VERSION = sys.version_info[:2]


class Oracle(oracle_layout.Oracle):
    def __init__(self, layout, path):
        super().__init__(layout)
        self.objects = library.Objects(layout)
        self.released = layout.library          # lets go of the GIL in a call
        self.holding = ctypes.PyDLL(path)       # does not
        for functions in (self.released, self.holding):
            functions.oracle_int.argtypes = [ctypes.c_void_p]
            functions.oracle_int_becomes.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_uint]
        self.holding.oracle_word_with_exception.argtypes = [ctypes.c_void_p] * 4
        self.holding.oracle_word_with_exception.restype = ctypes.c_uint64
        self.main = pointer(library.runtime_address() + layout.runtime_interpreters_main)

    def there(self, name, expected):
        """Whether this Python has the field."""
        found = getattr(self.layout, name) != NONE
        self.same(name + " is there", found, expected)
        return found

    def gil(self):
        if self.layout.runtime_gil != NONE:
            return library.runtime_address() + self.layout.runtime_gil
        return pointer(self.main + self.layout.interp_gil)

    def active_frames(self):
        """Those of the caller and of all that called it, innermost first, with the shims. No Python
        function is called to find the innermost, its frame would be gone."""
        layout, found = self.layout, []
        steps = [layout.tstate_frame]
        if layout.has(library.CFRAME):
            steps.append(layout.cframe_current_frame)
        address = TSTATE()
        for step in steps:
            address = ctypes.c_void_p.from_address(address + step).value
        while address:
            found.append(oracle_layout.Frame(layout, address))
            address = found[-1].previous
        self.same("innermost frame", found[0].code, id(self.active_frames.__code__))
        return found[1:]

    def frame_of(self, code):
        return next(frame for frame in self.active_frames() if frame.code == id(code))

    def words(self, code):
        """Of the frames of a code object: locals, cells and free variables."""
        if self.layout.code_nlocalsplus != NONE:
            return integer(code + self.layout.code_nlocalsplus)
        return (integer(code + self.layout.code_nlocals)
                + sum(len(self.objects.items(pointer(code + names)))
                      for names in (self.layout.code_cellvars, self.layout.code_freevars)))

    def frame_words(self, code):
        if self.layout.code_framesize != NONE:
            return integer(code + self.layout.code_framesize)
        return (self.layout.frame_specials_size + self.words(code)
                + integer(code + self.layout.code_stacksize))

    # The GIL

    def check_gil(self):
        layout, gil, own = self.layout, self.gil(), TSTATE()
        self.there("runtime_gil", VERSION < (3, 12))
        self.there("interp_gil", VERSION >= (3, 12))
        self.there("gil_enabled", layout.has(library.FREE_THREADED))
        self.same("gil_locked", integer(gil + layout.gil_locked), 1)
        self.same("gil_last_holder", pointer(gil + layout.gil_last_holder), own)
        self.same("gil_locked, released", self.released.oracle_int(gil + layout.gil_locked), 0)
        self.same("gil_locked, not released", self.holding.oracle_int(gil + layout.gil_locked), 1)
        self.same("gil_last_holder after that", pointer(gil + layout.gil_last_holder), own)

    def check_status(self):
        """What a thread state says while its thread has the GIL, and while it has let go of it."""
        layout, own = self.layout, TSTATE()
        if self.there("tstate_status", VERSION >= (3, 12)):
            masks = {"active": layout.tstate_status_active}
            if VERSION == (3, 13):
                masks["holds_gil"] = layout.tstate_status_holds_gil
            else:
                self.same("tstate_status_holds_gil", layout.tstate_status_holds_gil, 0)
            status = own + layout.tstate_status
            for name, mask in masks.items():
                self.true("mask of " + name, mask)
                self.same(name, word(status) & mask, mask)
                self.same(name + ", released", self.released.oracle_int(status) & mask, 0)
            self.same("finalizing", word(status) & layout.tstate_status_finalizing, 0)
        for name, since, value in (("tstate_holds_gil", (3, 14), 1), (
                "tstate_state", (3, 13), layout.tstate_state_attached)):
            if self.there(name, VERSION >= since):
                address = own + getattr(layout, name)
                self.same(name, integer(address), value)
                self.same(name + ", released", self.released.oracle_int(address), 0)
                self.same(name + ", not released", self.holding.oracle_int(address), value)

    def check_requested(self):
        """Another thread that waits for the GIL says so, and is not its holder."""
        layout, stop, tstates = self.layout, [], []

        def spin():
            tstates.append(TSTATE())
            while not stop:
                pass

        thread = threading.Thread(target=spin)
        thread.start()
        while not tstates:
            time.sleep(0.001)
        gil = self.gil()
        time.sleep(0.05)  # now it holds the GIL, until this thread takes it back
        self.same("holder among two", pointer(gil + layout.gil_last_holder), TSTATE())
        if self.there("tstate_gil_requested", VERSION >= (3, 15)):
            requested = tstates[0] + layout.tstate_gil_requested
            self.true("tstate_gil_requested of who waits",
                      self.holding.oracle_int_becomes(requested, 1, 5000))
            self.same("tstate_gil_requested of who has it",
                      integer(TSTATE() + layout.tstate_gil_requested), 0)
            self.same("tstate_holds_gil of who waits",
                      integer(tstates[0] + layout.tstate_holds_gil), 0)
        seen = set()
        for _ in range(100):
            self.released.oracle_int_becomes(gil + layout.gil_locked, 1, 1)
            seen.add(integer(gil + layout.gil_locked))
        self.same("gil_locked, by whoever", seen, {1})
        stop.append(True)
        thread.join()
        if layout.tstate_gil_requested != NONE:
            self.same("gil_requested", integer(TSTATE() + layout.tstate_gil_requested), 0)

    def check_finalizing(self):
        """While a thread's state is cleared, at its end."""
        layout, seen, local = self.layout, [], threading.local()
        if layout.tstate_status == NONE:
            return

        class AtTheEnd:
            def __init__(self):
                self.status = TSTATE() + layout.tstate_status

            def __del__(self):
                seen.append(word(self.status) & layout.tstate_status_finalizing)

        def run():
            local.thing = AtTheEnd()
            seen.append(word(local.thing.status) & layout.tstate_status_finalizing)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        for _ in range(1000):  # its end is behind join's
            if len(seen) == 2:
                break
            time.sleep(0.01)
        self.same("finalizing, at first", seen[0], 0)
        self.true("finalizing, at the end", seen[1])

    def check_exception(self):
        api, layout = ctypes.pythonapi, self.layout
        if not self.there("tstate_current_exception", VERSION not in ((3, 13), (3, 14))):
            return
        address = TSTATE() + layout.tstate_current_exception
        self.same("no exception", pointer(address), 0)
        found = self.holding.oracle_word_with_exception(
            ctypes.cast(api.PyErr_SetNone, ctypes.c_void_p), id(KeyError),
            ctypes.cast(api.PyErr_Clear, ctypes.c_void_p), address)
        if VERSION < (3, 12):
            self.same("type of the exception", found, id(KeyError))
        else:
            self.true("an exception", found)

    # The interpreter

    def check_collection(self):
        layout, seen = self.layout, []
        self.there("runtime_gc_collecting", VERSION < (3, 9))
        self.there("interp_gc_collecting", VERSION >= (3, 9))
        address = self.main + layout.interp_gc_collecting
        if VERSION < (3, 9):
            address = library.runtime_address() + layout.runtime_gc_collecting
        has_frame = self.there("interp_gc_frame", VERSION >= (3, 15))

        def during(phase, _info):
            frame = has_frame and pointer(self.main + layout.interp_gc_frame)
            collector = self.frame_of(collect.__code__)
            seen.append((integer(address), not has_frame or frame == collector.address))

        def collect():
            gc.collect()

        self.same("no collection", integer(address), 0)
        gc.callbacks.append(during)
        collect()
        gc.callbacks.remove(during)
        self.same("a collection, and its frame", seen, [(1, True)] * 2)
        self.same("no collection any more", integer(address), 0)
        if has_frame:
            self.same("frame of no collection", pointer(self.main + layout.interp_gc_frame), 0)

    def check_generation(self):
        if not self.there("interp_code_object_generation", VERSION >= (3, 14)):
            return
        address = self.main + self.layout.interp_code_object_generation
        before = pointer(address)
        code = compile("1", "<code>", "exec")
        self.same("generation, a code object made", pointer(address), before)
        del code
        self.true("generation, a code object gone", pointer(address) > before)

    # The data stack

    def check_data_stack(self):
        """Every frame that its thread owns is in the part of a chunk that is in use, and where the one
        that called it ends."""
        layout, tstate = self.layout, TSTATE()
        if not self.there("tstate_datastack_chunk", VERSION >= (3, 11)):
            return
        frames = self.active_frames()
        chunks, chunk = [], pointer(tstate + layout.tstate_datastack_chunk)
        top = pointer(tstate + layout.tstate_datastack_top)
        while chunk:
            size = pointer(chunk + layout.chunk_size)
            data = chunk + layout.chunk_data
            if chunks:
                top = data + 8 * pointer(chunk + layout.chunk_top)
            self.true("a chunk's top is in it", data <= top <= chunk + size)
            self.true("size of a chunk", size % 4096 == 0 and 0 < size < 1 << 30)
            chunks.append((data, top))
            chunk = pointer(chunk + layout.chunk_previous)
        self.true("more than one chunk", len(chunks) > 1)
        owned = [frame for frame in frames if frame.owner == layout.frame_owner_thread]
        self.true("frames of the data stack", len(owned) > 500)
        for frame in owned:
            end = frame.address + 8 * self.frame_words(frame.code)
            self.same("chunks with the frame", sum(
                data <= frame.address and end <= top for data, top in chunks), 1)
        for callee, caller in zip(owned, owned[1:]):
            end = caller.address + 8 * self.frame_words(caller.code)
            if callee.previous == caller.address and callee.address != end:
                self.true("a frame that begins elsewhere begins a chunk",
                          any(data == callee.address for data, top in chunks))
        for frame in frames:
            if frame.owner == layout.frame_owner_generator and not frame.shim:
                self.same("chunks with a generator's frame", sum(
                    data <= frame.address < top for data, top in chunks), 0)

    def check_base_frame(self):
        if self.there("tstate_base_frame", VERSION >= (3, 15)):
            last = self.active_frames()[-1]
            self.same("base frame", pointer(TSTATE() + self.layout.tstate_base_frame), last.address)
            self.true("the base frame is a shim", last.shim)

    def check_sizes(self):
        """One read of so many bytes holds all that is read of a thread state, or of a frame."""
        layout = self.layout
        fields = {"frame": 8, "next": 8, "interp": 8, "thread_id": 8, "native_thread_id": 8,
                  "holds_gil": 4, "gil_requested": 4, "status": 4, "state": 4, "datastack_chunk": 8,
                  "datastack_top": 8, "base_frame": 8, "current_exception": 8}
        offsets = {name: getattr(layout, "tstate_" + name) for name in fields}
        most = max(offset + fields[name] for name, offset in offsets.items() if offset != NONE)
        self.same("tstate_size", layout.tstate_size, (most + 7) // 8 * 8)
        fields = {"previous": 8, "code": 8, "instr": 4, "owner": 1, "tlbc_index": 4, "stacktop": 4,
                  "stackpointer": 8, "is_entry": 1, "return_offset": 2, "locals": 8, "executing": 1}
        if not layout.has(library.INSTR_INDEX):
            fields["instr"] = 8
        offsets = {name: getattr(layout, "frame_" + name) for name in fields}
        most = max(offset + fields[name] for name, offset in offsets.items() if offset != NONE)
        self.same("frame_size", layout.frame_size, (most + 7) // 8 * 8)
        self.same("sys.modules", pointer(self.main + layout.interp_modules), id(sys.modules))


def deep(count, then):
    return then() if count == 0 else deep(count - 1, then)


def deep_generator(count, then):
    if count:
        yield from deep_generator(count - 1, then)
    else:
        yield deep(500, then)


def check_stacks(oracle):
    deep(600, oracle.check_data_stack)
    deep(600, lambda: list(map(lambda _: deep(600, oracle.check_data_stack), [0])))
    list(deep_generator(20, oracle.check_data_stack))
    oracle.check_base_frame()
    list(map(lambda _: oracle.check_base_frame(), [0]))
    thread = threading.Thread(target=lambda: (deep(600, oracle.check_data_stack),
                                              oracle.check_base_frame()))
    thread.start()
    thread.join()


def check_generators(oracle):
    """Their frames lie in them, and they say whether they run."""
    layout, seen = oracle.layout, []

    def look():
        seen.append(oracle.active_frames()[1])

    def generator():
        look()
        yield
        look()

    async def coroutine():
        look()

    async def asynchronous():
        look()
        yield

    for make in (generator, coroutine, asynchronous):
        thing = holder = make()
        if make is asynchronous:
            thing = holder.__anext__()
        what = make.__name__
        state = id(holder) + layout.gen_frame_state
        if oracle.there("gen_frame_state", VERSION >= (3, 11)):
            oracle.true(what + " has not begun", byte(state) != layout.gen_frame_state_executing)
        try:
            thing.send(None)
        except StopIteration:
            pass
        frame = seen.pop()
        oracle.same(what + ": code", frame.code, id(make.__code__))
        if layout.frame_generator_object != NONE:
            oracle.same(what + " of its frame", frame.address - layout.frame_generator_object,
                        id(holder))
            oracle.true(what + " rests", byte(state) != layout.gen_frame_state_executing)

    running = []

    def says():
        running.append(byte(id(itself) + layout.gen_frame_state))
        yield

    itself = says()
    if layout.gen_frame_state != NONE:
        next(itself)
        oracle.same("a generator runs", running, [layout.gen_frame_state_executing])


def check_executing(oracle):
    """Up to 3.10 a frame says whether it runs."""
    layout = oracle.layout
    if not oracle.there("frame_executing", VERSION < (3, 11)):
        oracle.true("one of both", layout.frame_executing_value == NONE)
        return

    def generator():
        seen.append([byte(frame.address + layout.frame_executing)
                     for frame in oracle.active_frames()])
        yield
        yield

    def ends():
        return sys._getframe()

    seen = []
    suspended = generator()
    at = id(suspended.gi_frame) + layout.frame_executing
    oracle.true("a frame that has not begun", byte(at) != layout.frame_executing_value)
    next(suspended)
    oracle.same("frames that run", set(seen[0]), {layout.frame_executing_value})
    oracle.true("a suspended frame", byte(at) != layout.frame_executing_value)
    ended = ends()
    oracle.true("a frame that has ended",
                byte(id(ended) + layout.frame_executing) != layout.frame_executing_value)


def check_owners(oracle):
    """The frame of a call that is over lies in its frame object: struct _frame, f_frame."""
    layout = oracle.layout
    if layout.frame_owner == NONE:
        return

    def ends():
        return sys._getframe(), oracle.active_frames()[0].owner

    shims = {frame.owner for frame in list(map(lambda _: oracle.active_frames(), [0]))[0] if frame.shim}
    if VERSION in ((3, 12), (3, 13)):
        oracle.same("owner of frames on the C stack", shims, {layout.frame_owner_cstack})
    elif VERSION >= (3, 14):
        oracle.same("owner of the interpreter's frames", shims, {layout.frame_owner_shim})
    ended, running = ends()
    frame = pointer(id(ended) + oracle.objects.object_size + 8)
    oracle.same("owner while it runs", running, layout.frame_owner_thread)
    oracle.same("owner when it is over", byte(frame + layout.frame_owner), layout.frame_owner_object)
    oracle.same("owners differ", len({layout.frame_owner_thread, layout.frame_owner_generator,
                                      layout.frame_owner_object, layout.frame_owner_shim}), 4)


def check_entries(oracle):
    """3.11 says of a frame that the C stack is between it and its caller."""
    layout = oracle.layout
    if not oracle.there("frame_is_entry", VERSION == (3, 11)):
        return

    def look(_=None):
        return byte(oracle.active_frames()[0].address + layout.frame_is_entry)

    oracle.same("called from Python", look(), 0)
    oracle.same("called from C", list(map(look, [0])), [1])


def next_instruction(code, offset):
    """The offset of the instruction behind the one at an offset."""
    following = [i.offset for i in dis.get_instructions(code) if i.offset > offset]
    return following[0]


def check_return_offset(oracle):
    """Where a caller goes on: behind the call."""
    layout = oracle.layout
    if not oracle.there("frame_return_offset", VERSION >= (3, 12)):
        return

    def look(depth):
        caller = oracle.active_frames()[depth]
        return caller, ctypes.c_uint16.from_address(caller.address + layout.frame_return_offset).value

    def calls():
        return look(1)

    def delegates():
        yield from inner()

    def inner():
        yield look(2)

    caller, offset = calls()
    at = caller.instr - layout.code_bytecode
    if VERSION >= (3, 13):  # before, the frame's own instruction is that of its last cache entry
        oracle.same("return_offset of a call", at + 2 * offset, next_instruction(calls.__code__, at))
    for _ in range(500):  # until it no longer asks C for the next value
        caller, offset = next(delegates())
    sends = [i for i in dis.get_instructions(delegates.__code__) if i.opname == "SEND"]
    at = caller.instr - layout.code_bytecode
    oracle.same("one place to delegate", len(sends), 1)
    if VERSION >= (3, 13):
        oracle.true("return_offset of a delegation leads behind what follows",
                    at == sends[0].offset and at + 2 * offset == sends[0].argval)
    else:
        oracle.same("return_offset of a delegation", offset, sends[0].arg)


def stack_words(oracle, frame):
    """Those of the value stack, None where the frame does not say how many there are."""
    layout, begin = oracle.layout, frame.address + oracle.layout.frame_localsplus
    if layout.frame_stacktop != NONE:
        count = integer(frame.address + layout.frame_stacktop)
        end = None if count == -1 else begin + 8 * count
    else:
        end = pointer(frame.address + layout.frame_stackpointer) or None
    if end is None:
        return None
    begin += 8 * oracle.words(frame.code)
    most = integer(frame.code + layout.code_stacksize)
    oracle.true("the stack of values is in the frame", begin <= end <= begin + 8 * most)
    return [pointer(address) for address in range(begin, end, 8)]


def check_value_stacks(oracle):
    """What lies on them in calls: objects, and from 3.14 on ints that are none."""
    layout, objects, seen = oracle.layout, oracle.objects, []
    oracle.there("frame_stacktop", (3, 11) <= VERSION < (3, 14))
    if not oracle.there("frame_stackpointer", VERSION >= (3, 14)) and layout.frame_stacktop == NONE:
        return

    def look():
        for frame in oracle.active_frames():
            if not frame.shim and frame.owner in (layout.frame_owner_thread,
                                                  layout.frame_owner_generator):
                for value in stack_words(oracle, frame) or []:
                    look_at(value)

    def look_at(value):
        reference = objects.reference(value)
        seen.append(reference.kind)
        if reference.kind == library.OBJECT:
            kind = pointer(reference.value + objects.object_type)
            oracle.true("an object's type is a type", objects.type_of(kind).flags & (1 << 31))

    class Leaves:
        def __enter__(self):
            pass

        def __exit__(self, *exception):
            look()
            return True

    def loops():
        return [marker for item in (items,) for marker in item if look() is None]

    def raises():
        with Leaves():
            raise KeyError

    marker, items = object(), [1, 2.5, None]
    (lambda first, second, third: look())(marker, items, 5) if loops() else None
    raises()
    oracle.true("objects on stacks", library.OBJECT in seen)
    oracle.same("ints that are no objects", library.INT in seen, VERSION >= (3, 14))


def read_names(oracle, code):
    """[(name, kind)] of the words of localsplus."""
    layout, objects = oracle.layout, oracle.objects

    def texts(field):
        return [layout.text(item).decode() for item in objects.items(pointer(code + field))]

    if layout.code_localsplusnames != NONE:
        kinds = layout.bytes(pointer(code + layout.code_localspluskinds))
        names = texts(layout.code_localsplusnames)
        oracle.same("as many kinds as names", len(kinds), len(names))
        oracle.same("nlocalsplus", integer(code + layout.code_nlocalsplus), len(names))
        return list(zip(names, kinds))
    names = texts(layout.code_varnames)
    oracle.same("nlocals", integer(code + layout.code_nlocals), len(names))
    return ([(name, library.LOCAL_VARIABLE) for name in names]
            + [(name, library.LOCAL_CELL) for name in texts(layout.code_cellvars)]
            + [(name, library.LOCAL_FREE) for name in texts(layout.code_freevars)])


def read_locals(oracle, frame):
    """Name -> address."""
    layout, objects, found = oracle.layout, oracle.objects, {}
    for index, (name, kind) in enumerate(read_names(oracle, frame.code)):
        value = pointer(frame.address + layout.frame_localsplus + 8 * index)
        reference = objects.reference(value)
        oracle.true("locals are objects", reference.kind != library.INT)
        address = reference.value if reference.kind == library.OBJECT else 0
        if address and kind & (library.LOCAL_CELL | library.LOCAL_FREE):
            if objects.name_of_type(address) == "cell":
                address = pointer(address + objects.cell_contents)
        if address:
            found[name] = address
    return found


def check_locals(oracle):
    def look():
        frame, python_frame = oracle.active_frames()[1], sys._getframe(1)
        oracle.same("code", frame.code, id(python_frame.f_code))
        found = read_locals(oracle, frame)
        expected = {name: id(value) for name, value in dict(python_frame.f_locals).items()}
        oracle.same("locals of " + python_frame.f_code.co_name, found, expected)

    def many(first, second=2, *rest, keyword=3, **named):
        captured, deleted, unbound_later = [first], 1, None
        del deleted
        if captured is None:
            never = 1
        look()

        def inner(own):
            captured.append(own)
            look()
            return second, (lambda: never)

        inner(5.5)
        # not `captured` once more: 3.13.0 crashes over the f_locals of that
        return [look() for turn in range(2)], unbound_later

    def generator(argument):
        look()
        yield argument
        captured = argument
        look()
        yield (lambda: captured)

    class Holder:
        __slots__ = ()

        def method(self):
            return super().__hash__(), look()

    many("one", "two", 3, 4, keyword="five", other=6)
    many(1)
    list(generator("argument"))
    Holder().method()
    deep(3, look)


def check_names(oracle):
    """A class body and a module have their names in a dict, functions have none."""
    layout, seen = oracle.layout, []

    def look():
        frame = oracle.active_frames()[1]
        seen.append(pointer(frame.address + layout.frame_locals))

    namespace = {"look": look}
    exec("look()", namespace)
    oracle.same("names of a module", seen.pop(), id(namespace))
    local = {}
    exec("look()", namespace, local)
    oracle.same("names of exec", seen.pop(), id(local))

    class Body:
        look()
        names = id(locals())

    oracle.same("names of a class", seen.pop(), Body.names)

    def function(argument):
        look()
        return argument

    function(1)
    oracle.same("names of a function", seen.pop(), 0)


def check_codes(oracle):
    layout = oracle.layout

    def plain(one, two, *, three=3, **four):
        five = one, two, three, four
        return lambda: five

    codes = [function.__code__ for function in (
        plain, deep, deep_generator, check_locals, check_codes, threading.Thread.__init__,
        Oracle.check_requested, dis.dis)]
    codes += [thing for code in codes for thing in code.co_consts if isinstance(thing, type(codes[0]))]
    for code in codes:
        what, address = "code %s: " % code.co_name, id(code)
        oracle.same(what + "argcount", integer(address + layout.code_argcount), code.co_argcount)
        oracle.same(what + "stacksize", integer(address + layout.code_stacksize), code.co_stacksize)
        names = read_names(oracle, address)
        oracle.same(what + "cells", tuple([n for n, kind in names if kind & library.LOCAL_CELL]),
                    tuple(code.co_cellvars))
        oracle.same(what + "free", tuple([n for n, kind in names if kind & library.LOCAL_FREE]),
                    tuple(code.co_freevars))
        oracle.same(what + "variables",
                    tuple([n for n, kind in names if kind & library.LOCAL_VARIABLE]),
                    tuple(code.co_varnames))
        oracle.same(what + "words", oracle.words(address), len(names))
        if oracle.there("code_size", VERSION >= (3, 11)):
            oracle.same(what + "size", 2 * pointer(address + layout.code_size), len(code.co_code))
        if oracle.there("code_code", VERSION < (3, 11)):
            oracle.same(what + "code", layout.bytes(pointer(address + layout.code_code)),
                        code.co_code)
        if oracle.there("code_framesize", VERSION >= (3, 12)):
            oracle.same(what + "framesize", integer(address + layout.code_framesize),
                        layout.frame_specials_size + len(names) + code.co_stacksize)


def main():
    sys.setrecursionlimit(4000)
    oracle = Oracle(library.Layout(sys.argv[1]), sys.argv[1])
    oracle.check_gil()
    oracle.check_status()
    oracle.check_requested()
    oracle.check_finalizing()
    oracle.check_exception()
    oracle.check_collection()
    oracle.check_generation()
    oracle.check_sizes()
    for check in (check_stacks, check_generators, check_executing, check_owners, check_entries,
                  check_return_offset, check_value_stacks, check_locals, check_names, check_codes):
        check(oracle)
    print("%d checks from outside%s, %d failures" % (
        oracle.checks, ", JIT" if oracle_layout.jit_is_on() else "", oracle.failures))
    sys.exit(1 if oracle.failures or oracle.checks < 300 else 0)


if __name__ == "__main__":
    main()
