"""The query language: SELECT … FROM … WHERE … ORDERBY … STARTPOSITION … MAXRESULTS."""
import re
from collections import namedtuple

import moments

TOKEN = re.compile(r"\s*(?:('(?:\\.|[^'\\])*')|(<=|>=|=|<|>)|([(),*])|([A-Za-z_][A-Za-z0-9_.]*)"
                   r"|(-?[0-9][0-9.]*))")
KEYWORDS = ("FROM", "WHERE", "AND", "ORDERBY", "ORDER", "STARTPOSITION", "MAXRESULTS", "SELECT",
            "OR", "JOIN", "GROUP")
MOMENTS = ("MetaData.LastUpdatedTime", "MetaData.CreateTime")

Query = namedtuple("Query", "fields count entity conditions order descending start limit")


class QueryFault(Exception):
    """A query the service refuses; `code` is 4000 (not understood) or 4001 (not allowed)."""

    def __init__(self, code, detail):
        super().__init__(detail)
        self.code = code


def _tokens(text):
    found, position = [], 0
    while text[position:].strip():
        match = TOKEN.match(text, position)
        if match is None:
            raise QueryFault("4000", "QueryParserError: Encountered \"%s\" at line 1, column %d."
                             % (text[position:position + 10].strip(), position + 1))
        found.append(match.group().strip())
        position = match.end()
    return found


class _Parser:
    """Reads a query from left to right."""

    def __init__(self, text):
        self.tokens, self.at = _tokens(text), 0

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def next(self):
        token = self.peek()
        self.at += 1
        return token

    def accept(self, *words):
        """Step over the words when they come next."""
        coming = [token.upper() for token in self.tokens[self.at:self.at + len(words)]]
        if coming == list(words):
            self.at += len(words)
            return True
        return False

    def expect(self, *words):
        if not self.accept(*words):
            raise self.wrong(" ".join(words))

    def wrong(self, wanted):
        return QueryFault("4000", "QueryParserError: Encountered \"%s\" at token %d.\n"
                          "Was expecting:\n    %s ...\n    " % (self.peek() or "<EOF>",
                                                               self.at + 1, wanted))

    def name(self):
        token = self.next()
        if not re.match(r"[A-Za-z_]", token) or token.upper() in KEYWORDS:
            self.at -= 1
            raise self.wrong("<IDENTIFIER>")
        return token

    def whole_number(self):
        token = self.next()
        if not re.fullmatch(r"-?\d+", token):
            self.at -= 1
            raise self.wrong("<INTEGER>")
        return int(token)


def _fields(parser):
    if parser.accept("*"):
        return None, False
    if parser.accept("COUNT", "(", "*", ")"):
        return None, True
    names = [parser.name()]
    while parser.accept(","):
        names.append(parser.name())
    return names, False


def _literal(token):
    if token.startswith("'"):
        return re.sub(r"\\(.)", r"\1", token[1:-1])
    return token


def _condition(parser):
    field = parser.name()
    if parser.accept("IN"):
        parser.expect("(")
        values = [_literal(parser.next())]
        while parser.accept(","):
            values.append(_literal(parser.next()))
        parser.expect(")")
        return field, "IN", values
    operator = parser.next().upper()
    if operator not in ("=", "<", ">", "<=", ">=", "LIKE"):
        parser.at -= 1
        raise parser.wrong("<OPERATOR>")
    return field, operator, [_literal(parser.next())]


def parse(text):
    """A Query from its text; QueryFault when the service would not take it."""
    parser = _Parser(text)
    parser.expect("SELECT")
    fields, count = _fields(parser)
    parser.expect("FROM")
    entity, conditions, order, descending, start, limit = parser.name(), [], None, False, 1, 100
    if parser.accept("WHERE"):
        conditions.append(_condition(parser))
        while parser.accept("AND"):
            conditions.append(_condition(parser))
    if parser.accept("ORDERBY") or parser.accept("ORDER", "BY"):
        order = parser.name()
        descending = parser.accept("DESC") or (parser.accept("ASC") and False)
    if parser.accept("STARTPOSITION"):
        start = parser.whole_number()
    if parser.accept("MAXRESULTS"):
        limit = parser.whole_number()
    if parser.peek():
        raise parser.wrong("<EOF>")
    _check_range(start, limit)
    return Query(fields, count, entity, conditions, order, descending, start, limit)


def _check_range(start, limit):
    if start < 1:
        raise QueryFault("4001", "QueryValidationError: value %d is too small. "
                                 "Min allowed value is 1" % start)
    if limit < 1:
        raise QueryFault("4001", "QueryValidationError: value %d is too small. "
                                 "Min allowed value is 1" % limit)
    if limit > 1000:
        raise QueryFault("4001", "QueryValidationError: value %d is too large. "
                                 "Max allowed value is 1000" % limit)


def value_of(thing, field):
    """A property of an entity by its dotted name; QueryFault when there is no such property."""
    known = ("Id", "Name", "Active", "AccountType", "AccountSubType", "Classification", "AcctNum",
             "SubAccount", "SubClass", "SubDepartment", "FullyQualifiedName", "CurrentBalance",
             "SyncToken") + MOMENTS
    names = {name.lower(): name for name in known}
    if field.lower() not in names:
        raise QueryFault("4001", "QueryValidationError: Property %s not found for Entity Account"
                         % field)
    for part in names[field.lower()].split("."):
        thing = thing.get(part, "") if isinstance(thing, dict) else ""
    return thing


def _comparable(field, value):
    if isinstance(value, bool):
        return str(value).lower()
    if field.lower() in (name.lower() for name in MOMENTS):
        try:
            return moments.parse_moment(value)
        except ValueError:
            raise QueryFault("4001", "QueryValidationError: value %s is not a date" % value)
    if field.lower() == "currentbalance":
        return float(value)
    truths = ("active", "subaccount", "subclass", "subdepartment")
    return str(value).lower() if field.lower() in truths else str(value)


def holds(thing, condition):
    """Whether an entity meets one condition."""
    field, operator, wanted = condition
    own = _comparable(field, value_of(thing, field))
    if operator == "LIKE":
        pattern = "".join(".*" if c == "%" else re.escape(c) for c in wanted[0])
        return re.fullmatch(pattern, str(own), re.IGNORECASE) is not None
    values = [_comparable(field, value) for value in wanted]
    if operator in ("=", "IN"):
        return own in values
    return {"<": own < values[0], ">": own > values[0], "<=": own <= values[0],
            ">=": own >= values[0]}[operator]


def select(things, query):
    """The entities that match, ordered, before paging. Inactive ones only when Active is named."""
    conditions = list(query.conditions)
    if not any(field.lower() == "active" for field, _, _ in conditions):
        conditions.append(("Active", "=", ["true"]))
    found = [t for t in things if all(holds(t, c) for c in conditions)]
    if query.order:
        found.sort(key=lambda t: str(value_of(t, query.order)), reverse=query.descending)
    return found
