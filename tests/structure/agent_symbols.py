"""The agent, as it was linked, stands on libc alone: it needs no other library, takes from libc only what
agent-symbols.txt lists, shows the world only the hooks listed there, and reaches its thread-local storage
without a call (initial-exec), because that call may allocate."""

import os
import re
import shutil
import subprocess
import tempfile

from source import Finding

AGENT = "libsonde-agent.so"
LIST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "agent-symbols.txt")

# Relocations of the TLS models that ask the dynamic linker at run time.
_DYNAMIC_TLS = re.compile(r"\bR_\w*(?:DTPMOD|DTPOFF|DTPREL|TLSDESC|TLS_DTV)\w*")


def read_list(path):
    """{"libraries" | "undefined" | "exported": set of names}"""
    sections, names = {"libraries": set(), "undefined": set(), "exported": set()}, None
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            words = line.split("#")[0].split()
            if len(words) == 1 and words[0].startswith("["):
                names = sections[words[0].strip("[]")]
            elif words:
                if names is None:
                    raise ValueError(f"{path}:{number}: a name outside a section")
                names.update(words)
    return sections


def _readelf(*arguments):
    environment = dict(os.environ, LC_ALL="C")
    return subprocess.run(["readelf", "-W", *arguments], env=environment, capture_output=True, text=True,
                          check=True).stdout


def _dynamic_symbols(library):
    """Yields (name without its version, undefined?) of the dynamic symbol table."""
    for line in _readelf("--dyn-syms", library).splitlines():
        fields = line.split()
        # Num: Value Size Type Bind Vis Ndx Name
        if len(fields) >= 8 and fields[0].rstrip(":").isdigit() and fields[4] in ("GLOBAL", "WEAK", "UNIQUE"):
            yield fields[7].split("@")[0], fields[6] == "UND"


def inspect(library, allowed):
    """The messages of every rule that `library` breaks."""
    messages = []
    dynamic = _readelf("-d", library)
    for needed in re.findall(r"\(NEEDED\)\s+Shared library: \[(.+?)\]", dynamic):
        if needed not in allowed["libraries"]:
            messages.append(f"needs the library {needed}")
    if "(TEXTREL)" in dynamic:
        messages.append("has text relocations")
    for name, undefined in _dynamic_symbols(library):
        if undefined and name not in allowed["undefined"]:
            messages.append(f"takes {name} from outside")
        elif not undefined and name not in allowed["exported"]:
            messages.append(f"exports {name}")
    for model in sorted(set(_DYNAMIC_TLS.findall(_readelf("-r", library)))):
        messages.append(f"uses a TLS model other than initial-exec ({model})")
    if re.search(r"GNU_STACK\s.*\bRWE\b", _readelf("-l", library)):
        messages.append("asks for an executable stack")
    return messages


def find_agent(build):
    for folder, _, names in os.walk(build):
        if AGENT in names:
            return os.path.join(folder, AGENT)
    return None


def check(build):
    agent = find_agent(build)
    if agent is None:
        return [Finding(AGENT, 0, f"is not below {build}: build first")]
    return [Finding(AGENT, 0, message) for message in inspect(agent, read_list(LIST))]


_ALLOWED = {"libraries": {"libc.so.6"}, "undefined": {"write", "__cxa_finalize", "__errno_location"},
            "exported": {"malloc"}}

# (what, source, further arguments, what the message must say; None: clean)
_SAMPLES = [
    ("a clean library", "void *malloc(unsigned long n) { return (void *)write(1, 0, n); }", [], None),
    ("a function of libc that is not listed", "int puts(const char *); int f(void) { return puts(\"\"); }",
     ["-fvisibility=hidden"], "takes puts from outside"),
    ("a library other than libc",
     "double sin(double); volatile double x; __attribute__((constructor)) static void f(void) { x = sin(x); }",
     ["-fvisibility=hidden", "-fno-builtin", "-Wl,--no-as-needed", "-lm"], "needs the library libm.so.6"),
    ("an export that is not listed", "int leaked(void) { return 1; }", [], "exports leaked"),
    ("a TLS model that calls", "static __thread int x; void *malloc(unsigned long n) { x += n; return &x; }",
     ["-ftls-model=global-dynamic"], "uses a TLS model other than initial-exec"),
    ("initial-exec", "static __thread int x; void *malloc(unsigned long n) { x += n; return &x; }",
     ["-ftls-model=initial-exec"], None),
    ("an executable stack", "void *malloc(unsigned long n) { return (void *)n; }", ["-Wl,-z,execstack"],
     "asks for an executable stack"),
]


def prove():
    """Yields (what, None or why the check did not do what it must)."""
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    with tempfile.TemporaryDirectory() as folder:
        for what, text, arguments, expected in _SAMPLES:
            source, library = os.path.join(folder, "a.c"), os.path.join(folder, "a.so")
            with open(source, "w", encoding="utf-8") as file:
                file.write("long write(int, const void *, unsigned long);\n" + text + "\n")
            subprocess.run([*compiler.split(), "-shared", "-fPIC", "-O1", "-w", "-nostartfiles",
                            "-fno-stack-protector", "-o", library, source, *arguments], check=True)
            found = inspect(library, _ALLOWED)
            if expected is None:
                yield what, f"it said: {found}" if found else None
            else:
                yield what, None if any(expected in m for m in found) else f"it said {found}, not '{expected}'"


def prove_missing():
    with tempfile.TemporaryDirectory() as folder:
        return check(folder)
