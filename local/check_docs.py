"""Checks documents, file lengths, wording and lists of endpoints; part of make lint.

Prints one line per finding: file:line: what to do. Exits with 1 if there is one.

- Every relative link and image in a Markdown file exists, and so does the heading of its anchor.
- README.md has at most 600 words.
- No source or test file has more than 400 lines.
- Documents and user-visible strings contain no phrase of IDIOMS.
- No file but those of ENDPOINT_LISTS names more than half of the endpoints: their list is in endpoint.rs.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
README_WORDS = 600
FILE_LINES = 400
SOURCES = {".rs", ".py", ".sh", ".js"}
# A phrase, as whole words in any case, and what to write instead. Alternatives are separated by |.
IDIOMS = {
    "stands in|stand in|stands there": "use 'is in'",
    "passes over|pass over|passed over": "use 'skip'",
    "whoever": "name the person or the role",
    "whosoever": "name the person or the role",
    "leads nowhere": "use 'is not valid'",
    "which is the most": "use 'the limit is N'",
    "behind SES": "name the event: bounced, complained, delivered",
    "the gravest": "use 'the most serious'",
    "nobody can tell": "use 'it is unknown'",
    "a walk over|walk over": "use 'a read of'",
    "is gone|are gone|was gone": "use 'no longer exists' or 'was deleted'",
    "another one": "name it",
    "of the network": "use 'IP address'",
    "of the moment": "use 'current'",
    "goes on|go on": "use 'continues'",
    "the dear part": "use 'the expensive part'",
    "did not stand still": "use 'kept changing'",
    "is held against|are held against|held against": "use 'compare with'",
    "has become of|what became of|becomes of": "use 'the result of'",
    "ledger": "use 'delivery log'",
    "sweep|sweeps": "use 'dispatch run'",
    "shut out": "use 'blocked'",
    "prove an address|proven address|unproven|prove the address|proving the address": "use 'verify'",
}
# Words of a phrase may be on two lines, but not in two paragraphs.
PATTERN = re.compile(
    "|".join(rf"(?P<p{n}>\b(?:{phrase})\b)" for n, phrase in enumerate(IDIOMS)).replace(" ", r"(?:[ \t]+|[ \t]*\n[ \t]*)"),
    re.IGNORECASE,
)
ADVICE = list(IDIOMS.values())
# Files that name most endpoints, and what keeps each complete.
ENDPOINT_LISTS = {
    "shared/api/src/endpoint.rs": "the list",
    "shared/api/tests/api/support/send.rs": "calls each handler; an endpoint without a call fails its tests",
    "template.yaml": "compared with the list by a test",
    "shared/api/tests/api/snapshots/api__budget__each_function_keeps_to_its_calls_and_units.snap": "recorded by a test",
    "docs/cost.md": "written by make cost",
    "docs/performance.csv": "written by make bench",
    "docs/performance.md": "written by make bench",
    "local/mutants.toml": "names the code that each mutant breaks",
    "bench/functions/cloud.rs": "prepares what a request changes; a request that fails stops make bench",
}
ENDPOINT = re.compile(r'^    name: "([a-z-]+)",$', re.MULTILINE)
# The list itself, and tests, whose strings users never see.
NOT_VISIBLE = re.compile(r"(^|/)(tests?/|tests\.rs$|test_[^/]*\.py$|check_docs\.py$)")
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\[\]]*\])*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
RUST = re.compile(
    r"""
    (?P<comment> //[^\n]* | /\*.*?\*/ )
  | (?P<raw> b?r(?P<hashes>\#*)".*?"(?P=hashes) )
  | (?P<text> b?"(?:\\.|[^"\\])*" )
  | '(?:\\.[^']*|[^'\\])'
    """,
    re.VERBOSE | re.DOTALL,
)

# A path from the root, a line, and what to do.
Finding = tuple[str, int, str]


def files(root: Path) -> list[str]:
    """The tracked and new files of the repository, as paths from its root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.splitlines()
    return sorted(path for path in listed if (root / path).is_file())


def prose(text: str) -> list[str]:
    """The lines of a Markdown text with fenced and inline code blanked out."""
    lines, fence = [], ""
    for line in text.splitlines():
        mark = re.match(r"\s*(```+|~~~+)", line)
        if fence or mark:
            closes = fence and mark and mark[1].startswith(fence)
            fence = "" if closes else fence or mark[1]
            lines.append("")
        else:
            lines.append(re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", line))
    return lines


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to the headings of a Markdown text."""
    found: set[str] = set()
    fenced = False
    for line in text.splitlines():
        fenced ^= bool(re.match(r"\s*(```|~~~)", line))
        heading = re.match(r"#{1,6}\s+(.*?)\s*#*$", line)
        if fenced or not heading:
            continue
        shown = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading[1])
        base = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        slug, number = base, 0
        while slug in found:
            number += 1
            slug = f"{base}-{number}"
        found.add(slug)
    return found


def broken_links(root: Path, paths: list[str]) -> Iterator[Finding]:
    """Relative links and images without a target."""
    for path in (path for path in paths if path.endswith(".md")):
        for number, line in enumerate(prose((root / path).read_text()), 1):
            for target in LINK.findall(line):
                if re.match(r"[a-z][a-z0-9+.-]*:|//", target):
                    continue
                name, _, anchor = target.partition("#")
                file = (root / path).parent / name if name else root / path
                if not file.exists():
                    yield path, number, f"fix the link: {target} does not exist"
                elif anchor and anchor not in (anchors(file.read_text()) if file.suffix == ".md" else set()):
                    yield path, number, f"fix the link: {name or path} has no heading #{anchor}"


def long_readme(root: Path, paths: list[str]) -> Iterator[Finding]:
    """A README over its limit of words."""
    if "README.md" in paths:
        words = len((root / "README.md").read_text().split())
        if words > README_WORDS:
            yield "README.md", 1, f"shorten it to {README_WORDS} words; it has {words}"


def long_files(root: Path, paths: list[str]) -> Iterator[Finding]:
    """Source and test files over the limit of lines."""
    for path in paths:
        if Path(path).suffix in SOURCES or Path(path).name == "Makefile":
            lines = len((root / path).read_text().splitlines())
            if lines > FILE_LINES:
                yield path, lines, f"split it: {lines} lines, at most {FILE_LINES}"


def rust_strings(source: str) -> Iterator[tuple[int, str]]:
    """The string literals of a Rust file, with their first lines. Continued lines are joined."""
    for match in RUST.finditer(source):
        if match["text"] or match["raw"]:
            yield source.count("\n", 0, match.start()) + 1, re.sub(r"\\\n\s*", "", match[0])


def python_strings(source: str) -> Iterator[tuple[int, str]]:
    """The string literals of a Python file, with their first lines."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def numbered(lines: list[str]) -> Iterator[tuple[int, str]]:
    yield from enumerate(lines, 1)


def visible_text(path: str, text: str) -> Iterator[tuple[int, str]]:
    """What users and readers see of a file: texts with their first lines."""
    if path.endswith(".md"):
        yield 1, "\n".join(prose(text))
    elif path.endswith(".rs"):
        yield from rust_strings(text)
    elif path.endswith(".py"):
        yield from python_strings(text)
    elif path == "template.yaml":
        yield from ((number, line) for number, line in numbered(text.splitlines()) if "Description:" in line)
    elif path == "Makefile" or path.endswith("openapi.json") or "/templates/" in path:
        yield from numbered(text.splitlines())


def idioms(root: Path, paths: list[str]) -> Iterator[Finding]:
    """Phrases of IDIOMS in documents and user-visible strings."""
    for path in paths:
        if NOT_VISIBLE.search(path):
            continue
        if not path.endswith((".md", ".rs", ".py", ".json", ".html", ".txt", ".yaml", "Makefile")):
            continue
        for number, text in visible_text(path, (root / path).read_text()):
            for match in PATTERN.finditer(text):
                advice = ADVICE[int(match.lastgroup.removeprefix("p"))]
                line = number + text.count("\n", 0, match.start())
                yield path, line, f"reword '{' '.join(match[0].split())}': {advice}"


def endpoint_lists(root: Path, paths: list[str]) -> Iterator[Finding]:
    """Files with a list of endpoints that nothing keeps complete."""
    handlers = [path for path in paths if path.startswith("shared/api/src/handlers/")]
    names = {name for path in handlers for name in ENDPOINT.findall((root / path).read_text())}
    for path in paths:
        try:
            words = set(re.findall(r"[a-z]+(?:-[a-z]+)*", (root / path).read_text().replace("_", "-")))
        except UnicodeDecodeError:
            continue
        named = len(names & words)
        if named * 2 > len(names) and path not in ENDPOINT_LISTS:
            yield path, 1, f"read the endpoints from endpoint.rs: it names {named} of {len(names)}"
    for path in ENDPOINT_LISTS:
        if handlers and path not in paths:
            yield path, 1, "remove it from ENDPOINT_LISTS: it does not exist"


RULES: list[Callable[[Path, list[str]], Iterator[Finding]]] = [
    broken_links,
    long_readme,
    long_files,
    idioms,
    endpoint_lists,
]


def check(root: Path, paths: list[str]) -> list[str]:
    """All findings as lines, sorted by file and line."""
    found = sorted({finding for rule in RULES for finding in rule(root, paths)})
    return [f"{path}:{line}: {advice}" for path, line, advice in found]


def main() -> int:
    found = check(PROJECT, files(PROJECT))
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
