"""Whether the tests that SECURITY.md names are there: each file, and in it the words of each subtest.

A row of its table ends with "`t/NNN_name.pl`: words of a subtest", several with semicolons between.
"""
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
NAMED = re.compile(r"`((?:t/\d{3}_\w+\.pl|sql/\w+\.sql))`(?:: ([^;|]+))?")
SHORT = re.compile(r"\b(\d{3}_[a-z_]+|sql/[a-z_]+)\b")


def path_of(name):
    return os.path.join(ROOT, name if name.startswith("sql/") else os.path.join("test", name))


def wrong(text):
    """What is named and not there, as lines of text."""
    for line in text.splitlines():
        for name, words in NAMED.findall(line):
            if not os.path.exists(path_of(name)):
                yield "there is no %s" % name
            elif words and words.strip() not in open(path_of(name), encoding="utf-8").read():
                yield "%s has no subtest \"%s\"" % (name, words.strip())
        for name in SHORT.findall(NAMED.sub("", line)):
            name = name + ".sql" if name.startswith("sql/") else "t/%s.pl" % name
            if not os.path.exists(path_of(name)):
                yield "there is no %s" % name


def main():
    text = open(os.path.join(ROOT, "SECURITY.md"), encoding="utf-8").read()
    rows = [line for line in text.splitlines() if line.startswith("| ") and NAMED.search(line)]
    found = list(wrong(text))
    print("\n".join(found) or "%d promises, each with a test" % len(rows))
    sys.exit(1 if found or not rows else 0)


if __name__ == "__main__":
    main()
