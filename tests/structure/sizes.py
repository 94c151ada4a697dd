"""No function over 100 lines, no file over 1,200."""

import ast

from source import Finding, c_functions

FUNCTION_LINES = 100
FILE_LINES = 1200
TEXT = (".c", ".h", ".inc", ".py", ".sh", ".js", ".css", ".html", ".ts", ".build", ".md")


def _python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, node.end_lineno


def _is_python(tree, path):
    if path.endswith(".py"):
        return True
    return "." not in path.rsplit("/", 1)[-1] and tree.read_bytes(path)[:64].split(b"\n")[0].endswith(b"python3")


def check(tree):
    findings = []
    for path in tree.paths:
        python = _is_python(tree, path)
        if path.startswith("tests/golden/") or not (path.endswith(TEXT) or python):
            continue
        text = tree.read(path)
        lines = text.count("\n")
        if lines > FILE_LINES:
            findings.append(Finding(path, 0, f"{lines} lines; {FILE_LINES} is the limit: which object is missing?"))
        if python:
            functions = _python_functions
        elif path.endswith((".c", ".h", ".inc")):
            functions = c_functions
        else:
            continue
        try:
            for name, first, last in functions(text):
                if last - first + 1 > FUNCTION_LINES:
                    findings.append(Finding(path, first, f"{name} has {last - first + 1} lines; {FUNCTION_LINES} is "
                                            "the limit", f"{path}:{name}"))
        except (ValueError, SyntaxError) as error:
            findings.append(Finding(path, 0, f"cannot be read: {error}"))
    return findings


def _c_function(lines, head="static int f(struct x *a,\n\t\t int (*b)(int))\n{\n"):
    return head + "\tg(\"}\", '{'); /* } */\n" * (lines - head.count("\n") - 1) + "}\n"


PROOFS = [
    ("a C function of 101 lines", {"src/base/a.c": _c_function(101)}, 1),
    ("a C function of 100 lines", {"src/base/a.c": _c_function(100)}, 0),
    ("a long function behind an attribute",
     {"src/base/a.c": _c_function(102, "__attribute__((format(printf, 1, 2)))\nvoid f(const char *a, ...)\n{\n")}, 1),
    ("a long table is no function", {"src/base/a.c": "static const int t[] = {\n" + "\t1,\n" * 300 + "};\n"}, 0),
    ("braces that do not balance", {"src/base/a.c": "#if A\nint f(int a) {\n#else\nint f(void) {\n#endif\n}\n"}, 1),
    ("a Python function of 101 lines", {"tools/a.py": "def f():\n" + "    pass\n" * 100}, 1),
    ("a Python program without a suffix",
     {"tools/a": "#!/usr/bin/env python3\ndef f():\n" + "    pass\n" * 100}, 1),
    ("a file of 1,201 lines", {"src/base/a.h": "\n" * 1201}, 1),
    ("a file of 1,200 lines", {"src/base/a.h": "\n" * 1200}, 0),
]
