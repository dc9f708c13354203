"""Changes that spoil a good answer: cut text, foreign bytes, and figures that no longer agree."""
import datetime
import json


from ledger import cents, is_profit_and_loss, money

CUT_TEXT = "Unable to display more data. Please reduce the date range."


def rewrite(answer, value):
    answer.value = value
    answer.body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


# ---- any JSON answer ------------------------------------------------------------------------

def truncate(answer, options):
    answer.body = answer.body[:int(len(answer.body) * float(options.get("fraction", 0.5)))]


def _insert(answer, content):
    """Put bytes into the first text value of the body."""
    at = answer.body.find(b'":"')
    at = at + 3 if at >= 0 else 1
    answer.body = answer.body[:at] + content + answer.body[at:]


def nul(answer, options):
    _insert(answer, b"\x00")


def bad_utf8(answer, options):
    _insert(answer, b"\xff\xfe\xc3\x28")


def wrong_type(answer, options):
    answer.content_type = options.get("content_type", "text/html")


def missing_token(answer, options):
    value = dict(answer.value or {})
    value.pop(options.get("field", "refresh_token"), None)
    rewrite(answer, value)


CHANGES = {"truncate": truncate, "nul": nul, "bad_utf8": bad_utf8, "wrong_type": wrong_type,
           "missing_token": missing_token}


# ---- reports --------------------------------------------------------------------------------

def walk(rows, above=()):
    """Every row below `rows` with the sections above it."""
    for row in rows or []:
        yield row, above
        yield from walk(row.get("Rows", {}).get("Row"), above + (row,))


def _top(value):
    return value.get("Rows", {}).get("Row") or []


def _fresh(answer):
    """A copy of the report that may be changed."""
    return json.loads(answer.body)


def _ledger_amount(value):
    """Position of the amount in a general ledger's rows, None in any other report."""
    for position, column in enumerate(value["Columns"]["Column"]):
        keys = [column.get("ColType")] + [m.get("Value") for m in column.get("MetaData", ())]
        if "subt_nat_amount" in keys:
            return position
    return None


def _posting_rows(value, amount):
    """(cells, sections above, row) of all postings in a general ledger."""
    for row, above in walk(_top(value)):
        if above and row.get("ColData", [{}] * (amount + 1))[amount].get("value"):
            yield row["ColData"], above, row


def _account_rows(value):
    """(cells, sections above, row) of all rows with an account's own amounts."""
    for row, above in walk(_top(value)):
        cells = row.get("ColData") or row.get("Header", {}).get("ColData") or []
        if cells and cells[0].get("id") is not None and _amount_at(cells) is not None:
            yield cells, above, row


def _amount_at(cells):
    """Position of the first cell that has an amount other than zero, or None."""
    for position, cell in enumerate(cells[1:], 1):
        try:
            if cents(cell.get("value") or 0):
                return position
        except (ValueError, ArithmeticError):
            continue
    return None


def _raise(cell, by):
    """Make the amount of a cell larger."""
    cell["value"] = money(cents(cell.get("value") or 0) + by)


def _by(options):
    return cents(options.get("by", "1.00"))


def cut_report(answer, options):
    """The service's way to say that a report grew too large: rows end in a sentence."""
    value = _fresh(answer)
    if not _top(value):
        value["Rows"] = {"Row": [{}]}
    rows = _top(value)
    del rows[max(1, len(rows) // 2):]
    inner = rows[-1].get("Rows", {}).get("Row", rows)
    del inner[max(1, len(inner) // 2):]
    inner.append({"ColData": [{"value": options.get("text", CUT_TEXT)}], "type": "Data"})
    rewrite(answer, value)


def _header(name, changed):
    def change(answer, options):
        value = _fresh(answer)
        value["Header"][name] = changed(value["Header"].get(name), options)
        rewrite(answer, value)
    return change


def wrong_dates(answer, options):
    """The head names another range than was asked for."""
    value = _fresh(answer)
    for name in ("StartPeriod", "EndPeriod"):
        day = datetime.date.fromisoformat(value["Header"][name])
        moved = day - datetime.timedelta(days=int(options.get("days", 31)))
        value["Header"][name] = moved.isoformat()
    rewrite(answer, value)


def _account_of(cells, above):
    """Id of the account that a row's amounts belong to."""
    return cells[0].get("id") or above[-1]["Header"]["ColData"][0].get("id")


def _row_to_change(value, options):
    amount = _ledger_amount(value)
    rows = list(_account_rows(value) if amount is None else _posting_rows(value, amount))
    if options.get("account"):
        rows = [r for r in rows if _account_of(*r[:2]) == str(options["account"])]
    return rows[-1] if rows else None


def break_sum(answer, options):
    """One account's amount (in a general ledger: one posting's) no longer fits the sums above."""
    value = _fresh(answer)
    found = _row_to_change(value, options)
    if found:
        cells = found[0]
        position = options.get("column") or _ledger_amount(value) or _amount_at(cells)
        _raise(cells[int(position)], _by(options))
    rewrite(answer, value)


def break_total(answer, options):
    """One section's Summary no longer is the sum of its rows."""
    value = _fresh(answer)
    for row, _ in walk(_top(value)):
        cells = row.get("Summary", {}).get("ColData")
        if cells and row.get("Rows") and len(cells) > 1:
            _raise(cells[int(options.get("column") or _ledger_amount(value) or 1)], _by(options))
            break
    rewrite(answer, value)


def break_tb(answer, options):
    """A trial balance whose debits and credits differ; with `pair` they still are equal.

    The sums at its end go along, so that nothing else tells. `account` is the one changed (the
    other one of a pair is any that stands on the other side).
    """
    value = _fresh(answer)
    rows = list(_account_rows(value))
    found = _row_to_change(value, options)
    if found:
        side = _amount_at(found[0])
        changed = [found[0]] + [cells for cells, _, _ in rows if options.get("pair")
                                and _amount_at(cells) != side][:1]
        for cells in changed:
            _raise(cells[_amount_at(cells)], _by(options))
            _raise(_top(value)[-1]["Summary"]["ColData"][_amount_at(cells)], _by(options))
    rewrite(answer, value)


def _month_at(value, month):
    """Position of the column that begins in a month (2026-03), or None."""
    for position, column in enumerate(value["Columns"]["Column"]):
        starts = [m["Value"] for m in column.get("MetaData", ()) if m["Name"] == "StartDate"]
        if starts and starts[0].startswith(month):
            return position
    return None


def unbalance(answer, options):
    """A balance sheet whose sums all tie while its two sides differ; with `month`, in that month's
    column alone, and a report without it is good."""
    value = _fresh(answer)
    if "month" in options:
        options = dict(options, column=_month_at(value, options["month"]))
        if options["column"] is None:
            return
    assets = [row for row in _top(value) if row.get("group") == "TotalAssets"]
    rows = [r for r in _account_rows({"Rows": {"Row": assets}}) if "ColData" in r[2]]
    if rows:
        cells, above, _ = rows[0]
        position = int(options.get("column") or _amount_at(cells))
        _raise(cells[position], _by(options))
        for section in above:
            _raise(section["Summary"]["ColData"][position], _by(options))
    rewrite(answer, value)


def drop_closing(answer, options):
    """The last row of the report is missing."""
    value = _fresh(answer)
    del _top(value)[-1:]
    rewrite(answer, value)


REPORT_CHANGES = {
    "cut_report": cut_report, "wrong_dates": wrong_dates,
    "wrong_basis": _header("ReportBasis", lambda old, o: "Cash" if old == "Accrual" else "Accrual"),
    "wrong_summary": _header("SummarizeColumnsBy",
                             lambda old, o: o.get("value", "Total" if old != "Total" else "Month")),
    "break_sum": break_sum, "break_total": break_total, "unbalance": unbalance,
    "break_tb": break_tb,
    "drop_closing": drop_closing}


# ---- before the work ------------------------------------------------------------------------

def months_asked(ask):
    """How many calendar months a report request spans; 0 when it does not say."""
    try:
        start, end = (datetime.date.fromisoformat(ask.parameters.get(name, ""))
                      for name in ("start_date", "end_date"))
    except ValueError:
        return 0
    return (end.year - start.year) * 12 + end.month - start.month + 1


def shift_page(company, mode):
    """Between two pages, make an account of the first page vanish, or put a new one before it."""
    ledger = company.ledger
    with ledger.lock:
        if mode == "insert":
            number = "1000%06d" % ledger.revision
            ledger.add_account(number, "Inserted " + number, "Expense", "OtherBusinessExpenses")
            return
        used = {row[0] for row in ledger.db.execute("SELECT DISTINCT account FROM line")}
        for identifier, row in sorted(ledger.accounts().items()):
            if identifier not in used and row["active"] and not row["vanished"] \
                    and is_profit_and_loss(row["type"]):
                ledger.update_account(identifier, vanished=1)
                return
