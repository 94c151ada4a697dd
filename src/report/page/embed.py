#!/usr/bin/env python3
"""Writes the sources of the flame graph page as one C file.

usage: embed.py OUTPUT.c SOURCE_DIRECTORY

The page's own scripts are put together in the order below, inside one function, and named by their
hash in the page's security policy: nothing else in the page can run, whatever the data say.
"""

import base64
import hashlib
import pathlib
import re
import sys

PAGE = "flamegraph.html"
STYLE = "flamegraph.css"
SCRIPTS = ["text.js", "color.js", "change.js", "frames.js", "tree.js", "search.js", "draw.js", "timeline.js",
           "header.js", "export.js", "stage.js", "details.js", "controls.js", "flamegraph.js"]
SVG_SCRIPT = "svg.js"
SVG_STYLE = "svg.css"
MARKS = ["@TITLE@", "@DATA@", "@NODES@"]


def squeeze(text):
    """Drops indentation, empty lines and the comments that begin a line."""
    text = re.sub(r"^[ \t]*/\*.*?\*/[ \t]*\n", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"^[ \t]+|\n(?=\n)", "", text, flags=re.MULTILINE).strip() + "\n"


def read(directory, name):
    return (directory / name).read_text(encoding="utf-8")


def digest(text):
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def build_script(directory, names):
    body = "".join(squeeze(read(directory, name)) for name in names)
    return "(() => {\n\"use strict\";\n" + body + "})();\n"


def build_page(directory):
    """The page with its style and script in place, cut at the marks where the data go."""
    style = squeeze(read(directory, STYLE))
    script = build_script(directory, SCRIPTS)
    page = read(directory, PAGE)
    for text in (style, script):
        if re.search(r"</(script|style)|<!--", text, re.IGNORECASE):
            raise SystemExit("embed.py: a source would end its own element")
    for mark, text in (("@STYLE_HASH@", digest(style)), ("@SCRIPT_HASH@", digest(script)),
                       ("@STYLE@", style), ("@SCRIPT@", script)):
        if page.count(mark) != 1:
            raise SystemExit(f"embed.py: {PAGE} needs {mark} once")
        page = page.replace(mark, text)
    parts = re.split("|".join(MARKS), page)
    if len(parts) != len(MARKS) + 1:
        raise SystemExit(f"embed.py: {PAGE} needs each of {', '.join(MARKS)} once")
    return parts


def build_svg(directory):
    texts = [build_script(directory, [SVG_SCRIPT]), squeeze(read(directory, SVG_STYLE))]
    if any("]]>" in text for text in texts):
        raise SystemExit("embed.py: an SVG source would end its own section")
    return texts


def quote(text):
    """A C string literal, one source line a line. Octal escapes cannot run into what follows."""
    lines = []
    for line in text.splitlines(keepends=True):
        quoted = ""
        for byte in line.encode():
            char = chr(byte)
            if char in "\"\\":
                quoted += "\\" + char
            elif char == "?":
                quoted += "\\?"
            elif char == "\n":
                quoted += "\\n"
            elif 32 <= byte < 127:
                quoted += char
            else:
                quoted += f"\\{byte:03o}"
        lines.append(f"\t\"{quoted}\"")
    return "\n".join(lines) or "\t\"\""


def main():
    output, directory = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    parts = build_page(directory)
    names = ["head", "body", "nodes", "tail"]
    texts = [(f"flamegraph_page_{name}", part) for name, part in zip(names, parts)]
    texts += zip(["flamegraph_svg_script", "flamegraph_svg_style"], build_svg(directory))
    with output.open("w", encoding="ascii") as out:
        out.write("/* Made by src/report/page/embed.py. */\n#include \"report/flamegraph.h\"\n")
        for name, text in texts:
            out.write(f"\nconst char {name}[] =\n{quote(text)};\n")


if __name__ == "__main__":
    main()
