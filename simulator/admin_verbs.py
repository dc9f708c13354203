"""The verbs of the admin API: look into the simulator, change its books, make it misbehave."""
import datetime

import dimensions
import faults
import moments
import oauth
import revaluation
import truth
import webhooks
from entities import own_balance
from ledger import Line, LedgerError, cents, money


def _company(world, given):
    if "company" not in given:
        raise LedgerError("say which company")
    return world.companies.find(given["company"])


def _day(text):
    return datetime.date.fromisoformat(str(text))


# ---- looking --------------------------------------------------------------------------------

def list_companies(world, given):
    return {"companies": [
        {"key": c.key, "realm": c.realm, "name": c.settings["name"], "environment": c.environment,
         "accounts": c.account_count(), "fiscal_month": c.settings["fiscal_month"],
         "currency": c.settings["currency"], "magic": c.plan.magic}
        for c in world.companies.all()]}


def tell_truth(world, given):
    company = _company(world, given)
    end = _day(given["end"])
    start = end if "start" not in given else _day(given["start"])
    narrowed = {name: given[name] for name in ("by", "account") if given.get(name) is not None}
    if "account" in narrowed:
        narrowed["account"] = company.ledger.resolve(narrowed["account"])
    rows = truth.statement(company.ledger, given["statement"], start, end,
                           given.get("method", "Accrual"), company.settings["fiscal_month"],
                           **narrowed)
    return {"rows": rows}


def accounts(world, given):
    """The chart as it is stored: vanished and inactive accounts included."""
    company = _company(world, given)
    ledger = company.ledger
    with ledger.lock:
        balances = dict(ledger.db.execute("SELECT account, sum(amount) FROM line GROUP BY account"))
        names = ledger.full_names()
        return {"accounts": [
            {"id": i, "name": row["name"], "fully_qualified_name": names[i],
             "parent": row["parent"], "type": row["type"], "subtype": row["subtype"],
             "active": bool(row["active"]), "deleted": bool(row["deleted"]),
             "vanished": bool(row["vanished"]), "number": row["number"],
             "currency": row["currency"], "balance": money(own_balance(company, row, balances)),
             "ledger_balance": money(balances.get(i, 0))}
            for i, row in ledger.accounts().items()]}


def transactions(world, given):
    """Stored transactions with their lines, newest first; at most `limit`."""
    ledger = _company(world, given).ledger
    with ledger.lock:
        rows = ledger.db.execute("SELECT id, type, date, memo FROM txn WHERE NOT deleted AND type"
                                 " LIKE ? ORDER BY date DESC, id DESC LIMIT ?",
                                 (given.get("type", "%"), int(given.get("limit", 20)))).fetchall()
        return {"transactions": [dict(row, lines=[
            {"account": account, "amount": money(amount), "class": klass, "department": department}
            for account, amount, klass, department in ledger.db.execute(
                "SELECT account, amount, class, department FROM line WHERE txn = ?"
                " ORDER BY ordinal", (row["id"],))])
            for row in map(dict, rows)]}


# ---- changing the books ---------------------------------------------------------------------

def _lines(ledger, lines):
    return [Line(ledger.resolve(line["account"]), cents(line["amount"]),
                 *(dimensions.resolve(ledger, kind, line.get(kind)) for kind in dimensions.KINDS))
            for line in lines]


def post(world, given):
    ledger = _company(world, given).ledger
    with ledger.lock:
        links = [(int(a["txn"]), cents(a["amount"])) for a in given.get("applies", ())]
        number = ledger.post(given.get("type", "JournalEntry"), _day(given["date"]).isoformat(),
                             _lines(ledger, given["lines"]), links, memo=given.get("memo"))
    return {"txn": number}


def revalue(world, given):
    """An account comes to be worth more or less from a day on, and nobody has posted anything."""
    ledger = _company(world, given).ledger
    with ledger.lock:
        revaluation.add(ledger, ledger.resolve(given["account"]), _day(given["date"]),
                        cents(given["amount"]), given.get("section", "OtherExpenses"),
                        int(given.get("place", 1)))
    return {}


def edit(world, given):
    ledger = _company(world, given).ledger
    with ledger.lock:
        lines = _lines(ledger, given["lines"]) if "lines" in given else None
        date = _day(given["date"]).isoformat() if "date" in given else None
        ledger.edit(int(given["txn"]), lines, date)
    return {}


def delete(world, given):
    ledger = _company(world, given).ledger
    with ledger.lock:
        ledger.delete(int(given["txn"]))
    return {}


def _update(**fixed):
    """A verb that sets columns of one account, or of the class or department that is named."""
    def verb(world, given):
        ledger = _company(world, given).ledger
        with ledger.lock:
            for kind in dimensions.KINDS:
                if kind in given:
                    identifier = dimensions.resolve(ledger, kind, given[kind])
                    dimensions.update(ledger, kind, identifier, **fixed)
                    return {kind: identifier}
            identifier = ledger.resolve(given["account"])
            ledger.update_account(identifier, **fixed)
        return {"account": identifier}
    return verb


def rename(world, given):
    return _update(name=str(given["name"]))(world, given)


def renumber(world, given):
    return _update(number=given["number"])(world, given)


def reclassify(world, given):
    return _update(type=given["type"], subtype=given["subtype"])(world, given)


def move(world, given):
    """An account comes to stand below another, or without `parent` at the top."""
    parent = given.get("parent")
    ledger = _company(world, given).ledger
    return _update(parent=parent and ledger.resolve(parent))(world, given)


def merge(world, given):
    ledger = _company(world, given).ledger
    with ledger.lock:
        ledger.merge(ledger.resolve(given["from"]), ledger.resolve(given["into"]))
    return {}


def create_account(world, given):
    ledger = _company(world, given).ledger
    with ledger.lock:
        parent = ledger.resolve(given["parent"]) if given.get("parent") else None
        identifier = str(given.get("id") or ledger.next_account_id())
        if identifier in ledger.accounts():
            raise LedgerError("account %s exists" % identifier)
        ledger.add_account(identifier, given["name"], given["type"],
                           given.get("subtype") or given["type"].replace(" ", ""), parent,
                           given.get("number"), given.get("currency"))
    return {"account": identifier}


def _create_dimension(kind):
    """A verb that makes a class or a department."""
    def verb(world, given):
        ledger = _company(world, given).ledger
        with ledger.lock:
            parent = dimensions.resolve(ledger, kind, given.get("parent"))
            identifier = str(given.get("id") or dimensions.next_id(ledger, kind))
            dimensions.add(ledger, kind, identifier, given["name"], parent)
        return {kind: identifier}
    return verb


def tag(world, given):
    """Change the tags of one line (counted from 0); null takes a tag away."""
    ledger = _company(world, given).ledger
    with ledger.lock:
        tags = {kind: dimensions.resolve(ledger, kind, given[kind])
                for kind in dimensions.KINDS if kind in given}
        if not tags:
            raise LedgerError("say which class or department")
        ledger.tag(int(given["txn"]), int(given["line"]), **tags)
    return {}


def dimension_lists(world, given):
    """The classes and departments as they are stored."""
    ledger = _company(world, given).ledger
    with ledger.lock:
        return {kind: [{"id": i, "name": row["name"], "parent": row["parent"],
                        "fully_qualified_name": dimensions.full_name(ledger, kind, i),
                        "active": bool(row["active"]), "deleted": bool(row["deleted"]),
                        "vanished": bool(row["vanished"])}
                       for i, row in dimensions.known(ledger, kind).items()]
                for kind in dimensions.KINDS}


def set_company(world, given):
    company = _company(world, given)
    values = {key: value for key, value in given.items() if key != "company"}
    unknown = [key for key in values if key not in company.settings]
    if unknown:
        raise LedgerError("no setting %s; there are %s" % (unknown, sorted(company.settings)))
    company.settings.update(values)
    company.ledger.changed()
    return {"settings": company.settings}


# ---- misbehaviour, clock and switches -------------------------------------------------------

def fault(world, given):
    values = dict(given)
    if values.get("company"):
        values["company"] = world.companies.find(values["company"]).key
    world.faults.add(faults.Rule(values.pop("kind", None), **values))
    return {"faults": world.faults.shown()}


def clear_faults(world, given):
    world.faults.clear()
    return {}


def release(world, given):
    world.faults.release()
    return {}


def list_faults(world, given):
    return {"faults": world.faults.shown(), "kinds": sorted(faults.KINDS)}


def gate(world, given):
    """Close or open the gate of the token endpoint; say who waits, and what has passed."""
    if "closed" in given:
        named = given.get("company")
        world.gate.set(bool(given["closed"]), named and world.companies.find(named).key)
    return world.gate.shown()


def clock(world, given):
    if "set" in given:
        world.clock.set(given["set"])
    world.clock.advance(float(given.get("advance_seconds", 0)))
    return {"now": moments.stamp(world.clock.now()), "epoch": world.clock.now()}


def config(world, given):
    """Set switches for everybody, or for one company; answers with those in force."""
    values = {key: value for key, value in given.items() if key != "company"}
    unknown = [key for key in values if key not in world.config]
    if unknown:
        raise LedgerError("no switch %s; there are %s" % (unknown, sorted(world.config)))
    if "company" in given:
        company = _company(world, given)
        company.own_config.update(values)
        company.ledger.changed()
        return {"config": dict(world.config, **company.own_config)}
    world.config.update(values)
    return {"config": world.config}


# ---- tokens ---------------------------------------------------------------------------------

def tokens(world, given):
    """Every code and token ever handed out for a company, and how many still work."""
    realm = _company(world, given).realm
    authority = world.authority
    with authority.lock:
        handed = authority.handed_out.get(realm, {"code": [], "access": [], "refresh": []})
        living = authority.living(realm)
        now = world.clock.now()
        alive = [t for t, e in authority.access.items() if e["grant"] in living
                 and e["until"] > now]
        return {"codes": list(handed["code"]), "access_tokens": list(handed["access"]),
                "refresh_tokens": list(handed["refresh"]),
                "living_refresh": [grant.refresh for grant in living], "living_access": alive,
                "counts": {"codes": len(handed["code"]), "access_tokens": len(handed["access"]),
                           "refresh_tokens": len(handed["refresh"]), "grants": len(living)}}


def rotations(world, given):
    """How many refresh tokens each company was ever handed, and its living grants."""
    authority = world.authority
    with authority.lock:
        made = {world.companies.find(realm).key: [len(tokens["refresh"]), len(authority.living(realm))]
                for realm, tokens in authority.handed_out.items()}
    return {"refresh_tokens": {key: counts[0] for key, counts in made.items()},
            "grants": {key: counts[1] for key, counts in made.items()}}


def consent(world, given):
    """A code for each company, as if its user had just said yes to the app of its environment."""
    made = []
    for name in given["companies"]:
        company = world.companies.find(name)
        app = next(a for a in oauth.APPS.values() if a.environment == company.environment)
        code = world.authority.new_code(app.client, company.realm, oauth.CALLBACK)
        made.append({"company": company.key, "realm": company.realm, "code": code})
    return {"consents": made}


def expire_access(world, given):
    return {"expired": world.authority.expire_access(_company(world, given).realm)}


def revoke_grant(world, given):
    return {"revoked": world.authority.end_company(_company(world, given).realm)}


# ---- the log --------------------------------------------------------------------------------

def log(world, given):
    company = world.companies.find(given["company"]).key if given.get("company") else None
    entries = world.log.select(int(given.get("since", 0)), company)
    if given.get("clear"):
        world.log.clear()
    return {"log": entries}


def log_clear(world, given):
    """The log and the counts of requests in flight begin anew."""
    world.log.clear()
    for company in world.companies.all():
        company.max_in_flight = company.in_flight
    return {}


def stats(world, given):
    endpoints, methods, statuses = world.log.counts()
    busy = {c.key: c.max_in_flight for c in world.companies.all() if c.max_in_flight}
    return {"endpoints": endpoints, "methods": methods, "statuses": statuses,
            "in_flight": world.log.in_flight, "max_in_flight": world.log.max_in_flight,
            "max_in_flight_by_company": busy}


def reset(world, given):
    world.reset()
    return {}


VERBS = {
    "companies": list_companies, "truth": tell_truth, "accounts": accounts,
    "transactions": transactions, "post": post, "revalue": revalue, "edit": edit, "delete": delete, "rename": rename,
    "renumber": renumber, "reclassify": reclassify, "move": move, "deactivate": _update(active=0),
    "reactivate": _update(active=1, deleted=0), "remove": _update(active=0, deleted=1),
    "merge": merge, "create_account": create_account, "vanish": _update(vanished=1),
    "create_class": _create_dimension("class"),
    "create_department": _create_dimension("department"), "tag": tag,
    "dimensions": dimension_lists,
    "set_company": set_company, "fault": fault, "clear_faults": clear_faults,
    "faults": list_faults, "release": release, "gate": gate, "clock": clock, "tokens": tokens,
    "rotations": rotations, "consent": consent,
    "expire_access": expire_access,
    "revoke_grant": revoke_grant, "config": config, "log": log, "log_clear": log_clear,
    "stats": stats, "webhook": webhooks.webhook, "reset": reset}


def run(world, verb, given):
    """The answer of one verb and its HTTP status; every mistake becomes a readable refusal."""
    if verb not in VERBS:
        return {"ok": False, "error": "no verb %r; there are %s" % (verb, sorted(VERBS))}, 400
    if not isinstance(given, dict):
        return {"ok": False, "error": "the body must be a JSON object"}, 400
    try:
        return dict(VERBS[verb](world, given), ok=True), 200
    except KeyError as missing:
        return {"ok": False, "error": "%s: %s is missing" % (verb, missing)}, 400
    except (ValueError, TypeError, ArithmeticError) as wrong:
        return {"ok": False, "error": "%s: %s" % (verb, wrong)}, 400
