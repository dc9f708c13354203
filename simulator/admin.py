#!/usr/bin/python3
"""Command line of the admin API: `admin.py --ca FILE --url URL verb key=value… | JSON`.

A value that reads as JSON is taken as JSON, anything else as text; dates, realm ids and account
ids stay text. A single argument that starts with { is the whole body. Prints the answer; ends with
1 when it says that something went wrong.
"""
import argparse
import http.client
import json
import re
import ssl
import sys
from urllib.parse import urlsplit

KEEP_TEXT = ("company", "account", "from", "into", "parent", "number", "name", "code", "id")


def value_of(key, text):
    """A command line value as JSON: 3, true, [..] and {..} are themselves, the rest is text."""
    if key in KEEP_TEXT or re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def body_of(arguments):
    """The request's body from the words after the verb."""
    if len(arguments) == 1 and arguments[0].lstrip().startswith("{"):
        return json.loads(arguments[0])
    body = {}
    for argument in arguments:
        key, equals, text = argument.partition("=")
        if not equals:
            sys.exit("admin: %r is not key=value" % argument)
        body[key] = value_of(key, text)
    return body


def call(url, ca_file, verb, body=None):
    """The answer of one verb as a dictionary, whether it says ok or not."""
    parts = urlsplit(url)
    context = ssl.create_default_context(cafile=ca_file)
    connection = http.client.HTTPSConnection(parts.netloc, context=context, timeout=120)
    try:
        connection.request("POST", "/admin/" + verb, json.dumps(body or {}),
                           {"Content-Type": "application/json"})
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ca", required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("verb")
    parser.add_argument("rest", nargs="*")
    arguments = parser.parse_args()
    try:
        answer = call(arguments.url, arguments.ca, arguments.verb, body_of(arguments.rest))
    except (OSError, ValueError) as wrong:
        sys.exit("admin: %s" % wrong)
    print(json.dumps(answer, ensure_ascii=False))
    sys.exit(0 if answer.get("ok") else 1)


if __name__ == "__main__":
    main()
