"""The checkout as the structure checks see it: which files there are, and C text without its comments."""

import os
import re

# Made by builds and runs, or not text of ours.
LEFT_OUT = re.compile(r"^(\.git|build[^/]*|demo-output|__pycache__|\.cache)$")


class Finding:
    """One violation. subject names it in exemptions.txt: a path, or path:function."""

    def __init__(self, path, line, message, subject=None):
        self.path = path
        self.line = line
        self.message = message
        self.subject = subject or path

    def __str__(self):
        return f"{self.path}:{self.line}: {self.message}" if self.line else f"{self.path}: {self.message}"


class Tree:
    """Files below a root, as sorted relative paths with forward slashes."""

    def __init__(self, root):
        self.root = root
        self.paths = sorted(self._walk())

    def _walk(self):
        for folder, folders, names in os.walk(self.root):
            folders[:] = [f for f in folders if not LEFT_OUT.match(f)]
            for name in names:
                full = os.path.join(folder, name)
                if os.path.isfile(full) and not os.path.islink(full):
                    yield os.path.relpath(full, self.root)

    def select(self, *suffixes, under=("",)):
        return [p for p in self.paths if p.endswith(suffixes) and p.startswith(tuple(under))]

    def read_bytes(self, path):
        with open(os.path.join(self.root, path), "rb") as file:
            return file.read()

    def read(self, path):
        return self.read_bytes(path).decode("utf-8", errors="replace")


_C_NOISE = re.compile(
    r"""//(?:\\\n|[^\n])*          # line comment
      | /\*.*?\*/                  # block comment
      | "(?:\\.|[^"\\\n])*"        # string
      | '(?:\\.|[^'\\\n])*'        # character
    """,
    re.DOTALL | re.VERBOSE,
)


def blank(text):
    """Spaces for everything but line ends."""
    return re.sub(r"[^\n]", " ", text)


def c_code(text):
    """C text with comments and what is between quotes blanked, every line and column in its place."""

    def replace(match):
        found = match.group()
        if found[0] in "\"'":
            return found[0] + blank(found[1:-1]) + found[-1]
        return blank(found)

    return _C_NOISE.sub(replace, text)


def c_without_preprocessor(code):
    """c_code without its directives, continued lines included."""
    return re.sub(r"^[ \t]*#(?:\\\n|[^\n])*", lambda m: blank(m.group()), code, flags=re.MULTILINE)


_ATTRIBUTE = re.compile(r"__attribute__\s*\(\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)\)")


def _function_name(head):
    """The function's name when `head {` begins one, else None."""
    head = _ATTRIBUTE.sub(lambda m: blank(m.group()), head).rstrip()
    if not head.endswith(")"):
        return None
    depth = 0
    for at in range(len(head) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(head[at], 0)
        if depth == 0:
            name = re.search(r"([A-Za-z_]\w*)\s*$", head[:at])
            return name.group(1) if name and "=" not in head[:at] else None
    return None


def c_functions(text):
    """Yields (name, first line, last line) of each function definition. ValueError when the braces do
    not balance."""
    code = c_without_preprocessor(c_code(text))
    depth, statement, current = 0, 0, None
    for match in re.finditer(r"[{};]", code):
        at, mark = match.start(), match.group()
        if mark == "{":
            if depth == 0:
                head = code[statement:at]
                name = _function_name(head)
                if name:
                    begin = statement + len(head) - len(head.lstrip())
                    current = (name, code.count("\n", 0, begin) + 1)
            depth += 1
        elif mark == "}":
            depth -= 1
            if depth < 0:
                raise ValueError(f"line {code.count(chr(10), 0, at) + 1}: one closing brace too many")
            if depth == 0 and current:
                yield (*current, code.count("\n", 0, at) + 1)
                current = None
        if depth == 0:
            statement = at + 1
    if depth:
        raise ValueError("the braces do not balance (a function begun in both branches of an #if?)")
