"""Answers and faults in the forms the service uses: JSON, gateway JSON, XML, bare XML and text."""
import json
import secrets
from xml.sax.saxutils import escape, quoteattr

import moments

FAULTS = {
    # code: (HTTP status, type, message, detail, element)
    "100": (500, "AuthenticationFault", "General Authentication Error",
            "AuthenticationErrorGeneral: Internal Server Error , statusCode: 500", None),
    "120": (401, "AUTHORIZATION", "Authorization Failure",
            "You are not authorized to perform this operation", None),
    "500": (400, "ValidationFault", "Unsupported Operation", "The operation is not supported.",
            None),
    "610": (400, "ValidationFault", "Object Not Found",
            "Object Not Found : Something you're trying to use has been made inactive.", ""),
    "2020": (400, "ValidationFault",
             "Required param missing, need to supply the required value for the API",
             "Required parameter is missing in the request", None),
    "2030": (400, "ValidationFault", "Invalid ID", "Id should be a valid number.", "Id"),
    "3001": (429, "SERVICE", "message=ThrottleExceeded; errorCode=003001; statusCode=429",
             "The request limit was reached.  Try again later", None),
    "3100": (403, "SERVICE",
             "message=ApplicationAuthorizationFailed; errorCode=003100; statusCode=403", None,
             None),
    "3200": (401, "AUTHENTICATION",
             "message=AuthenticationFailed; errorCode=003200; statusCode=401",
             "Malformed bearer token: too short or too long", None),
    "4000": (400, "ValidationFault", "Error parsing query",
             "QueryParserError: Invalid content. Lexical error", None),
    "4001": (400, "ValidationFault", "Invalid query", "QueryValidationError", None),
    "5020": (400, "ValidationFault", "Permission Denied Error",
             "Permission Denied Error : You do not have permission to access this report.",
             "ReportName"),
    "6190": (400, "ValidationFault", "Invalid Company Status",
             "Subscription period has ended or canceled or there was a billing problem : "
             "Subscription period has ended or there was a billing problem", ""),
    "10000": (500, "SystemFault", "An application error has occurred while processing your request",
              "System Failure Error: Something went wrong", None),
}
GATEWAY = ("3001", "3100", "3200", "120")
XML_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
NAMESPACE = "http://schema.intuit.com/finance/v3"
JSON_TYPE = "application/json;charset=utf-8"


class Answer:
    """What goes back. `delivery` says how: plain, mute, cut, drip, reset, hold, close
    or late."""

    def __init__(self, status=200, body=b"", content_type=JSON_TYPE, headers=()):
        self.status = status
        self.body = body if isinstance(body, bytes) else body.encode("utf-8")
        self.content_type = content_type
        self.headers = dict(headers)
        self.delivery, self.parameter = "plain", None
        self.value = None
        self.compress = True


def new_tid():
    """A transaction id in the form of the service's intuit_tid."""
    return "1-%s-%s" % (secrets.token_hex(4), secrets.token_hex(12))


def json_answer(value, status=200):
    """A JSON answer; the value stays with it so that a misbehaviour can change it."""
    answer = Answer(status, json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    answer.value = value
    return answer


def fault_parts(code, **changed):
    """The parts of a fault: the usual ones of its code with some replaced."""
    status, kind, message, detail, element = FAULTS.get(
        str(code), (400, "ValidationFault", "Fault", "Fault %s" % code, None))
    parts = {"code": str(code), "status": status, "type": kind, "message": message,
             "detail": detail, "element": element}
    parts.update({key: value for key, value in changed.items() if value is not None})
    return parts


def fault(code, now, form=None, headers=(), **changed):
    """A whole fault answer. `form`: json, gateway, xml, xml_bare, text; the code's own if None."""
    parts = fault_parts(code, **changed)
    form = form or ("gateway" if parts["code"] in GATEWAY else "json")
    made = {"json": _service_json, "gateway": _gateway_json, "xml": _xml, "xml_bare": _bare_xml,
            "text": _text}[form](parts, now)
    answer = Answer(parts["status"], made[0], made[1], headers)
    if parts["status"] == 401:
        answer.headers.setdefault("WWW-Authenticate",
                                  'Bearer realm="Intuit", error="invalid_token"')
    return answer


def _service_json(parts, now):
    error = {"Message": parts["message"], "Detail": parts["detail"], "code": parts["code"]}
    if parts["element"] is not None:
        error["element"] = parts["element"]
    body = {"Fault": {"Error": [error], "type": parts["type"]}, "time": moments.stamp(now, True)}
    return json.dumps(body, separators=(",", ":")), "application/json"


def _gateway_json(parts, now):
    error = {"message": parts["message"], "detail": parts["detail"], "code": parts["code"],
             "element": parts["element"]}
    body = {"warnings": None, "intuitObject": None,
            "fault": {"error": [error], "type": parts["type"]}, "report": None,
            "queryResponse": None, "batchItemResponse": [], "attachableResponse": [],
            "syncErrorResponse": None, "requestId": None, "time": int(now * 1000),
            "status": None, "cdcresponse": []}
    return json.dumps(body, separators=(",", ":")), "application/json"


def _fault_element(parts):
    element = " element=%s" % quoteattr(parts["element"]) if parts["element"] else ""
    detail = "<Detail>%s</Detail>" % escape(parts["detail"]) if parts["detail"] else ""
    return '<Fault type=%s><Error code=%s%s><Message>%s</Message>%s</Error></Fault>' % (
        quoteattr(parts["type"]), quoteattr(parts["code"]), element, escape(parts["message"]),
        detail)


def _xml(parts, now):
    return '%s<IntuitResponse time="%s" xmlns="%s">%s</IntuitResponse>' % (
        XML_HEAD, moments.stamp(now, True), NAMESPACE, _fault_element(parts)), "application/xml"


def _bare_xml(parts, now):
    return XML_HEAD + _fault_element(parts), "application/xml"


def _text(parts, now):
    return "%s: %s" % (parts["message"], parts["detail"] or ""), "text/plain"


def xml_answer(value, now):
    """A JSON value as the XML a client gets that does not ask for JSON."""
    body = "".join(_xml_element(name, item) for name, item in value.items() if name != "time")
    return Answer(200, '%s<IntuitResponse time="%s" xmlns="%s">%s</IntuitResponse>' % (
        XML_HEAD, moments.stamp(now, True), NAMESPACE, body), "application/xml;charset=utf-8")


def _xml_element(name, value):
    if isinstance(value, list):
        return "".join(_xml_element(name, item) for item in value)
    if isinstance(value, dict):
        return "<%s>%s</%s>" % (name, "".join(_xml_element(*item) for item in value.items()), name)
    if isinstance(value, bool):
        value = "true" if value else "false"
    return "<%s>%s</%s>" % (name, "" if value is None else escape(str(value)), name)
