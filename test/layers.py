#!/usr/bin/env python3
"""Holds the sources to the table of folders in docs/developing.md.

A folder of src/ may include and call only itself and the folders above it in
that table, and no circle of files may include or call each other. A file's .c
and .h count as one. What is read is text: the includes, and the names with our
prefix that a .c file defines and another file uses.

No query is without columns (SELECT FROM): a database that is spread over
several servers keeps what is between them in tables, and a row of nothing is
none there.

    test/layers.py [DIRECTORY]      the checkout to look at; default: this one
"""

import re
import sys
from pathlib import Path

OUR_NAME = re.compile(r"\brqbo_\w+")
DEFINED_FUNCTION = re.compile(r"^(rqbo_\w+)\s*\(", re.M)
DEFINED_VARIABLE = re.compile(r"^(?!extern\b|static\b|typedef\b)[A-Za-z_][\w ]*[ \t*]+(rqbo_\w+)(?:\[\w*\])*\s*(?:=|;)", re.M)
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)
NO_COLUMNS = re.compile(r"\b(?:SELECT|PERFORM)\s+FROM\b")
TABLE_ROW = re.compile(r"^\| `(\w+)` \|", re.M)


def code_of(path):
    """A file's text without comments and the contents of strings; line ends stay."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    return "\n".join(line if line.lstrip().startswith("#") else re.sub(r'"(?:\\.|[^"\\])*"', '""', line)
                     for line in text.split("\n"))


def folders_of(manual):
    """The folders in the order of the manual's table, from the ground up."""
    section = manual.read_text(encoding="utf-8").split("## The house", 1)[-1].split("\n## ", 1)[0]
    return TABLE_ROW.findall(section)


class Sources:
    """Which file depends on which, and where it says so."""

    def __init__(self, root):
        self.root = root
        self.codes = {path: code_of(path) for path in sorted(root.rglob("*.[ch]"))}
        self.files = {self.name(path) for path in self.codes}
        self.owners = self.find_owners()
        self.edges = {name: {} for name in self.files}
        for path in self.codes:
            self.read(path)

    def name(self, path):
        return str(path.relative_to(self.root).with_suffix(""))

    def find_owners(self):
        owners = {}
        for path, code in self.codes.items():
            if path.suffix == ".c":
                for found in DEFINED_FUNCTION.findall(code) + DEFINED_VARIABLE.findall(code):
                    owners[found] = self.name(path)
        return owners

    def read(self, path):
        here = self.name(path)
        for header in INCLUDE.findall(self.codes[path]):
            target = header.removesuffix(".h")
            if target in self.files and target != here:
                self.edges[here].setdefault(target, f"{path.name} includes {header}")
        if path.suffix == ".h":
            return
        for used in OUR_NAME.findall(self.codes[path]):
            target = self.owners.get(used, here)
            if target != here:
                self.edges[here].setdefault(target, f"{path.name} uses {used}")


def folder_of(name):
    return name.rpartition("/")[0]


def run_up(sources, folders):
    """The edges from a folder to one below it in the table."""
    rank = {folder: place for place, folder in enumerate(folders)}
    rank[""] = len(folders)
    faults = [f"{name}: its folder is not in the table" for name in sorted(sources.files)
              if folder_of(name) not in rank]
    for name, targets in sorted(sources.edges.items()):
        for target, why in sorted(targets.items()):
            if rank.get(folder_of(name), -1) < rank.get(folder_of(target), -1):
                faults.append(f"{name} runs up to {target}: {why}")
    return faults


def circles(edges):
    """Tarjan's strongly connected components of more than one file."""
    index, low, stack, found = {}, {}, [], []

    def visit(name):
        index[name] = low[name] = len(index)
        stack.append(name)
        for target in sorted(edges[name]):
            if target not in index:
                visit(target)
                low[name] = min(low[name], low[target])
            elif target in stack:
                low[name] = min(low[name], index[target])
        if low[name] == index[name]:
            place = stack.index(name)
            circle = stack[place:]
            del stack[place:]
            if len(circle) > 1:
                found.append(sorted(circle))

    for name in sorted(edges):
        if name not in index:
            visit(name)
    return found


def describe(circle, edges):
    lines = [f"a circle of {len(circle)} files: {', '.join(circle)}"]
    for name in circle:
        lines += [f"    {name} to {target}: {why}"
                  for target, why in sorted(edges[name].items()) if target in circle]
    return "\n".join(lines)


def bare_queries(root):
    """Queries that return rows without columns."""
    faults = []
    for path in sorted(path for kind in ("*.c", "*.h", "*.sql") for path in root.rglob(kind)):
        text = path.read_text(encoding="utf-8")
        faults += [f"{path.relative_to(root)}:{text.count(chr(10), 0, found.start()) + 1}: a query without columns: {found.group()}"
                   for found in NO_COLUMNS.finditer(text)]
    return faults


def faults_of(checkout):
    folders = folders_of(checkout / "docs" / "developing.md")
    if not folders:
        return ["docs/developing.md has no table of folders below \"The house\""], 0, 0
    sources = Sources(checkout / "src")
    faults = run_up(sources, folders)
    faults += [f"{folder}: it is in the table but not in src/" for folder in folders
               if not (checkout / "src" / folder).is_dir()]
    faults += [describe(circle, sources.edges) for circle in circles(sources.edges)]
    faults += bare_queries(checkout / "src")
    return faults, len(sources.files), len(folders)


def main():
    checkout = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    faults, files, folders = faults_of(checkout)
    print("\n".join(faults) or f"{files} files in {folders} folders")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
