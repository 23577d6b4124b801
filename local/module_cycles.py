"""Checks that the top-level modules of the domain do not depend on each other in a cycle; part of make lint.

Prints one line per cycle and exits with 1 if there is one. Test modules are ignored.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

SOURCES = Path(__file__).resolve().parent.parent / "shared/domain/src"
COMMENT = re.compile(r"//[^\n]*")
TESTS = re.compile(r"#\[cfg\(test\)\]\s*mod \w+\s*(\{.*|;)", re.DOTALL)


def names(tree: str) -> Iterator[str]:
    """The first names of a use tree: `a::b` or `{a::b, c::{d, e}}`."""
    depth, start = 0, 0
    inner = tree.strip().removeprefix("{").removesuffix("}") if tree.strip().startswith("{") else tree
    for index, character in enumerate(f"{inner},"):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if character == "," and depth == 0:
            if name := re.match(r"\s*(\w+)", inner[start:index]):
                yield name[1]
            start = index + 1


def used(source: str) -> set[str]:
    """The top-level modules that a source file names, tests left out. Macros name them by $crate."""
    source = TESTS.sub("", COMMENT.sub("", source))
    imports = re.findall(r"\buse crate::([^;]*);", source)
    paths = re.findall(r"\bcrate::(\w+)", source)
    return {name for tree in imports for name in names(tree)} | set(paths)


def dependencies(sources: Path) -> dict[str, set[str]]:
    """What each top-level module uses."""
    found: dict[str, set[str]] = {}
    for path in sorted(sources.rglob("*.rs")):
        parts = path.relative_to(sources).with_suffix("").parts
        if parts[0] != "lib" and parts[-1] != "tests":
            found.setdefault(parts[0], set()).update(used(path.read_text()))
    return {module: names & found.keys() - {module} for module, names in found.items()}


def cycles(graph: dict[str, set[str]]) -> list[list[str]]:
    """One shortest cycle for each module that is part of one, each cycle once, from its first module on."""
    found = set()
    for start in graph:
        paths, seen = [[start]], {start}
        while paths:
            path = paths.pop(0)
            if start in graph[path[-1]]:
                first = path.index(min(path))
                found.add((*path[first:], *path[:first]))
                break
            following = sorted(graph[path[-1]] - seen)
            seen.update(following)
            paths += [[*path, module] for module in following]
    return [[*cycle, cycle[0]] for cycle in sorted(found)]


def main(sources: Path = SOURCES) -> int:
    found = cycles(dependencies(sources))
    for cycle in found:
        print(f"modules depend on each other: {' -> '.join(cycle)}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
