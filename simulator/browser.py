#!/usr/bin/python3
"""Plays the user of the sign-in page: opens an authorize address, chooses a company, decides.

Prints the address the browser is sent back to, without following it. Ends with 1 and a sentence
when the page refuses.
"""
import argparse
import http.client
import ssl
import sys
from html.parser import HTMLParser
from urllib.parse import urlencode, urlsplit


class Refused(Exception):
    """The sign-in page did not do what was wanted."""


class Page(HTMLParser):
    """The hidden fields, companies and error text of a sign-in page."""

    def __init__(self, text):
        super().__init__()
        self.fields, self.realms, self.words, self.action = {}, {}, [], None
        self.in_error = False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if tag == "input" and values.get("type") == "hidden":
            self.fields[values["name"]] = values.get("value", "")
        elif tag == "option":
            self.realms[values.get("data-key")] = values["value"]
        elif tag == "form":
            self.action = values.get("action")
        self.in_error = values.get("class") == "error"

    def handle_data(self, data):
        if self.in_error and data.strip():
            self.words.append(data.strip())


def _exchange(address, ca_file, method, target, body=None):
    """One request; the connection trusts only the given authority."""
    context = ssl.create_default_context(cafile=ca_file)
    connection = http.client.HTTPSConnection(address, context=context, timeout=60)
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
    try:
        connection.request(method, target, body, headers)
        response = connection.getresponse()
        return response, response.read().decode("utf-8", "replace")
    finally:
        connection.close()


def consent(url, company, ca_file=None, deny=False):
    """The address the user's browser is redirected to; Refused when there is none."""
    parts = urlsplit(url)
    response, text = _exchange(parts.netloc, ca_file, "GET", parts.path + "?" + parts.query)
    page = Page(text)
    if response.status != 200 or page.action is None:
        raise Refused("the sign-in page answered %d: %s"
                      % (response.status, " ".join(page.words)))
    fields = dict(page.fields, realm=page.realms.get(company, company),
                  decision="deny" if deny else "allow")
    response, text = _exchange(parts.netloc, ca_file, "POST", page.action, urlencode(fields))
    location = response.getheader("Location")
    if response.status != 302 or not location:
        raise Refused("the sign-in page answered %d: %s"
                      % (response.status, " ".join(Page(text).words)))
    return location


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ca", help="file with the certificate authority to trust")
    parser.add_argument("--deny", action="store_true", help="say no")
    parser.add_argument("--company", required=True, help="key or realm id")
    parser.add_argument("url")
    arguments = parser.parse_args()
    try:
        print(consent(arguments.url, arguments.company, arguments.ca, arguments.deny))
    except (Refused, OSError) as refusal:
        sys.exit("browser: %s" % refusal)


if __name__ == "__main__":
    main()
