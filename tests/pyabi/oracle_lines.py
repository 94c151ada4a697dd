"""Compares pyabi_line with the interpreter's own PyCode_Addr2Line, which is what f_lineno asks.

usage: PYTHON oracle_lines.py LIBRARY [FILES]

Compiles FILES of the standard library (default 150, 0: all of them), spread over it evenly, and
sources made to be difficult; every instruction of every code object must be on the same line. The
last line of output sums it up.
"""

import ctypes
import os
import sys
import sysconfig
import types
import warnings

import library

ADDR2LINE = ctypes.pythonapi.PyCode_Addr2Line
ADDR2LINE.argtypes = [ctypes.py_object, ctypes.c_int]
ADDR2LINE.restype = ctypes.c_int


def difficult_sources():
    """Pairs of a name and a source whose lines jump far, back, or are of no instruction."""
    yield "far", "def f(a):\n" + "\n" * 200 + "    b = a\n" + "\n" * 70000 + "    return b\n"
    yield "long", "def f(a):\n" + "    a = a + 1\n" * 3000 + "    return a\n"
    yield "wide", "x = [" + ", ".join("f(%d)" % i for i in range(2000)) + "]\n"
    yield "back", "x = f(\n" + "\n" * 300 + "  a,\n" * 150 + "\n" * 150 + ")\n"
    yield "chain", "x = (a\n" + "".join("    .b(%d)\n\n" % i for i in range(60)) + ")\n"
    yield "nested", "def f():\n" + "".join(
        "%sfor i%d in x:\n" % (" " * (4 + n), n) for n in range(15)) + " " * 19 + "g()\n"
    yield "trap", """
@decorate(
    1,
)
class A(B,
        metaclass=C):
    '''doc

    string'''
    x: int = 1

    @property

    def p(self, *, a=(1,
                      2)):
        try:
            with a as b, \\
                    c as d:
                yield
                return
        except (E,
                F) as e:
            raise G from e
        finally:
            del a

    async def q(self):
        async with a as b:
            async for x in (y async for y in z
                            if await y):
                await x
        return {k: v for k, v in
                d.items() if (lambda: (
                    k))()}
while a:
    if b: break
    elif (c and
          d): continue
    else: pass
else:
    assert a, (
        b)
"""
    if sys.version_info >= (3, 10):
        yield "match", """
def f(x):
    match x:
        case [1, *rest] if (
                rest):
            return rest
        case {"a": A(b=1) as c}:

            return c
        case _:
            pass
"""


def stdlib_files(count):
    root = sysconfig.get_path("stdlib")
    found = sorted(os.path.join(folder, name) for folder, _, names in os.walk(root)
                   for name in names if name.endswith(".py") and "site-packages" not in folder)
    step = max(1, len(found) // count) if count else 1
    return found[::step]


def code_objects(code):
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from code_objects(constant)


class Oracle:
    def __init__(self, layout):
        self.layout = layout
        self.codes = self.instructions = self.without_line = self.mismatches = 0

    def instr_of(self, address):
        """What a frame at this byte of the bytecode says of its position."""
        if self.layout.linetable == library.LOCATIONS:
            return self.layout.code_bytecode + address
        if self.layout.linetable == library.LINETABLE:
            return address // 2
        return address

    def check(self, code):
        addresses = range(0, len(code.co_code), 2)
        table = code.co_lnotab if self.layout.linetable == library.LNOTAB else code.co_linetable
        lines = self.layout.lines([self.instr_of(address) for address in addresses],
                                  code.co_firstlineno, table)
        expected = [max(ADDR2LINE(code, address), 0) for address in addresses]
        if lines != expected:
            self.mismatches += 1
            wrong = next(i for i, line in enumerate(lines) if line != expected[i])
            print("%s: %s: instruction at %d: line %d, not %d" % (
                code.co_filename, code.co_name, wrong * 2, expected[wrong], lines[wrong]))
        before = self.layout.lines([self.instr_of(-2) & 0xFFFFFFFF], code.co_firstlineno, table)
        if before != [max(ADDR2LINE(code, -1), 0)]:
            self.mismatches += 1
            print("%s: %s: a frame that has not begun: line %d" % (
                code.co_filename, code.co_name, before[0]))
        self.codes += 1
        self.instructions += len(lines)
        self.without_line += lines.count(0)

    def check_source(self, name, source):
        for code in code_objects(compile(source, name, "exec", dont_inherit=True)):
            self.check(code)

    def check_file(self, path):
        with open(path, "rb") as file:
            source = file.read()
        try:
            self.check_source(path, source)
        except (SyntaxError, ValueError, UnicodeError) as error:
            # test data, and templates of other tools
            print("%s is no Python: %s" % (path, error))


def main():
    warnings.simplefilter("ignore")  # what the compiler thinks of the sources
    oracle = Oracle(library.Layout(sys.argv[1]))
    files = stdlib_files(int(sys.argv[2]) if len(sys.argv) > 2 else 150)
    for name, source in difficult_sources():
        oracle.check_source(name, source)
    far = compile("x = 1\n", "far", "exec")
    for first_line in (1, 2, 1000, 10 ** 6, 2 ** 30):
        oracle.check(far.replace(co_firstlineno=first_line))
    for path in files:
        oracle.check_file(path)
    print("%d instructions of %d code objects in %d files, %d without a line, %d mismatches" % (
        oracle.instructions, oracle.codes, len(files), oracle.without_line, oracle.mismatches))
    sys.exit(1 if oracle.mismatches or oracle.codes < len(files) else 0)


if __name__ == "__main__":
    main()
