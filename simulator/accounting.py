"""The accounting endpoints: company, preferences, queries, reports and the change feed."""
import datetime

import dimensions
import entities
import general_ledger
import moments
import querying
import reports
from answers import fault, json_answer, xml_answer
from figures import Tags
from ledger import Line
from slots import DIMENSIONS, PERIOD_MONTHS

MACRO_REPORTS = ("ProfitAndLoss", "BalanceSheet", "TrialBalance", "GeneralLedger")
TAGGED_REPORTS = ("ProfitAndLoss", "BalanceSheet", "GeneralLedger")
CHANGE_DAYS, CHANGE_LIMIT = 30, 1000
TRANSACTIONS = {"JournalEntry": ("JournalEntry",), "Invoice": ("Invoice",), "Bill": ("Bill",),
                "Payment": ("Payment",), "BillPayment": ("BillPayment",),
                "Purchase": ("Expense",), "Deposit": ("Deposit",), "Transfer": ("Transfer",)}
LISTS = {"Account": entities.account_objects,
         "Class": lambda company: entities.dimension_objects(company, "class"),
         "Department": lambda company: entities.dimension_objects(company, "department")}
EMPTY_ENTITIES = ("Budget", "Customer", "Vendor", "Item", "CreditMemo", "RefundReceipt",
                  "SalesReceipt", "VendorCredit")


def handle(world, ask):
    """Answer one accounting request of a client that may read the company."""
    handlers = {"companyinfo": _company_info, "preferences": _preferences, "query": _query,
                "cdc": _changes}
    with ask.company.ledger.lock:
        handler = _report if ask.endpoint in MACRO_REPORTS else handlers.get(ask.endpoint)
        if handler is None:
            return _unknown(world, ask)
        return handler(world, ask)


def _now(world):
    return world.clock.now()


def _told(world):
    """The time that answers tell."""
    return _now(world) + world.config["wrong_time"]


def refuse(world, ask, code, **changed):
    """A fault in JSON, or in XML for a client that did not ask for JSON."""
    form = None if ask.wants_json else "xml"
    return fault(code, _now(world), form=form, **changed)


def _deliver(world, ask, value):
    return json_answer(value) if ask.wants_json else xml_answer(value, _now(world))


def _unknown(world, ask):
    if ask.endpoint == "report":
        return refuse(world, ask, "5020")
    return refuse(world, ask, "500", detail="Operation Could not find resource for relative : %s "
                  "is not supported." % ask.path)


def _time(world):
    return moments.stamp(_told(world), True)


def _company_info(world, ask):
    if ask.rest != [ask.company.realm]:
        return refuse(world, ask, "2030", detail="Id should be a valid number. Supplied value:%s"
                      % "/".join(ask.rest))
    return _deliver(world, ask, {"CompanyInfo": entities.company_info(ask.company),
                                 "time": _time(world)})


def _preferences(world, ask):
    return _deliver(world, ask, {"Preferences": entities.preferences(ask.company),
                                 "time": _time(world)})


# ---- queries --------------------------------------------------------------------------------

def _query(world, ask):
    text = ask.parameters.get("query", "")
    try:
        query = querying.parse(text)
        response = _query_response(ask, query)
    except querying.QueryFault as refusal:
        return refuse(world, ask, refusal.code, detail=str(refusal))
    return _deliver(world, ask, {"QueryResponse": response, "time": _time(world)})


def _query_response(ask, query):
    single = {"companyinfo": ("CompanyInfo", entities.company_info),
              "preferences": ("Preferences", entities.preferences)}.get(query.entity.lower())
    if single:
        name, make = single
        return {"totalCount": 1} if query.count else {name: [make(ask.company)], "maxResults": 1}
    if query.entity.lower() in [name.lower() for name in EMPTY_ENTITIES]:
        return {"totalCount": 0} if query.count else {}
    name = next((name for name in LISTS if name.lower() == query.entity.lower()), None)
    if name is None:
        raise querying.QueryFault("4001", "QueryValidationError: invalid context declaration: %s"
                                  % query.entity)
    return _page(ask, query, name)


def _page(ask, query, name):
    found = querying.select(LISTS[name](ask.company), query)
    if query.count:
        return {"totalCount": len(found)}
    page = found[query.start - 1:query.start - 1 + query.limit]
    if ask.page_rows is not None:
        page = page[:ask.page_rows]
    if not page:
        return {}
    if query.fields:
        wanted = [field.lower() for field in query.fields]
        page = [{key: value for key, value in thing.items() if key.lower() in wanted}
                for thing in page]
    return {name: page, "startPosition": query.start, "maxResults": len(page)}


# ---- reports --------------------------------------------------------------------------------

def report_request(world, ask):
    """The report asked for with the service's defaults, or ValueError with the fault's detail."""
    given, settings = ask.parameters, ask.company.settings
    start, end, macro = reports.dates_by_default(ask.endpoint, world.clock.today())
    if given.get("start_date") and given.get("end_date"):
        start, end, macro = _date(given["start_date"]), _date(given["end_date"]), None
    elif given.get("date_macro"):
        macro = given["date_macro"]
    if start > end:
        raise ValueError("Invalid date range: start_date is after end_date")
    basis = given.get("accounting_method") or settings["report_basis"]
    by = given.get("summarize_column_by") or "Total"
    if basis not in ("Cash", "Accrual"):
        raise ValueError("Invalid value for accounting_method: %s" % basis)
    if by not in ("Total",) + tuple(PERIOD_MONTHS) + tuple(DIMENSIONS) \
            or by in DIMENSIONS and ask.endpoint == "TrialBalance" \
            or by != "Total" and ask.endpoint == "GeneralLedger":
        raise ValueError("Invalid value for summarize_column_by: %s" % by)
    tags = Tags(_listed(given, "class"), _listed(given, "department"))
    if tags != Tags() and ask.endpoint not in TAGGED_REPORTS:
        raise ValueError("%s takes no class and no department" % ask.endpoint)
    request = reports.Request(ask.endpoint, start, end, basis, by, macro, tags)
    request.echo = {name: given[name.lower()] for name in ("Class", "Department")
                    if given.get(name.lower())}
    if ask.endpoint == "GeneralLedger":
        request.accounts = _listed(given, "account")
        request.columns = given["columns"].split(",") if given.get("columns") else None
    return request


def _listed(given, name):
    """The ids of a comma separated parameter as a set, None when it was not sent."""
    return frozenset(given[name].split(",")) if given.get(name) else None


def _date(text):
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise ValueError("Invalid date: %s" % text) from None


def _report(world, ask):
    if ask.company.settings["reports_forbidden"]:
        return refuse(world, ask, "5020")
    try:
        request = report_request(world, ask)
    except ValueError as refusal:
        return refuse(world, ask, "2020", detail=str(refusal), element="")
    made = general_ledger.GeneralLedger if ask.endpoint == "GeneralLedger" else reports.Report
    value = made(ask.company, request, _told(world)).build()
    if not ask.wants_json:
        return xml_answer({"Report": value}, _now(world))
    answer = json_answer(value)
    answer.headers["v3modernResponse"] = "true"
    return answer


# ---- changes --------------------------------------------------------------------------------

def _changes(world, ask):
    given = ask.parameters
    if not given.get("entities") or not given.get("changedSince"):
        return refuse(world, ask, "2020")
    try:
        since = moments.parse_moment(given["changedSince"])
    except ValueError:
        return refuse(world, ask, "2020", detail="Invalid changedSince: " + given["changedSince"])
    if since < _now(world) - CHANGE_DAYS * 86400:
        return refuse(world, ask, "2020", detail="changedSince must lie within the last %d days"
                      % CHANGE_DAYS)
    responses, room = [], CHANGE_LIMIT
    for entity in given["entities"].split(","):
        try:
            found = _changed(ask.company, entity.strip(), since)[:room]
        except KeyError:
            return refuse(world, ask, "4001", detail="QueryValidationError: invalid context "
                          "declaration: %s" % entity)
        room -= len(found)
        responses.append({entity.strip(): found, "startPosition": 1, "maxResults": len(found)}
                         if found else {})
    return _deliver(world, ask, {"CDCResponse": [{"QueryResponse": responses}],
                                 "time": _time(world)})


def _changed(company, entity, since):
    if entity in LISTS:
        return _changed_list(company, entity, since)
    if entity in EMPTY_ENTITIES:
        return []
    ledger = company.ledger
    marks = ",".join("?" * len(TRANSACTIONS[entity]))
    rows = ledger.db.execute("SELECT * FROM txn WHERE updated > ? AND type IN (%s)"
                             " ORDER BY deleted, updated DESC" % marks,
                             (since, *TRANSACTIONS[entity])).fetchall()
    return [entities.deleted_object(row["id"], row["updated"]) if row["deleted"] else
            entities.transaction_object(ledger, row, _lines(ledger, row["id"])) for row in rows]


def _lines(ledger, number):
    return [Line(*row) for row in ledger.db.execute(
        "SELECT account, amount, class, department FROM line WHERE txn = ? ORDER BY ordinal",
        (number,))]


def _changed_list(company, entity, since):
    """The members of a list that changed, then marks of those that are never returned again."""
    rows = (company.ledger.accounts() if entity == "Account"
            else dimensions.known(company.ledger, entity.lower()))
    changed = [o for o in LISTS[entity](company) if rows[o["Id"]]["updated"] > since]
    return changed + [entities.deleted_object(i, row["updated"]) for i, row in rows.items()
                      if row["vanished"] and row["updated"] > since]
