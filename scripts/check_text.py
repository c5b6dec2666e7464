#!/usr/bin/env python3
"""Checks the text of the tree: marks left behind, names to avoid, sleeps, foreign characters.

Prints `path:line: text` for each finding and fails; files that have grown long are warned about.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ["src", "tests", "bench", "scripts", "cmake", "docs", "examples", "packaging", "web", ".ci"]
CODE = (".h", ".cc", ".c", ".py", ".js", ".ts", ".css", ".cmake", ".sh", "")
CPP = (".h", ".cc")
PROSE = (".md",)
LONG = 400  # lines; nine files in ten should stay below

MARK = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK|not impl" r"emented)\b")
SLEEP = re.compile(r"this_thread::sle" r"ep_|\b(?:u|nano)sle" r"ep\(|time\.sle" r"ep\(")
HOST = re.compile(r"(^|[^a-z])[a-z]+\.debian\.[a-z]+")
VAGUE_TYPE = re.compile(r"\b(?:class|struct|enum class)\s+(\w*(?:Manager|Helper|Util|Utils|Context))\b")
VAGUE_FILE = re.compile(r"(^|_)(managers?|helpers?|utils?|context)(_|\.|$)")
DASH = "\u2014"


def complaints(path, line):
    """What is wrong with one line of the file `path` (relative to the root)."""
    suffix = Path(path).suffix
    product = path.startswith(("src/", "tests/"))
    if product and MARK.search(line):
        yield "a mark left behind: " + MARK.search(line).group(1)
    if product and SLEEP.search(line):
        yield "a sleep: await the event instead"
    if HOST.search(line):
        yield "the host name of a package mirror"
    if len(ROOT.parts) > 2 and str(ROOT) + "/" in line:
        yield "a path of this machine"
    if suffix in CPP and VAGUE_TYPE.search(line):
        yield f"{VAGUE_TYPE.search(line).group(1)}: a name that says nothing"
    if suffix in CPP and not line.isascii():
        yield "sources are plain ASCII"
    if suffix in PROSE and DASH in line:
        yield "no em dashes in prose"
    if suffix in CODE and line != line.rstrip():
        yield "white space at the end of the line"


def files():
    for path in sorted(ROOT.iterdir()):
        if path.is_file() and path.name != "LICENSE":
            yield path
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            hidden = "__pycache__" in path.parts or "corpus" in path.parts
            if path.is_file() and not hidden:
                yield path


def check_file(path):
    """The findings in one file, and its number of lines (0 for a binary file)."""
    name = path.relative_to(ROOT).as_posix()
    found = []
    if name.startswith("src/") and VAGUE_FILE.search(path.name):
        found.append(f"{name}: a file name that says nothing")
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError:
        return found, 0
    for number, line in enumerate(lines, 1):
        found += [f"{name}:{number}: {text}" for text in complaints(name, line)]
    return found, len(lines)


def main():
    found, sizes = [], []
    for path in files():
        more, lines = check_file(path)
        found += more
        if path.suffix in CPP and "_test" not in path.name:
            sizes.append((lines, path.relative_to(ROOT).as_posix()))
    long = sorted((size for size in sizes if size[0] > LONG), reverse=True)
    if len(long) * 10 > len(sizes):
        print(f"check_text: {len(long)} of {len(sizes)} files have more than {LONG} lines:")
        print("".join(f"  {lines:5} {name}\n" for lines, name in long[:12]), end="")
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
