#!/usr/bin/env python3
"""Prints docs/reference.md: what an installed reefqbo says of itself.

Functions, tables, views and settings are read from the catalog of the database that psql connects to, with their
comments; notifications from the head of src/qbo/notify.h, which every event must be named in.  "make docs" writes
the page, and "make test" fails when it is stale.
"""

import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path

NOTIFY = Path(__file__).resolve().parent.parent / "src" / "qbo" / "notify.h"
WIDTH = 108

FUNCTIONS = r"""
SELECT p.proname AS name, oidvectortypes(p.proargtypes) AS types,
       count(*) OVER (PARTITION BY p.proname) > 1 AS is_overloaded,
       pg_get_function_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result,
       p.prokind = 'p' AS is_procedure, obj_description(p.oid, 'pg_proc') AS comment,
       (SELECT string_agg(substr(x.grantee::regrole::text, 9), ', ' ORDER BY x.grantee::regrole::text)
          FROM aclexplode(p.proacl) x WHERE x.grantee::regrole::text ~ '^reefqbo_') AS level
  FROM pg_proc p
 WHERE p.pronamespace = 'reefqbo'::regnamespace AND p.proname !~ '^_'
   AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
 ORDER BY p.proname, p.pronargs
"""

RELATIONS = r"""
SELECT c.relname AS name, CASE c.relkind WHEN 'v' THEN 'view' ELSE 'table' END AS kind,
       obj_description(c.oid, 'pg_class') AS comment,
       (SELECT string_agg(v.level || ' ' || v.privileges, '; ' ORDER BY array_position('{reader,monitor,operator,admin}', v.level), v.privileges)
          FROM (SELECT substr(x.grantee::regrole::text, 9), string_agg(x.privilege_type, ', ' ORDER BY x.privilege_type)
                  FROM aclexplode(c.relacl) x WHERE x.grantee::regrole::text ~ '^reefqbo_' GROUP BY 1
                UNION ALL
                SELECT substr(x.grantee::regrole::text, 9),
                       format('%s (%s)', x.privilege_type, string_agg(a.attname, ', ' ORDER BY a.attnum))
                  FROM pg_attribute a, aclexplode(a.attacl) x
                 WHERE a.attrelid = c.oid AND x.grantee::regrole::text ~ '^reefqbo_' GROUP BY x.grantee, x.privilege_type) v (level, privileges)) AS level,
       (SELECT json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
                                          'comment', col_description(c.oid, a.attnum)) ORDER BY a.attnum)
          FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
  FROM pg_class c
 WHERE c.relnamespace = 'reefqbo'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND c.relname !~ '^_'
 ORDER BY c.relname
"""

SETTINGS = r"""
SELECT name, vartype AS type, boot_val AS value, unit, min_val, max_val, context, short_desc, extra_desc
  FROM pg_settings WHERE name LIKE 'reefqbo.%' ORDER BY name
"""

# As pg_settings has it, in the words of ALTER SYSTEM's page.
CONTEXTS = {"superuser": "a superuser", "sighup": "the configuration file, by a reload", "user": "anybody",
            "postmaster": "the configuration file, by a restart"}
UNITS = {"B": "bytes", "kB": "kB", "ms": "milliseconds", "s": "seconds", "min": "minutes"}


def query(sql):
    """The rows of a query, as dictionaries."""
    rows = f"SELECT COALESCE(json_agg(row_to_json(q)), '[]') FROM ({sql}) q"
    answer = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", "LOAD 'reefqbo'", "-c", rows],
                            check=True, capture_output=True, text=True)
    return json.loads(answer.stdout)


def prose(text):
    """A text of the catalog as Markdown: names of our objects as code, and nothing else meant as markup."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace("*", r"\*")
    return re.sub(r"(?<![\w`])reefqbo\.\w+(\.\w+)*(\(\))?", lambda name: f"`{name.group()}`", text)


def wrapped(text, indent=""):
    return textwrap.fill(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def paragraphs(comment):
    """The lines of a comment, each a paragraph of its own; those that are indented are code."""
    return "\n\n".join(f"```\n{line.strip()}\n```" if line.startswith("  ") else wrapped(prose(line))
                       for line in comment.split("\n") if line.strip())


def cell(text):
    return prose(text or "").replace("|", r"\|").replace("\n", " ")


def split_arguments(arguments):
    """At the commas between them: a type or a default may have some of its own."""
    parts, depth, quoted, begin = [], 0, False, 0
    for at, letter in enumerate(arguments):
        if letter == "'":
            quoted = not quoted
        elif not quoted:
            depth += (letter in "([") - (letter in ")]")
            if letter == "," and depth == 0:
                parts.append(arguments[begin:at].strip())
                begin = at + 1
    return parts + [arguments[begin:].strip()] if arguments.strip() else []


def clean(argument):
    return re.sub(r"::(text|date|bigint|integer|boolean|interval|numeric)\b", "", argument)


def listed(head, items):
    """head(item, item), in as many lines as it takes, none of which breaks an item."""
    unbroken = [item.replace(" ", "\xa0") for item in items]
    return wrapped(f"{head}({', '.join(unbroken)})", " " * 8).replace("\xa0", " ")


def signature(function):
    head = ("CALL " if function["is_procedure"] else "") + f"reefqbo.{function['name']}"
    arguments = [clean(a) for a in split_arguments(function["arguments"])]
    out = [a.removeprefix("OUT ") for a in arguments if a.startswith("OUT ")]
    lines = [listed(head, [a for a in arguments if not a.startswith("OUT ")])]
    result = function["result"] or ""
    table = re.fullmatch(r"TABLE\((.*)\)", result, re.S)

    if table or out:
        kind = "record" if result == "record" else "TABLE"
        lines.append(listed(f"    RETURNS {kind} ", out or split_arguments(table.group(1))))
    elif result:
        lines.append(f"    RETURNS {result}")
    return "\n".join(lines)


def who(level):
    """An operator is a reader and a monitor, an admin an operator, and superusers may everything."""
    return {None: "superusers", "admin": "admin", "monitor": "monitor, operator and admin"}.get(level, f"{level} and above")


def functions():
    for function in query(FUNCTIONS):
        yield "### " + function["name"] + (f"({function['types']})" if function["is_overloaded"] else "")
        yield f"```\n{signature(function)}\n```"
        yield paragraphs(function["comment"])
        yield f"*Who may:* {who(function['level'])}."


def relations():
    for relation in query(RELATIONS):
        yield f"### {relation['name']}"
        yield paragraphs(relation["comment"])
        yield wrapped(f"A {relation['kind']}. *Who may:* {relation['level'] or 'superusers'}.")
        yield "\n".join(["| column | type | |", "|---|---|---|"] +
                        [f"| `{c['name']}` | {c['type']} | {cell(c['comment'])} |" for c in relation["columns"]])


def settings():
    rows = ["| setting | type | at first | set by | |", "|---|---|---|---|---|"]
    for s in query(SETTINGS):
        kind = s["type"] + (f", {UNITS[s['unit']]}" if s["unit"] else "")
        if s["type"] in ("integer", "real"):
            kind += f", {s['min_val']} to {s['max_val']}"
        text = " ".join(t for t in (s["short_desc"], s["extra_desc"]) if t)
        rows.append(f"| `{s['name']}` | {kind} | {s['value'] or ''} | {CONTEXTS[s['context']]} | {cell(text)} |")
    yield "\n".join(rows)


def notifications():
    """The lines "event (member, member): when" of the head of notify.h."""
    events = re.findall(r"^ \*\t(\w+)(?: \(([\w, ]+)\))?: (.*(?:\n \*\t\t.*)*)$", NOTIFY.read_text(), re.M)
    sent = re.findall(r'begin_event\(&\w+, "(\w+)"', NOTIFY.with_suffix(".c").read_text())
    unnamed = set(sent) - {name for name, _, _ in events}
    if unnamed or not sent:
        sys.exit(f"{NOTIFY.name} does not name: {', '.join(sorted(unnamed)) or 'any event'}")
    yield "`LISTEN reefqbo` brings JSON with `event`, `model_id`, `connection_id`, and these members:"
    rows = ["| event | members | when |", "|---|---|---|"]
    for name, members, when in events:
        code = ", ".join(f"`{member}`" for member in members.split(", ") if member)
        rows.append(f"| `{name}` | {code} | {cell(' '.join(when.replace(' *', ' ').split()))} |")
    yield "\n".join(rows)


def page():
    yield "# Reference"
    yield wrapped(
        "Made by `make docs` from an installed extension: the comments are those that `\\df+ reefqbo.*` and `\\d+` "
        "show. Objects whose names begin with `_` are internal. [Errors](errors.md) has the SQLSTATEs, "
        "[Access](connecting.md#access) the levels: an operator is a reader and a monitor, an admin an operator.")
    for title, part in (("Functions", functions), ("Tables and views", relations), ("Settings", settings),
                        ("Notifications", notifications)):
        yield f"## {title}"
        yield from part()


if __name__ == "__main__":
    print("\n\n".join(page()))
