#!/usr/bin/env python3
"""Checks which part of src/ includes which: only downwards, and nothing sideways.

The floors are those of ARCHITECTURE.md. A file may include its own room and the rooms of every lower
floor. Beyond that, the entries of a collection do not know each other: only the collection's
`builtin` file and its tests see them all.
"""

import re
import sys
from pathlib import Path

FLOORS = [
    ["core"],
    ["io", "config"],
    ["http", "cluster"],
    ["expression", "store"],
    ["upstream"],
    ["middleware", "handler", "tunnel", "discovery"],
    ["server"],
    ["admin"],
    ["app"],
]
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS, 1) for room in rooms}

# Rooms that may not include another one although it lies on a lower floor.
NEVER = {("tunnel", "http"), ("cluster", "http")}

COLLECTIONS = ["middleware", "handler", "discovery", "cluster/balance"]

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')


def entry_of(path):
    """The collection that a path below src/ belongs to and the name of its entry there."""
    for collection in COLLECTIONS:
        if path.startswith(collection + "/"):
            name = path[len(collection) + 1:].split("/")[0]
            stem = name.split(".")[0]
            return collection, re.sub(r"_(test|bench)$", "", stem)
    return None


def same_entry(one, other):
    """An entry may have several files: cache.cc, cache_key.cc and cache/index.cc are one entry."""
    return one == other or one.startswith(other + "_") or other.startswith(one + "_")


def complaint(path, included):
    """Why the file `path` may not include `included` (both relative to src/), or None."""
    room, target = path.split("/")[0], included.split("/")[0]
    if "/" not in included or target not in FLOOR_OF:
        return 'includes are rooted at src/ and name a room: "core/result.h"'
    if room not in FLOOR_OF:
        return f"src/{room} is not a room; the rooms are: {', '.join(FLOOR_OF)}"
    if (room, target) in NEVER:
        return f"{room}/ never includes {target}/"
    if room != target and FLOOR_OF[target] >= FLOOR_OF[room]:
        return (f"{room}/ (floor {FLOOR_OF[room]}) may include lower floors only, "
                f"{target}/ is on floor {FLOOR_OF[target]}")
    mine, theirs = entry_of(path), entry_of(included)
    if mine and theirs and mine[0] == theirs[0] and mine[1] != "builtin":
        if not same_entry(mine[1], theirs[1]):
            return f"entries of {mine[0]}/ never include each other"
    return None


def check(src):
    """All complaints about the tree below `src`, as `path:line: text`."""
    found = []
    for file in sorted(src.rglob("*")):
        if file.suffix not in (".h", ".cc"):
            continue
        path = file.relative_to(src).as_posix()
        for number, line in enumerate(file.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            text = match and complaint(path, match.group(1))
            if text:
                found.append(f'src/{path}:{number}: "{match.group(1)}": {text}')
    return found


def main():
    found = check(Path(__file__).resolve().parent.parent / "src")
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
