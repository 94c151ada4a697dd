"""The rooms of the house under src/ and the arrows between them (ARCHITECTURE.md), as data."""

# room: the rooms it may include, itself aside.
MAY_INCLUDE = {
    "base": [],
    "wire": [],
    "pyabi": [],
    "unwind": [],
    "agent": ["wire", "pyabi", "unwind"],
    "target": ["base", "pyabi"],
    "capture": ["base"],
    "symbols": ["base", "pyabi", "capture"],
    "sampler": ["base", "target", "pyabi", "unwind", "capture"],
    "collector": ["base", "wire", "pyabi", "unwind", "target", "capture", "symbols", "sampler"],
    "analysis": ["base", "capture", "symbols"],
    "report": ["base", "analysis"],
    "tui": ["base", "sampler", "collector"],
    "harness": ["base", "capture", "symbols", "analysis", "report", "collector", "target"],
    "cmd": ["base", "wire", "pyabi", "target", "capture", "symbols", "sampler", "collector", "analysis",
            "report", "tui", "harness"],
}

# Unit tests are src/<room>/test_*; this is what they share under another name.
TEST_SUPPORT = {"src/analysis/specimen.c", "src/analysis/specimen.h", "src/collector/producer.c",
                "src/collector/producer.h", "src/target/subject.c", "src/target/subject.h",
                "src/target/fake_python.c"}


def is_test(path):
    return path.rsplit("/", 1)[-1].startswith("test_") or path in TEST_SUPPORT


# room: (functions that it may not call, why). Unit tests are free to.
_ALLOCATE = ["malloc", "calloc", "realloc", "reallocarray", "free", "strdup", "strndup", "asprintf"]
_INPUT_OUTPUT = ["fopen", "fdopen", "open", "openat", "read", "write", "printf", "fprintf", "puts", "perror"]
_WORLD = ["clock_gettime", "gettimeofday", "time", "getenv", "secure_getenv", "setenv", "printf", "puts",
          "perror", "localtime", "localtime_r"]
MAY_NOT_CALL = {
    "wire": (_ALLOCATE + _INPUT_OUTPUT, "wire neither allocates nor does I/O"),
    "pyabi": (_ALLOCATE + _INPUT_OUTPUT, "pyabi neither allocates nor touches a target"),
    "unwind": (_ALLOCATE, "unwind does not allocate"),
    "analysis": (_WORLD + ["fopen", "open"], "an analysis is a pure function of the capture"),
    "report": (_WORLD + ["fopen", "open", "freopen"], "a report writes to the stream it was given"),
}

# room: (system headers that it may not include, why).
MAY_NOT_INCLUDE = {
    "agent": (["stdio.h", "locale.h", "wchar.h", "wctype.h", "iconv.h", "Python.h"],
              "the agent lives inside malloc: no stdio, no locale"),
    "wire": (["stdio.h", "stdlib.h", "malloc.h"], "wire neither allocates nor does I/O"),
}

# Anywhere under src/, tests/ and bench/.
BANNED = {
    "gets": "fgets",
    "strcpy": "memcpy with a checked length",
    "stpcpy": "memcpy with a checked length",
    "strcat": "buffer_add",
    "strncpy": "memcpy with a checked length",
    "strncat": "buffer_add",
    "sprintf": "snprintf",
    "vsprintf": "vsnprintf",
    "alloca": "a bounded array",
    "strdupa": "strdup",
    "system": "posix_spawn or fork and exec",
    "popen": "posix_spawn or fork and exec",
    "tmpnam": "mkstemp",
    "tempnam": "mkstemp",
    "mktemp": "mkstemp",
    "strtok": "strtok_r",
    "atoi": "strtol with its checks",
    "atol": "strtol with its checks",
    "atoll": "strtoll with its checks",
    "atof": "strtod with its checks",
    "asctime": "strftime",
    "ctime": "strftime",
    "gmtime": "gmtime_r",
    "localtime": "localtime_r",
}
