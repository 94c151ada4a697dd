#!/usr/bin/env python3
"""Generate src/pyabi/tables-lp64.c from the headers of installed Pythons.

usage: pyabi-tables.py [--check] [--output FILE] [--compiler CC] [PYTHON|INCLUDE_DIR ...]

PYTHON is an interpreter whose headers are installed (sysconfig says where); INCLUDE_DIR is a folder
that holds its Python.h. By default: every python3.8 to python3.15 on PATH, in ~/.pyenv/versions and
in the Debian roots that tools/debian-root made.

Each set of headers, internal ones included, is compiled with a probe whose initializers are
offsetof() expressions; the values are read from the object file, nothing is run. Two sets of the
same minor version must agree, release or debug build, or nothing is written.

--check compares the values with the file instead of writing it: exit 1 if one differs.
"""

import argparse
import difflib
import os
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

MINORS = range(8, 16)
FIRST_WITH_OFFSETS = 13  # from here on _PyRuntime begins with _Py_DebugOffsets
ROOM = Path(__file__).resolve().parent.parent / "src" / "pyabi"

INCLUDES = """
#include <pthread.h>
#include <stddef.h>
#ifdef PROBE_WIDE_MUTEX
typedef struct { _Alignas(8) char bytes[48]; } probe_wide_mutex;
#define pthread_mutex_t probe_wide_mutex
#endif
#include <Python.h>
#include <frameobject.h>
#include <internal/pycore_pystate.h>
#if PY_VERSION_HEX >= 0x03090000
#include <internal/pycore_interp.h>
#include <internal/pycore_runtime.h>
#endif
#if PY_VERSION_HEX >= 0x030b0000
#include <internal/pycore_code.h>
#include <internal/pycore_frame.h>
#endif
#if PY_VERSION_HEX >= 0x030e0000
#include <internal/pycore_interpframe.h>
#include <internal/pycore_stackref.h>
#endif
#define AT(type, member) offsetof(type, member)
#define AFTER(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))
"""


def layout_expressions(minor):
    """Members of struct pyabi_layout for 3.8 to 3.12, and the expression each is measured by."""
    frame = "PyFrameObject" if minor < 11 else "_PyInterpreterFrame"
    fields = {
        "runtime_finalizing": f"AT(_PyRuntimeState, {'finalizing' if minor < 9 else '_finalizing'})",
        "runtime_interpreters_head": "AT(_PyRuntimeState, interpreters.head)",
        "runtime_interpreters_main": "AT(_PyRuntimeState, interpreters.main)",
        "runtime_tstate_current": "AT(_PyRuntimeState, gilstate.tstate_current)",
        "interp_next": "AT(PyInterpreterState, next)",
        "interp_tstate_head": "AT(PyInterpreterState, tstate_head)",
        "interp_id": "AT(PyInterpreterState, id)",
        "tstate_frame": "AT(PyThreadState, frame)",
        "tstate_next": "AT(PyThreadState, next)",
        "tstate_interp": "AT(PyThreadState, interp)",
        "tstate_thread_id": "AT(PyThreadState, thread_id)",
        "frame_previous": f"AT({frame}, f_back)",
        "frame_code": f"AT({frame}, f_code)",
        "frame_instr": f"AT({frame}, f_lasti)",
        "frame_localsplus": f"AT({frame}, f_localsplus)",
        "frame_size": f"(AFTER({frame}, f_lasti) + 7) / 8 * 8",
        "code_name": "AT(PyCodeObject, co_name)",
        "code_filename": "AT(PyCodeObject, co_filename)",
        "code_firstlineno": "AT(PyCodeObject, co_firstlineno)",
        "code_linetable": f"AT(PyCodeObject, {'co_lnotab' if minor < 10 else 'co_linetable'})",
        "code_flags": "AT(PyCodeObject, co_flags)",
        "object_type": "AT(PyObject, ob_type)",
        "bytes_size": "AT(PyVarObject, ob_size)",
        "bytes_data": "AT(PyBytesObject, ob_sval)",
        "unicode_length": "AT(PyASCIIObject, length)",
        "unicode_state": "AT(PyASCIIObject, state)",
        "unicode_ascii_data": "sizeof(PyASCIIObject)",
        "unicode_compact_data": "sizeof(PyCompactUnicodeObject)",
    }
    if minor >= 11:
        fields |= {
            "interp_tstate_head": "AT(PyInterpreterState, threads.head)",
            "tstate_frame": "AT(PyThreadState, cframe)",
            "cframe_current_frame": "AT(_PyCFrame, current_frame)",
            "tstate_native_thread_id": "AT(PyThreadState, native_thread_id)",
            "frame_previous": f"AT({frame}, previous)",
            "frame_instr": f"AT({frame}, prev_instr)",
            "frame_owner": f"AT({frame}, owner)",
            "frame_owner_generator": "FRAME_OWNED_BY_GENERATOR",
            "frame_localsplus": f"AT({frame}, localsplus)",
            "frame_size": f"AT({frame}, localsplus)",
            "code_qualname": "AT(PyCodeObject, co_qualname)",
            "code_bytecode": "AT(PyCodeObject, co_code_adaptive)",
            "code_firsttraceable": "AT(PyCodeObject, _co_firsttraceable)",
        }
    if minor >= 12:
        fields["frame_owner_shim"] = "FRAME_OWNED_BY_CSTACK"
        del fields["runtime_tstate_current"]
    return fields


# enum pyabi_source: what is taken from _Py_DebugOffsets, by its member there. A member that a
# version does not have is not measured.
SOURCES = {
    "VERSION": "version",
    "FREE_THREADED": "free_threaded",
    "RUNTIME_SIZE": "runtime_state.size",
    "RUNTIME_FINALIZING": "runtime_state.finalizing",
    "RUNTIME_INTERPRETERS_HEAD": "runtime_state.interpreters_head",
    "INTERP_SIZE": "interpreter_state.size",
    "INTERP_ID": "interpreter_state.id",
    "INTERP_NEXT": "interpreter_state.next",
    "INTERP_TSTATE_HEAD": "interpreter_state.threads_head",
    "TSTATE_SIZE": "thread_state.size",
    "TSTATE_NEXT": "thread_state.next",
    "TSTATE_INTERP": "thread_state.interp",
    "TSTATE_FRAME": "thread_state.current_frame",
    "TSTATE_THREAD_ID": "thread_state.thread_id",
    "TSTATE_NATIVE_THREAD_ID": "thread_state.native_thread_id",
    "FRAME_SIZE": "interpreter_frame.size",
    "FRAME_PREVIOUS": "interpreter_frame.previous",
    "FRAME_CODE": "interpreter_frame.executable",
    "FRAME_INSTR": "interpreter_frame.instr_ptr",
    "FRAME_LOCALSPLUS": "interpreter_frame.localsplus",
    "FRAME_OWNER": "interpreter_frame.owner",
    "FRAME_TLBC_INDEX": "interpreter_frame.tlbc_index",
    "CODE_SIZE": "code_object.size",
    "CODE_FILENAME": "code_object.filename",
    "CODE_NAME": "code_object.name",
    "CODE_QUALNAME": "code_object.qualname",
    "CODE_LINETABLE": "code_object.linetable",
    "CODE_FIRSTLINENO": "code_object.firstlineno",
    "CODE_BYTECODE": "code_object.co_code_adaptive",
    "CODE_TLBC": "code_object.co_tlbc",
    "OBJECT_SIZE": "pyobject.size",
    "OBJECT_TYPE": "pyobject.ob_type",
    "BYTES_SIZE": "bytes_object.size",
    "BYTES_OB_SIZE": "bytes_object.ob_size",
    "BYTES_DATA": "bytes_object.ob_sval",
    "UNICODE_SIZE": "unicode_object.size",
    "UNICODE_STATE": "unicode_object.state",
    "UNICODE_LENGTH": "unicode_object.length",
    "UNICODE_ASCII_SIZE": "unicode_object.asciiobject_size",
}
SOURCES_SINCE = {"FRAME_TLBC_INDEX": 14, "CODE_TLBC": 14}


def offsets_expressions(minor):
    """struct pyabi_offsets for 3.13 and later."""
    fields = {"size": "sizeof(_Py_DebugOffsets)"}
    for name, member in SOURCES.items():
        if SOURCES_SINCE.get(name, 0) <= minor:
            fields[f"at[PYABI_AT_{name}]"] = f"AT(_Py_DebugOffsets, {member})"
    return fields


def unsaid_expressions(minor, free_threaded):
    """struct pyabi_unsaid: what _Py_DebugOffsets does not carry."""
    owner = "FRAME_OWNED_BY_CSTACK" if minor < 14 else "FRAME_OWNED_BY_INTERPRETER"
    fields = {
        "interpreters_main": "AT(_PyRuntimeState, interpreters.main)"
                             " - AT(_PyRuntimeState, interpreters.head)",
        "code_firsttraceable": "AT(PyCodeObject, co_code_adaptive)"
                               " - AT(PyCodeObject, _co_firsttraceable)",
        "code_flags": "AT(PyCodeObject, co_flags) - AT(PyVarObject, ob_size)",
        "unicode_compact_data": "sizeof(PyCompactUnicodeObject) - sizeof(PyASCIIObject)",
        "frame_owner_shim": owner,
        "frame_owner_generator": "FRAME_OWNED_BY_GENERATOR",
        "code_tag_mask": "Py_TAG_BITS" if minor >= 14 else "0",
    }
    if minor >= 14 and free_threaded:
        fields |= {"tlbc_size": "AT(_PyCodeArray, size)",
                   "tlbc_entries": "AT(_PyCodeArray, entries)"}
    return fields


STATE_BITS = ("kind", "compact", "ascii")


class ProbeError(Exception):
    pass


class Headers:
    def __init__(self, include):
        self.include = include
        text = (include / "patchlevel.h").read_text()
        self.version = re.search(r'#define PY_VERSION\s+"([^"]+)"', text).group(1)
        number = {part: int(re.search(rf"#define PY_{part}_VERSION\s+(\d+)", text).group(1))
                  for part in ("MAJOR", "MINOR")}
        self.major, self.minor = number["MAJOR"], number["MINOR"]

    def usable(self):
        return (self.major == 3 and self.minor in MINORS
                and (self.include / "internal" / "pycore_pystate.h").exists())


def object_sections(path):
    """Name -> bytes of the sections of a 64-bit little-endian ELF object."""
    data = Path(path).read_bytes()
    if data[:6] != b"\x7fELF\x02\x01":
        raise ProbeError("the compiler does not make 64-bit little-endian ELF objects")
    table, = struct.unpack_from("<Q", data, 0x28)
    entry, count, names_index = struct.unpack_from("<HHH", data, 0x3A)
    headers = [struct.unpack_from("<IIQQQQ", data, table + i * entry) for i in range(count)]
    names = headers[names_index][4]
    sections = {}
    for name, _kind, _flags, _address, offset, size in headers:
        start = names + name
        sections[data[start:data.index(b"\0", start)].decode()] = data[offset:offset + size]
    return sections


def probe(compiler, headers, expressions, defines):
    """Compile the expressions against the headers and return their values, in order."""
    lines = [INCLUDES,
             "#define SECTION(name) __attribute__((section(name), used)) const",
             'SECTION("probe.values") unsigned long long probe_values[] = {']
    lines += [f"\t(unsigned long long)({expression})," for expression in expressions.values()]
    lines.append("};")
    lines += [f'SECTION("probe.{bit}") PyASCIIObject probe_{bit} = '
              f"{{ .state = {{ .{bit} = -1 }} }};" for bit in STATE_BITS]
    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder, "probe.c"), Path(folder, "probe.o")
        source.write_text("\n".join(lines))
        # Debian's pyconfig.h includes <x86_64-linux-gnu/python3.X/pyconfig.h>
        command = [*compiler, "-std=gnu17", "-w", "-DPy_BUILD_CORE", *defines,
                   f"-I{headers.include}", f"-I{headers.include / 'internal'}",
                   "-idirafter", str(headers.include.parent), "-c", str(source), "-o", str(made)]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode:
            raise ProbeError(f"{headers.version}: {' '.join(command)}\n{run.stderr}")
        sections = object_sections(made)
    values = struct.unpack(f"<{len(expressions)}Q", sections["probe.values"])
    result = dict(zip(expressions, values))
    for bit in STATE_BITS:
        # an object whose other members are 0: the state word is the one that is not
        word = int.from_bytes(sections[f"probe.{bit}"], "little")
        result[f"unicode_{bit}_shift"] = ((word & -word).bit_length() - 1) % 32
    return result


def measure_layout(compiler, headers):
    """Member -> C expression. What depends on the size of pthread_mutex_t (40 bytes on x86-64, 48
    with glibc on aarch64) is measured with both and written as a function of it."""
    expressions = layout_expressions(headers.minor)
    rows = []
    for debug in ([], ["-UPy_DEBUG", "-DPy_DEBUG=1"]):
        narrow = probe(compiler, headers, expressions, debug)
        wide = probe(compiler, headers, expressions, debug + ["-DPROBE_WIDE_MUTEX"])
        row = {}
        for name, value in narrow.items():
            mutexes, rest = divmod(wide[name] - value, 8)
            if rest or mutexes < 0:
                raise ProbeError(f"{headers.version}: {name} does not grow with pthread_mutex_t")
            row[name] = f"MUTEXES({value - mutexes * 40}, {mutexes})" if mutexes else str(value)
        rows.append(row)
    return agreed(f"{headers.version}, release and debug build", rows)


def measure_offsets(compiler, headers):
    """The members of struct pyabi_offsets; .unsaid is a pair, of the default and of the
    free-threaded build."""
    pairs = []
    for debug in ([], ["-UPy_DEBUG", "-DPy_DEBUG=1"]):
        rows, unsaid = [], []
        for free_threaded in (False, True):
            defines = debug + ["-UPy_GIL_DISABLED"] + ["-DPy_GIL_DISABLED=1"] * free_threaded
            at = offsets_expressions(headers.minor)
            missing = unsaid_expressions(headers.minor, free_threaded)
            values = probe(compiler, headers, at | missing, defines)
            rows.append({name: values.pop(name) for name in at})
            unsaid.append(values)
        row = agreed(f"{headers.version}, default and free-threaded build", rows)
        pairs.append(row | {"unsaid": unsaid})
    return agreed(f"{headers.version}, release and debug build", pairs)


def agreed(what, rows):
    for row in rows[1:]:
        differing = [f"{name}: {rows[0].get(name)} and {row.get(name)}"
                     for name in rows[0] | row if rows[0].get(name) != row.get(name)]
        if differing:
            raise ProbeError(f"{what} disagree: {'; '.join(differing)}")
    return rows[0]


ENUMS = {
    "features": {8: "PYABI_INSTR_INDEX", 9: "PYABI_INSTR_INDEX", 10: "PYABI_INSTR_INDEX",
                 11: "PYABI_CFRAME | PYABI_QUALNAME", 12: "PYABI_CFRAME | PYABI_QUALNAME"},
    "linetable": {8: "PYABI_LNOTAB", 9: "PYABI_LNOTAB", 10: "PYABI_LINETABLE",
                  11: "PYABI_LOCATIONS", 12: "PYABI_LOCATIONS"},
}
ABSENT = {
    "runtime_tstate_current": "PYABI_NONE", "cframe_current_frame": "PYABI_NONE",
    "tstate_native_thread_id": "PYABI_NONE", "frame_owner": "PYABI_NONE",
    "frame_owner_shim": "0xff", "frame_owner_generator": "0xff",
    "frame_tlbc_index": "PYABI_NONE", "code_qualname": "PYABI_NONE",
    "code_bytecode": "PYABI_NONE", "code_firsttraceable": "PYABI_NONE",
    "code_tlbc": "PYABI_NONE", "tlbc_size": "PYABI_NONE", "tlbc_entries": "PYABI_NONE",
}


def layout_lines(minor, row):
    members = {name: kinds[minor] for name, kinds in ENUMS.items()} | ABSENT | row
    yield "\t{"
    yield f"\t\t.minor = {minor},"
    yield "\t\t.layout = {"
    for name, value in members.items():
        yield f"\t\t\t.{name} = {value},"
    yield "\t\t},"
    yield "\t},"


def offsets_lines(minor, row):
    yield "\t{"
    yield f"\t\t.minor = {minor},"
    for name, value in row.items():
        if name != "unsaid":
            yield f"\t\t.{name} = {value},"
    for free_threaded, values in enumerate(row["unsaid"]):
        yield f"\t\t.unsaid[{free_threaded}] = {{"
        for name, value in values.items():
            yield f"\t\t\t.{name} = {value},"
        yield "\t\t},"
    yield "\t},"


HEAD = """/*
 * Made by tools/pyabi-tables.py from the headers of the Pythons named below; do not edit.
 *
 * Measured on x86-64. The values hold for every little-endian LP64 machine whose C ABI aligns a
 * scalar to its size and packs bit-fields from the lowest bit, as the psABIs of x86-64 and aarch64
 * both say: these structures hold pointers, integers and each other. The exception is
 * pthread_mutex_t, whose size is the C library's choice (glibc: 40 bytes on x86-64, 48 on aarch64);
 * what lies behind n of them is MUTEXES(rest, n). Each version was measured with and without
 * Py_DEBUG: no value differs.
 */
#include "pyabi/tables.h"

#include <pthread.h>

/* clang-format off */

#define MUTEXES(rest, n) ((rest) + (n) * sizeof(pthread_mutex_t))
"""


def file_text(layouts, offsets, sources):
    lines = [HEAD]
    lines.append("const struct pyabi_table pyabi_tables[] = {")
    for minor, row in sorted(layouts.items()):
        lines.append(f"\t/* {', '.join(sources[minor])} */")
        lines += layout_lines(minor, row)
    lines += ["};", "const size_t pyabi_tables_count = "
              "sizeof(pyabi_tables) / sizeof(pyabi_tables[0]);", "",
              "const struct pyabi_offsets pyabi_offsets[] = {"]
    for minor, row in sorted(offsets.items()):
        lines.append(f"\t/* {', '.join(sources[minor])} */")
        lines += offsets_lines(minor, row)
    lines += ["};", "const size_t pyabi_offsets_count = "
              "sizeof(pyabi_offsets) / sizeof(pyabi_offsets[0]);", ""]
    return "\n".join(lines)


def found_includes():
    """Folders that may hold a Python.h, in a stable order."""
    home = Path.home()
    pythons = []
    for minor in MINORS:
        for name in (f"python3.{minor}", f"python3.{minor}-dbg", f"python3.{minor}t"):
            paths = (os.path.join(folder, name) for folder in os.get_exec_path())
            pythons += [path for path in paths if os.access(path, os.X_OK)]
    pythons += sorted(str(path) for path in (home / ".pyenv" / "versions").glob("3.*/bin/python3"))
    includes = [include_of(python) for python in pythons]
    cache = os.environ.get("SONDE_CACHE")
    cache = Path(cache or Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache", "sonde"))
    includes += sorted(cache.glob("*/usr/include/python3.*"))
    return [include for include in dict.fromkeys(includes) if include]


def include_of(argument):
    path = Path(argument)
    if (path / "Python.h").exists():
        return path
    code = "import sysconfig; print(sysconfig.get_path('include'))"
    run = subprocess.run([argument, "-c", code], capture_output=True, text=True)
    include = Path(run.stdout.strip())
    return include if run.returncode == 0 and (include / "patchlevel.h").exists() else None


def measure_all(compiler, includes):
    layouts, offsets, sources = {}, {}, {}
    for headers in map(Headers, includes):
        if not headers.usable():
            continue
        minor = headers.minor
        debug = headers.include.name.endswith("d")
        sources.setdefault(minor, set()).add(headers.version + " (debug)" * debug)
        print(f"measuring {headers.version} in {headers.include}", file=sys.stderr)
        if minor < FIRST_WITH_OFFSETS:
            layouts.setdefault(minor, []).append(measure_layout(compiler, headers))
        else:
            offsets.setdefault(minor, []).append(measure_offsets(compiler, headers))
    for table in (layouts, offsets):
        for minor, rows in table.items():
            table[minor] = agreed(f"the headers of 3.{minor}", rows)
    return layouts, offsets, {minor: sorted(names) for minor, names in sources.items()}


def rows_of(text):
    """The rows of a generated file by minor version, without comments: what --check compares."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    rows = re.findall(r"^\t\{\n(.*?)^\t\},\n", text, flags=re.S | re.M)
    return {int(re.search(r"\.minor = (\d+)", row).group(1)): row.split("\n") for row in rows}


def check(path, text):
    """Compare what was measured with the file; the exit status."""
    have, made = rows_of(path.read_text()), rows_of(text)
    status = 0
    for minor, row in sorted(made.items()):
        if have.get(minor) == row:
            print(f"3.{minor}: as measured")
            continue
        status = 1
        print(f"3.{minor}: {path.name} differs from the headers:")
        print("\n".join(difflib.unified_diff(have.get(minor, []), row, path.name, "measured",
                                             lineterm="", n=0)))
    for minor in sorted(set(have) - set(made)):
        print(f"3.{minor}: skipped, no headers of it found")
    if not made:
        print("no headers found: nothing was checked")
        status = 1
    return status


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].removeprefix("usage: "),
                                     description=__doc__.split("\n", 1)[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--output", type=Path, default=ROOM / "tables-lp64.c")
    parser.add_argument("--compiler", default=os.environ.get("CC", "cc"))
    parser.add_argument("python", nargs="*")
    options = parser.parse_args()
    includes = [include_of(argument) for argument in options.python] or found_includes()
    if None in includes:
        parser.error(f"no headers for {options.python[includes.index(None)]}")
    try:
        layouts, offsets, sources = measure_all(options.compiler.split(), includes)
    except ProbeError as error:
        sys.exit(f"pyabi-tables: {error}")
    text = file_text(layouts, offsets, sources)
    if options.check:
        sys.exit(check(options.output, text))
    missing = [f"3.{minor}" for minor in MINORS if minor not in sources]
    if missing:
        sys.exit(f"pyabi-tables: no headers of {', '.join(missing)}; nothing written")
    options.output.write_text(text)


if __name__ == "__main__":
    main()
