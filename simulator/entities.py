"""Accounts, company, preferences and transactions as the service's JSON objects."""
import calendar

import dimensions
import moments
from companies import CURRENCY_NAMES
from ledger import CLASSIFICATION, is_profit_and_loss, shown_name


def _number(cents):
    """A balance as the JSON number the service writes: 0, 1201.0, 2062.52."""
    return cents / 100 if cents else 0


def _balances(ledger):
    return dict(ledger.db.execute("SELECT account, sum(amount) FROM line GROUP BY account"))


def own_balance(company, row, balances):
    """Current balance in the account's own currency, ledger sign; nothing for income and costs."""
    if is_profit_and_loss(row["type"]) or row["subtype"] == "RetainedEarnings":
        return 0
    amount = balances.get(row["id"], 0)
    if row["type"] == "Credit Card" and company.config("card_positive"):
        amount = -amount
    return (amount * row["rate"] * 2 + 10000) // 20000 if row["rate"] != 10000 else amount


def account_objects(company):
    """Every account that can be asked for, as JSON, in an order that is stable."""
    ledger = company.ledger
    key = ("account objects", company.config("card_positive"))
    return ledger.cached(key, lambda: _account_objects(company, ledger))


def _account_objects(company, ledger):
    balances = ledger.cached("balances", lambda: _balances(ledger))
    accounts = ledger.accounts()
    own = {i: own_balance(company, row, balances) for i, row in accounts.items()}
    whole = dict(own)
    for identifier, row in accounts.items():
        above = row["parent"]
        while above is not None:
            whole[above] += own[identifier]
            above = accounts[above]["parent"]
    return [account_object(ledger, row, own[i], whole[i]) for i, row in accounts.items()
            if not row["vanished"]]


def account_object(ledger, row, own, whole):
    made = {"Name": shown_name(row), "SubAccount": row["parent"] is not None}
    if row["parent"] is not None:
        made["ParentRef"] = {"value": row["parent"]}
    made["FullyQualifiedName"] = ledger.full_names()[row["id"]]
    made["Active"] = bool(row["active"])
    made["Classification"] = CLASSIFICATION[row["type"]]
    made.update(AccountType=row["type"], AccountSubType=row["subtype"])
    if row["number"]:
        made["AcctNum"] = row["number"]
    made.update(CurrentBalance=_number(own), CurrentBalanceWithSubAccounts=_number(whole))
    made["CurrencyRef"] = {"value": row["currency"],
                           "name": CURRENCY_NAMES.get(row["currency"], row["currency"])}
    made.update(_common(row))
    return made


def _common(row):
    return {"domain": "QBO", "sparse": False, "Id": str(row["id"]), "SyncToken": str(row["sync"]),
            "MetaData": {"CreateTime": moments.stamp(row["created"]),
                         "LastUpdatedTime": moments.stamp(row["updated"])}}


def dimension_objects(company, kind):
    """Every class or department that can be asked for, as JSON, in an order that is stable."""
    ledger = company.ledger
    return [_dimension_object(ledger, kind, row)
            for row in dimensions.known(ledger, kind).values() if not row["vanished"]]


def _dimension_object(ledger, kind, row):
    made = {"Name": row["name"] + (" (Deleted)" if row["deleted"] else ""),
            "Sub" + kind.capitalize(): row["parent"] is not None}
    if row["parent"] is not None:
        made["ParentRef"] = {"value": row["parent"]}
    made["FullyQualifiedName"] = dimensions.full_name(ledger, kind, row["id"])
    made["Active"] = bool(row["active"])
    made.update(_common(row))
    return made


def _line_object(position, line):
    made = {"Id": str(position), "Amount": abs(line.amount) / 100, "DetailType": "Generic",
            "PostingType": "Debit" if line.amount > 0 else "Credit",
            "AccountRef": {"value": line.account}}
    if line.klass:
        made["ClassRef"] = {"value": line.klass}
    if line.department:
        made["DepartmentRef"] = {"value": line.department}
    return made


def transaction_object(ledger, row, lines):
    """A transaction in a generic form: what a change feed's reader needs of it."""
    return {"TxnDate": row["date"], "DocNumber": row["doc"] or str(1000 + row["id"]),
            "Line": [_line_object(i, line) for i, line in enumerate(lines)],
            "CurrencyRef": {"value": ledger.currency,
                            "name": CURRENCY_NAMES.get(ledger.currency, ledger.currency)},
            "TotalAmt": sum(line.amount for line in lines if line.amount > 0) / 100,
            **_common(row)}


def deleted_object(identifier, moment):
    return {"domain": "QBO", "status": "Deleted", "Id": str(identifier),
            "MetaData": {"LastUpdatedTime": moments.stamp(moment)}}


def _stamps(company):
    born = moments.add_months(company.clock.first_day, -41)
    return {"CreateTime": born.isoformat() + "T22:16:35-08:00",
            "LastUpdatedTime": company.clock.first_day.isoformat() + "T06:00:00-08:00"}


def company_info(company):
    settings = company.settings
    address = {"Id": "1", "Line1": "1 Harbour Road", "City": "San Pablo",
               "CountrySubDivisionCode": "CA", "PostalCode": "87999"}
    mail = {"Address": company.key + "@example.com"}
    values = (("NonTracking", "false"), ("IsQbdtMigrated", "false"), ("CompanyType", "Other"),
              ("SubscriptionStatus", settings["subscription"]),
              ("OfferingSku", "QuickBooks Online Plus"), ("PayrollFeature", "false"),
              ("AccountantFeature", "false"), ("QBOIndustryType", "Diving Equipment"),
              ("ItemCategoriesFeature", "true"), ("AssignedTime", _stamps(company)["CreateTime"]))
    return {"CompanyName": settings["name"], "LegalName": settings["name"],
            "CompanyAddr": address, "CustomerCommunicationAddr": dict(address),
            "LegalAddr": dict(address), "CustomerCommunicationEmailAddr": mail,
            "PrimaryPhone": {}, "CompanyStartDate": _stamps(company)["CreateTime"][:10],
            "FiscalYearStartMonth": calendar.month_name[settings["fiscal_month"]],
            "Country": settings["country"], "Email": mail, "WebAddr": {},
            "SupportedLanguages": settings["language"], "DefaultTimeZone": "America/Los_Angeles",
            "NameValue": [{"Name": name, "Value": value} for name, value in values],
            "domain": "QBO", "sparse": False, "Id": "1", "SyncToken": "8",
            "MetaData": _stamps(company)}


def preferences(company):
    settings = company.settings
    month = calendar.month_name[settings["fiscal_month"]]
    numbers = bool(settings["show_numbers"])
    classes, departments = (bool(dimensions.known(company.ledger, kind))
                            for kind in dimensions.KINDS)
    accounting = {"UseAccountNumbers": numbers, "TrackDepartments": departments,
                  "ClassTrackingPerTxn": False, "ClassTrackingPerTxnLine": classes,
                  "FirstMonthOfFiscalYear": month, "TaxYearMonth": month, "TaxForm": "6",
                  "CustomerTerminology": "Customers"}
    if settings["book_close_date"]:
        accounting["BookCloseDate"] = settings["book_close_date"]
    shown = {"Name": "AccountingInfoPrefs.ShowAccountNumbers", "Value": str(numbers).lower()}
    return {"AccountingInfoPrefs": accounting,
            "ProductAndServicesPrefs": {"ForSales": True, "ForPurchase": True,
                                        "QuantityOnHand": True},
            "SalesFormsPrefs": {"CustomTxnNumbers": False, "AllowDeposit": False},
            "TaxPrefs": {"UsingSalesTax": True, "TaxGroupCodeRef": {"value": "2"}},
            "CurrencyPrefs": {"MultiCurrencyEnabled": bool(settings["multicurrency"]),
                              "HomeCurrency": {"value": settings["currency"]}},
            "ReportPrefs": {"ReportBasis": settings["report_basis"],
                            "CalcAgingReportFromTxnDate": False},
            "OtherPrefs": {"NameValue": [{"Name": "DTXCopyMemo", "Value": "false"}, shown]},
            "domain": "QBO", "sparse": False, "Id": "1", "SyncToken": "3",
            "MetaData": _stamps(company)}
