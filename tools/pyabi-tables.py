#!/usr/bin/env python3
"""Generate src/pyabi/{tables,offsets,objects,builtins}-lp64.c, opcodes-tables.c, test_samples.h and
test_object_samples.h from the headers of installed Pythons.

usage: pyabi-tables.py [--check] [--output DIR] [--compiler CC] [PYTHON|INCLUDE_DIR ...]

PYTHON is an interpreter whose headers are installed (sysconfig says where); INCLUDE_DIR is a folder
that holds its Python.h. By default: every python3.8 to python3.15 on PATH, in ~/.pyenv/versions and
in the Debian roots that tools/debian-root made.

Each set of headers, internal ones included, is compiled with a probe whose initializers are
offsetof() expressions; the values are read from the object file, nothing is run. Two sets of the
same minor version must agree, release or debug build, or nothing is written. The samples are what
_PyRuntime of each Python since 3.13 begins with, default and free-threaded build, and the layout
that follows from it.

--check compares the values with the files instead of writing them: exit 1 if one differs, 77 if no
headers were found.
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

sys.dont_write_bytecode = True

import pyabi_fields as fields  # noqa: E402

MINORS = range(8, 16)
FIRST_WITH_INSTR = 11  # from here on frames hold an instruction's address
FIRST_WITH_OFFSETS = 13  # from here on _PyRuntime begins with _Py_DebugOffsets
ROOM = Path(__file__).resolve().parent.parent / "src" / "pyabi"

BUILDS = ([], ["-UPy_DEBUG", "-DPy_DEBUG=1"])
MUTEX_BYTES = "bytes of pthread_mutex_t"


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

    @property
    def name(self):
        return self.version + " (debug)" * self.include.name.endswith("d")

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


def compile_probe(compiler, headers, lines, defines):
    """Compile lines of C against the headers; the object's sections."""
    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder, "probe.c"), Path(folder, "probe.o")
        source.write_text("\n".join([fields.INCLUDES, *lines]))
        # Debian's pyconfig.h includes <x86_64-linux-gnu/python3.X/pyconfig.h>
        command = [*compiler, "-std=gnu17", "-w", "-DPy_BUILD_CORE", *defines,
                   f"-I{headers.include}", f"-I{headers.include / 'internal'}",
                   "-idirafter", str(headers.include.parent), "-c", str(source), "-o", str(made)]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode:
            raise ProbeError(f"{headers.version}: {' '.join(command)}\n{run.stderr}")
        return object_sections(made)


def probe(compiler, headers, expressions, defines, bits=None):
    """Measure the expressions, and the masks of bit-fields (default: those of a layout): name ->
    value."""
    lines = ["#define SECTION(name) __attribute__((section(name), used)) const",
             'SECTION("probe.values") unsigned long long probe_values[] = {']
    lines += [f"\t(unsigned long long)({expression})," for expression in expressions.values()]
    lines.append("};")
    bits = fields.bits(headers.minor) if bits is None else bits
    lines += [f'SECTION("probe.{name}") {kind} probe_{name} = {{ {setting} }};'
              for name, (kind, setting) in bits.items()]
    sections = compile_probe(compiler, headers, lines, defines)
    values = struct.unpack(f"<{len(expressions)}Q", sections["probe.values"])
    result = dict(zip(expressions, values))
    for name in bits:
        # an object whose other members are 0: the word with the bits is the one that is not
        whole = int.from_bytes(sections[f"probe.{name}"], "little")
        lowest = (whole & -whole).bit_length() - 1
        result[name] = lowest % 32 if name.endswith("_shift") else whole >> lowest // 32 * 32
    return result


def measure_layout(compiler, headers):
    """Member -> C expression. Everything is measured with this machine's pthread_mutex_t and with one
    that is 8 bytes larger; what differs is written as a function of its size."""
    expressions = fields.layout_expressions(headers.minor) | {MUTEX_BYTES: "probe_mutex_bytes"}
    rows = []
    for debug in BUILDS:
        narrow = probe(compiler, headers, expressions, debug)
        wide = probe(compiler, headers, expressions, debug + ["-DPROBE_WIDE_MUTEX"])
        row = {}
        bytes_each = narrow.pop(MUTEX_BYTES)
        for name, value in narrow.items():
            mutexes, rest = divmod(wide[name] - value, 8)
            if rest or mutexes < 0:
                raise ProbeError(f"{headers.version}: {name} does not grow with pthread_mutex_t")
            rest = value - mutexes * bytes_each
            row[name] = f"MUTEXES({rest}, {mutexes})" if mutexes else str(value)
        rows.append(row)
    return agreed(f"{headers.version}, release and debug build", rows)


def measure_objects(compiler, headers):
    """Members of struct pyabi_objects."""
    expressions = fields.objects_expressions(headers.minor)
    rows = [probe(compiler, headers, expressions, debug, {}) for debug in BUILDS]
    return agreed(f"{headers.version}, release and debug build", rows)


def measure_objects_unsaid(compiler, headers):
    """.unsaid of struct pyabi_objects_form, a pair as in measure_offsets."""
    expressions = fields.objects_unsaid_expressions(headers.minor)
    pairs = [{"unsaid": [probe(compiler, headers, expressions, debug + build_defines(free_threaded), {})
                         for free_threaded in (False, True)]} for debug in BUILDS]
    return agreed(f"{headers.version}, release and debug build", pairs)


def measure_builtins(compiler, headers):
    """struct pyabi_builtins, a pair as in measure_offsets."""
    expressions = fields.builtins_expressions(headers.minor)
    pairs = [{"builtins": [probe(compiler, headers, expressions, debug + build_defines(free_threaded), {})
                           for free_threaded in (False, True)]} for debug in BUILDS]
    return agreed(f"{headers.version}, release and debug build", pairs)


def measure_offsets(compiler, headers):
    """The members of struct pyabi_offsets; .unsaid is a pair, of the default and of the
    free-threaded build."""
    pairs = []
    for debug in BUILDS:
        rows, unsaid = [], []
        for free_threaded in (False, True):
            defines = debug + build_defines(free_threaded)
            at = fields.offsets_expressions(headers.minor)
            missing = fields.unsaid_expressions(headers.minor, free_threaded)
            values = probe(compiler, headers, at | missing, defines)
            rows.append({name: values.pop(name) for name in at})
            unsaid.append(values)
        row = agreed(f"{headers.version}, default and free-threaded build", rows)
        pairs.append(row | {"unsaid": unsaid})
    return agreed(f"{headers.version}, release and debug build", pairs)


def build_defines(free_threaded):
    return ["-UPy_GIL_DISABLED"] + ["-DPy_GIL_DISABLED=1"] * free_threaded


def measure_sample(compiler, headers, free_threaded):
    """The first bytes of _PyRuntime as 64-bit values, and the layout and the objects as the headers
    have them."""
    defines = build_defines(free_threaded)
    layout = probe(compiler, headers, fields.layout_expressions(headers.minor, free_threaded)
                   | {"bytes": "sizeof(_Py_DebugOffsets)"}, defines)
    runtime = compile_probe(compiler, headers, [fields.RUNTIME], defines)["probe.runtime"]
    offsets = struct.unpack_from(f"<{layout.pop('bytes') // 8}Q", runtime)
    objects = probe(compiler, headers, fields.objects_expressions(headers.minor), defines, {})
    return offsets, layout, objects


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
# What stands in a row for a version that does not have it, unless PYABI_NONE.
ABSENT = {"frame_owner_shim": "0xff", "frame_owner_generator": "0xff", "frame_owner_thread": "0xff",
          "frame_owner_object": "0xff", "frame_owner_cstack": "0xff", "code_tag_mask": "0",
          "tstate_status_active": "0", "tstate_status_holds_gil": "0",
          "tstate_status_finalizing": "0", "type_managed_dict": "0", "type_inline_values": "0",
          "managed_values_tag": "0"}


def members_of(name):
    """Of struct pyabi_<name>, in order, without what depends on the build."""
    text = re.sub(r"/\*.*?\*/", "", (ROOM / f"{name}.h").read_text(), flags=re.S)
    body = re.search(rf"^struct pyabi_{name} \{{\n(.*?)^\}};", text, flags=re.S | re.M).group(1)
    return [member for member in re.findall(r"uint32_t (\w+);", body) if member != "version_hex"]


def member_lines(indent, name, row, first=(), index=""):
    """Every member of a struct pyabi_<name>, in order: its value, or what says that there is none."""
    members = members_of(name)
    unknown = row.keys() - set(members)
    if unknown:
        raise ProbeError(f"no members of struct pyabi_{name}: {', '.join(sorted(unknown))}")
    yield f"{indent}.{name}{index} = {{"
    yield from (f"{indent}\t{line}" for line in first)
    for member in members:
        yield f"{indent}\t.{member} = {row.get(member, ABSENT.get(member, 'PYABI_NONE'))},"
    yield f"{indent}}},"


def unsaid_lines(unsaid):
    for free_threaded, values in enumerate(unsaid):
        yield f"\t\t.unsaid[{free_threaded}] = {{"
        for name, value in values.items():
            yield f"\t\t\t.{name} = {value},"
        yield "\t\t},"


def table(name, kind, rows, sources, lines):
    """An array by minor version, and its count."""
    yield f"const struct {kind} {name}[] = {{"
    for minor, row in sorted(rows.items()):
        yield f"\t/* {', '.join(sources[minor])} */"
        yield "\t{"
        yield f"\t\t.minor = {minor},"
        yield from lines(minor, row)
        yield "\t},"
    yield "};"
    yield f"const size_t {name}_count = sizeof({name}) / sizeof({name}[0]);"


def layout_lines(minor, row):
    row = {name: kinds[minor] for name, kinds in ENUMS.items()} | row
    return member_lines("\t\t", "layout", row)


def objects_lines(_minor, row):
    return member_lines("\t\t", "objects", row)


def offsets_lines(_minor, row):
    yield from (f"\t\t.{name} = {value}," for name, value in row.items() if name != "unsaid")
    yield from unsaid_lines(row["unsaid"])


def form_lines(_minor, row):
    return unsaid_lines(row["unsaid"])


def builtins_lines(_minor, row):
    for free_threaded, values in enumerate(row["builtins"]):
        yield from member_lines("\t\t", "builtins", values, index=f"[{free_threaded}]")


TABLES_HEAD = """/*
 * Made by tools/pyabi-tables.py from the headers of the Pythons named below; do not edit.
 *
 * The values hold for every little-endian LP64 machine whose C ABI aligns a scalar to its size and
 * packs bit-fields from the lowest bit, as the psABIs of x86-64 and aarch64 both say: these
 * structures hold pointers, integers and each other. The exception is pthread_mutex_t, whose size
 * is the C library's choice (glibc: 40 bytes on x86-64, 48 on aarch64); what lies behind n of them
 * is MUTEXES(rest, n). Compilers for both machines gave these very numbers. Each version was
 * measured with and without Py_DEBUG: no value differs.
 */
#include "pyabi/tables.h"

#include <pthread.h>

/* clang-format off */

#define MUTEXES(rest, n) ((rest) + (n) * sizeof(pthread_mutex_t))
"""

OFFSETS_HEAD = """/*
 * Made by tools/pyabi-tables.py from the headers of the Pythons named below; do not edit. What
 * tables-lp64.c says of its values holds for these too; no pthread_mutex_t is before any of them.
 */
#include "pyabi/tables.h"

/* clang-format off */
"""

OBJECTS_HEAD = """/*
 * Made by tools/pyabi-tables.py from the headers of the Pythons named below; do not edit. As
 * tables-lp64.c and offsets-lp64.c, of objects.
 */
#include "pyabi/tables.h"

/* clang-format off */
"""


def tables_text(measured):
    return "\n".join([
        TABLES_HEAD, *table("pyabi_tables", "pyabi_table", measured.layouts, measured.sources,
                            layout_lines), ""])


def offsets_text(measured):
    return "\n".join([
        OFFSETS_HEAD, *table("pyabi_offsets", "pyabi_offsets", measured.offsets, measured.sources,
                             offsets_lines), ""])


def objects_text(measured):
    return "\n".join([
        OBJECTS_HEAD,
        *table("pyabi_objects_tables", "pyabi_objects_table", measured.objects, measured.sources,
               objects_lines), "",
        *table("pyabi_objects_forms", "pyabi_objects_form", measured.forms, measured.sources,
               form_lines), ""])


def builtins_text(measured):
    return "\n".join([
        OBJECTS_HEAD, *table("pyabi_builtins_tables", "pyabi_builtins_table", measured.builtins,
                             measured.sources, builtins_lines), ""])


OPCODES_HEAD = """/*
 * Made by tools/pyabi-tables.py from the headers of the Pythons named below; do not edit. What the
 * flags are is said in tools/pyabi_fields.py.
 */
#include "pyabi/opcodes.h"

/* clang-format off */

#define C PYABI_OPCODE_CALLS
#define P PYABI_OPCODE_PUSHES
#define F PYABI_OPCODE_CAN_PUSH
#define G PYABI_OPCODE_GENERIC
#define R PYABI_OPCODE_RESUMES
#define H PYABI_OPCODE_CAN_RESUME
"""


def opcode_lines(_minor, row):
    letters = {"CALLS": "C", "PUSHES": "P", "CAN_PUSH": "F", "GENERIC": "G", "RESUMES": "R", "CAN_RESUME": "H"}
    yield "\t\t.opcodes = {"
    for number, (flags, units, name) in sorted(row.items()):
        word = " | ".join(letters[flag] for flag in flags) or "0"
        units = units if {*flags} - {"CALLS"} else 0
        yield f"\t\t\t[{number}] = {{{word}, {units}}}, /* {name} */"
    yield "\t\t},"


def opcodes_text(measured):
    return "\n".join([
        OPCODES_HEAD, *table("pyabi_opcodes_tables", "pyabi_opcodes", measured.opcodes, measured.sources,
                             opcode_lines), ""])


SAMPLES_HEAD = """/*
 * Made by tools/pyabi-tables.py from the headers of the Pythons named below; do not edit.
 *
 * What _PyRuntime of each begins with, as its own headers initialize it, and the layout that the
 * same headers give by offsetof().
 */
#pragma once

#include "pyabi/layout.h"

/* clang-format off */
struct offsets_sample {
\tconst char *name;
\tbool free_threaded;
\tuint64_t offsets[PYABI_DEBUG_OFFSETS_BYTES / 8];
\tsize_t count;
\tstruct pyabi_layout layout;
};

static const struct offsets_sample offsets_samples[] = {"""

OBJECT_SAMPLES_HEAD = """/*
 * Made by tools/pyabi-tables.py from the headers of the Pythons named below; do not edit.
 *
 * For each of the offsets_samples, in their order, struct pyabi_objects as its headers give it.
 */
#pragma once

#include "pyabi/objects.h"

/* clang-format off */
struct objects_sample {
\tconst char *name;
\tstruct pyabi_objects objects;
};

static const struct objects_sample objects_samples[] = {"""


def sample_lines(name, free_threaded, offsets, row):
    minor = int(name.split(".")[1])
    features = ["PYABI_QUALNAME", "PYABI_CALLS_LEAVE_MARK"]
    if free_threaded:
        features.append("PYABI_FREE_THREADED")
    if minor >= 14:
        features.append("PYABI_TAGGED_CODE")
        if free_threaded:
            features.append("PYABI_THREAD_LOCAL_BYTECODE")
    row = {"features": " | ".join(features), "linetable": "PYABI_LOCATIONS"} | row
    yield "\t{"
    yield f'\t\t.name = "{sample_name(name, free_threaded)}",'
    yield f"\t\t.free_threaded = {'true' if free_threaded else 'false'},"
    yield "\t\t.offsets = {"
    for i in range(0, len(offsets), 8):
        yield "\t\t\t" + " ".join(f"{value:#x}," for value in offsets[i:i + 8])
    yield "\t\t},"
    yield f"\t\t.count = {len(offsets)},"
    yield from member_lines("\t\t", "layout", row, [f".version_hex = {offsets[1]:#x},"])
    yield "\t},"


def sample_name(version, free_threaded):
    return version + ", free-threaded" * free_threaded


def samples_text(samples):
    lines = [SAMPLES_HEAD]
    for (name, free_threaded), (offsets, row, _objects) in sorted(samples.items()):
        lines += sample_lines(name, free_threaded, offsets, row)
    return "\n".join([*lines, "};", ""])


def object_samples_text(samples):
    lines = [OBJECT_SAMPLES_HEAD]
    for key, (_offsets, _layout, objects) in sorted(samples.items()):
        lines += ["\t{", f'\t\t.name = "{sample_name(*key)}",',
                  *member_lines("\t\t", "objects", objects), "\t},"]
    return "\n".join([*lines, "};", ""])


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


class Measured:
    """Everything that was measured: by minor version, and the samples by (name, free_threaded)."""

    def __init__(self, compiler, includes):
        self.layouts, self.objects, self.offsets, self.forms = {}, {}, {}, {}
        self.builtins, self.opcodes, self.samples, self.sources = {}, {}, {}, {}
        for headers in map(Headers, includes):
            if headers.usable():
                print(f"measuring {headers.version} in {headers.include}", file=sys.stderr)
                self.add(compiler, headers)
        for rows_by_minor in (self.layouts, self.objects, self.offsets, self.forms,
                              self.builtins, self.opcodes):
            for minor, rows in rows_by_minor.items():
                rows_by_minor[minor] = agreed(f"the headers of 3.{minor}", rows)
        self.sources = {minor: sorted(names) for minor, names in self.sources.items()}

    def add(self, compiler, headers):
        minor = headers.minor
        self.sources.setdefault(minor, set()).add(headers.name)
        self.builtins.setdefault(minor, []).append(measure_builtins(compiler, headers))
        if minor >= FIRST_WITH_INSTR:
            self.opcodes.setdefault(minor, []).append(fields.opcodes(headers))
        if minor < FIRST_WITH_OFFSETS:
            self.layouts.setdefault(minor, []).append(measure_layout(compiler, headers))
            self.objects.setdefault(minor, []).append(measure_objects(compiler, headers))
            return
        self.offsets.setdefault(minor, []).append(measure_offsets(compiler, headers))
        self.forms.setdefault(minor, []).append(measure_objects_unsaid(compiler, headers))
        if not headers.name.endswith("(debug)"):
            for free_threaded in (False, True):
                sample = measure_sample(compiler, headers, free_threaded)
                self.samples[headers.version, free_threaded] = sample

    def texts(self):
        """File name -> text."""
        return {"tables-lp64.c": tables_text(self), "offsets-lp64.c": offsets_text(self),
                "objects-lp64.c": objects_text(self), "builtins-lp64.c": builtins_text(self),
                "opcodes-tables.c": opcodes_text(self),
                "test_samples.h": samples_text(self.samples),
                "test_object_samples.h": object_samples_text(self.samples)}


def rows_of(text):
    """The rows of a generated file by version, without comments: what --check compares."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    rows = re.findall(r"^\t\{\n(.*?)^\t\},\n", text, flags=re.S | re.M)
    key = re.compile(r"\.(?:minor = (\d+)|name = \"(.*)\"),")
    found = [(key.search(row), row.split("\n")) for row in rows]
    return {match.group(2) or f"3.{match.group(1)}": row for match, row in found}


def check(path, text, named):
    """Compare what was measured with a file; 1 if something differs. What is in the file only was
    not found here; what is in the tables must be in the file, but a sample (named) need not."""
    have, made = rows_of(path.read_text()), rows_of(text)
    status = 0
    for key, row in made.items():
        if have.get(key) == row:
            print(f"{path.name}: {key}: as measured")
        elif named and key not in have:
            print(f"{path.name}: {key}: skipped, no such sample")
        else:
            status = 1
            print(f"{path.name}: {key}: differs from the headers:")
            print("\n".join(difflib.unified_diff(have.get(key, []), row, path.name, "measured",
                                                 lineterm="", n=0)))
    for key in have:
        if key not in made:
            print(f"{path.name}: {key}: skipped, no headers of it found")
    return status


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].removeprefix("usage: "),
                                     description=__doc__.split("\n", 1)[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--output", type=Path, default=ROOM)
    parser.add_argument("--compiler", default=os.environ.get("CC", "cc"))
    parser.add_argument("python", nargs="*")
    options = parser.parse_args()
    includes = [include_of(argument) for argument in options.python] or found_includes()
    if None in includes:
        parser.error(f"no headers for {options.python[includes.index(None)]}")
    try:
        measured = Measured(options.compiler.split(), includes)
    except ProbeError as error:
        sys.exit(f"pyabi-tables: {error}")
    if options.check:
        status = max([check(options.output / name, text, name.startswith("test_"))
                      for name, text in measured.texts().items()])
        sys.exit(status if measured.sources else 77)
    missing = [f"3.{minor}" for minor in MINORS if minor not in measured.sources]
    if missing:
        sys.exit(f"pyabi-tables: no headers of {', '.join(missing)}; nothing written")
    for name, text in measured.texts().items():
        (options.output / name).write_text(text)


if __name__ == "__main__":
    main()
