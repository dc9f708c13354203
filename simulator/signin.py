"""The pages and endpoints of the authorization server: sign-in, token and revoke."""
import html
import json
from urllib.parse import parse_qs, urlencode

import oauth
from answers import Answer, json_answer
from ledger import LedgerError

ACCOUNTING = "com.intuit.quickbooks.accounting"
FIELDS = ("client_id", "response_type", "scope", "redirect_uri", "state")
PAGE = """<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>%s</title></head>
<body><h1>%s</h1>
%s
</body></html>
"""
NO_STORE = {"Cache-Control": "no-cache, no-store", "Pragma": "no-cache"}


def _page(title, body, status=200):
    return Answer(status, PAGE % (title, title, body), "text/html;charset=utf-8", NO_STORE)


def _error_page(reason):
    """The service's way to refuse an authorize request: a page, never a redirect."""
    return _page("Sorry, something went wrong",
                 '<p class="error">%s</p>' % html.escape(reason), 400)


def _first(values):
    return {key: items[0] for key, items in values.items()}


def problem(fields):
    """What is wrong with an authorize request, or None."""
    app = oauth.APPS.get(fields.get("client_id"))
    if app is None:
        return "The client_id query parameter value is invalid."
    if fields.get("redirect_uri") not in app.redirects:
        return "The redirect_uri query parameter value is invalid."
    if fields.get("response_type") != "code":
        return "The response_type query parameter value is invalid."
    if ACCOUNTING not in fields.get("scope", "").split():
        return "The scope query parameter value is invalid."
    if not fields.get("state"):
        return "The state query parameter is missing."
    return None


def authorize(world, ask):
    """GET shows the company chooser; POST takes the choice and redirects back to the app."""
    fields = _first(parse_qs(ask.query if ask.method == "GET" else ask.body.decode("utf-8"),
                             keep_blank_values=True))
    wrong = problem(fields)
    if wrong:
        return _error_page(wrong)
    app = oauth.APPS[fields["client_id"]]
    return _chooser(world, app, fields) if ask.method == "GET" else _decide(world, app, fields)


def _chooser(world, app, fields):
    hidden = "".join('<input type="hidden" name="%s" value="%s">\n' % (
        name, html.escape(fields[name], quote=True)) for name in FIELDS)
    options = "".join('<option value="%s" data-key="%s">%s</option>\n' % (
        company.realm, company.key, html.escape(company.settings["name"]))
        for company in world.companies.all() if company.environment == app.environment)
    form = ('<form method="post" action="/connect/oauth2">\n%s'
            '<label>Company <select name="realm">\n%s</select></label>\n'
            '<button name="decision" value="allow">Connect</button>\n'
            '<button name="decision" value="deny">Cancel</button>\n</form>') % (hidden, options)
    return _page("Connect your company", form)


def _decide(world, app, fields):
    if fields.get("decision") == "deny":
        return _redirect(fields, {"error": "access_denied", "state": fields["state"]})
    try:
        company = world.companies.find(fields.get("realm", ""))
    except LedgerError as refusal:
        return _error_page(str(refusal))
    if company.environment != app.environment or fields.get("decision") != "allow":
        return _error_page("The company cannot be connected to this app.")
    code = world.authority.new_code(app.client, company.realm, fields["redirect_uri"])
    return _redirect(fields, {"code": code, "state": fields["state"], "realmId": company.realm})


def _redirect(fields, parameters):
    target = fields["redirect_uri"] + "?" + urlencode(parameters)
    return Answer(302, b"", "text/html", dict(NO_STORE, Location=target))


def _refusal(word, status=400, description=None):
    body = {"error": word}
    if description:
        body = {"error_description": description, "error": word}
    answer = json_answer(body, status)
    answer.headers.update(NO_STORE)
    if status == 401:
        answer.headers["WWW-Authenticate"] = 'Basic realm="Intuit"'
    return answer


def token(world, ask):
    """The token endpoint: exchange of a code, or refresh."""
    form = ask.form
    credentials = oauth.basic_credentials(ask.headers.get("Authorization"))
    if credentials is None and "client_id" in form:
        credentials = (form["client_id"], form.get("client_secret", ""))
    app = oauth.known_client(credentials)
    if ask.method != "POST":
        return _refusal("invalid_request", 400)
    if app is None:
        return _refusal("invalid_client", 401)
    try:
        grant, access = _grant(world, app, form)
    except oauth.Refused as refusal:
        return _refusal(refusal.word, 400, refusal.description)
    answer = json_answer(_token_body(world, ask, grant, access))
    answer.headers.update(NO_STORE)
    return answer


def _grant(world, app, form):
    kind = form.get("grant_type")
    if kind == "authorization_code":
        return world.authority.exchange(app.client, form.get("code"), form.get("redirect_uri"))
    if kind == "refresh_token":
        return world.authority.refresh(app.client, form.get("refresh_token"))
    raise oauth.Refused("unsupported_grant_type" if kind else "invalid_request")


def _token_body(world, ask, grant, access):
    body = {"x_refresh_token_expires_in": oauth.REFRESH_LIFE, "refresh_token": grant.refresh,
            "access_token": access, "token_type": "bearer", "expires_in": oauth.ACCESS_LIFE}
    if ask.headers.get("x-include-refresh-token-hard-expires-in", "").lower() == "true":
        body["x_refresh_token_hard_expires_in"] = int(
            grant.consented + oauth.HARD_LIFE - world.clock.now())
    return body


def revoke(world, ask):
    """The revoke endpoint: 200, 400 for a token that is dead already, 401 for a bad client."""
    app = oauth.known_client(oauth.basic_credentials(ask.headers.get("Authorization")))
    if app is None:
        return _refusal("invalid_client", 401)
    try:
        value = json.loads(ask.body)["token"]
    except (ValueError, KeyError, TypeError):
        return _refusal("invalid_request", 400)
    if ask.method != "POST" or not world.authority.revoke(app.client, value):
        return _refusal("invalid_request", 400, "Token is incorrect or expired")
    return Answer(200, b"", "application/json", NO_STORE)
