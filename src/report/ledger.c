/*-------------------------------------------------------------------------
 *
 * report/ledger.c
 *	  One account's postings, out of a QuickBooks general ledger.
 *
 * An account is a section whose Header has its id; its own postings are the
 * rows right below, while accounts under it are sections inside.  What a cell
 * is depends on its column's key, which is the ColKey today and was the
 * ColType before 2021.  The row without a date is the beginning balance: its
 * name is in the company's language.  The old form gave an account without
 * rows of its own the id of the first account under it, whose Header then had
 * none: where no row stands under the id, the one nameless section has them.
 * Since 2026 the own rows of an account with others below it stand in a section
 * of their own, which has no Header at all: it belongs to the one around it.
 *
 * https://developer.intuit.com/app/developer/qbo/docs/api/accounting/report-entities/generalledger
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/amount.h"
#include "base/month.h"
#include "report/header.h"
#include "report/ledger.h"
#include "report/reader.h"
#include "report/rows.h"
#include "report/sums.h"
#include "report/text.h"

/* The cells we read; amounts in the home currency where the company has others. */
typedef enum LedgerCell
{
	CELL_DATE,
	CELL_TYPE,
	CELL_NUMBER,
	CELL_NAME,
	CELL_MEMO,
	CELL_SPLIT,
	CELL_AMOUNT,
	CELL_BALANCE,
	NCELLS
} LedgerCell;

static const struct
{
	const char *key;
	LedgerCell	cell;
	bool		is_home;
}			column_keys[] = {
	{"tx_date", CELL_DATE, false},
	{"txn_type", CELL_TYPE, false},
	{"doc_num", CELL_NUMBER, false},
	{"name", CELL_NAME, false},
	{"memo", CELL_MEMO, false},
	{"split_acc", CELL_SPLIT, false},
	{"subt_nat_amount", CELL_AMOUNT, false},
	{"subt_nat_home_amount", CELL_AMOUNT, true},
	{"rbal_nat_amount", CELL_BALANCE, false},
	{"rbal_nat_home_amount", CELL_BALANCE, true},
};

typedef struct LedgerReader
{
	RqboReader *reader;
	const RqboJson *rows;
	MemoryContext row;			/* what is needed of the row in hand */
	RqboLedgerSink sink;		/* or NULL, and its argument */
	void	   *arg;
	Numeric		opening;
	Numeric		sum;
	int			nlines;
	const char *account_id;		/* in the database encoding */
	int			places[NCELLS]; /* in a row's ColData, -1 for none */
	bool		is_home[NCELLS];
	bool		has_opening;
	bool		has_keys;		/* columns have ColKeys, as they have today */
	bool		takes_nameless; /* the account is the section whose Header has no id */
	int			nsections;		/* that have rows of the account */
	int			nrows;
} LedgerReader;

/* ---- columns ---- */

static const char *
key_of(LedgerReader *r, const RqboJson *column)
{
	RqboJson   *entries = rqbo_json_member(column, "MetaData");

	for (int i = 0; i < rqbo_json_length(entries); i++)
	{
		const RqboJson *entry = rqbo_json_element(entries, i);
		const char *name = rqbo_json_member_text(entry, "Name");

		CHECK_FOR_INTERRUPTS();
		if (name == NULL || strcmp(name, "ColKey") != 0)
			continue;
		r->has_keys = true;
		return rqbo_json_member_text(entry, "Value");
	}
	return rqbo_json_member_text(column, "ColType");
}

static void
place_column(LedgerReader *r, const char *key, int place)
{
	for (int i = 0; key != NULL && i < (int) lengthof(column_keys); i++)
	{
		LedgerCell	cell = column_keys[i].cell;

		if (strcmp(key, column_keys[i].key) != 0 || (r->places[cell] >= 0 && r->is_home[cell]))
			continue;
		r->places[cell] = place;
		r->is_home[cell] = column_keys[i].is_home;
	}
}

static void
read_columns(LedgerReader *r, const RqboJson *document)
{
	RqboJson   *list = rqbo_json_member(rqbo_json_member(document, "Columns"), "Column");

	for (int i = 0; i < NCELLS; i++)
	{
		CHECK_FOR_INTERRUPTS();
		r->places[i] = -1;
	}
	for (int i = 0; i < rqbo_json_length(list); i++)
	{
		CHECK_FOR_INTERRUPTS();
		place_column(r, key_of(r, rqbo_json_element(list, i)), i);
	}
}

/*
 * Without rows to read, nothing is missed.
 */
static void
need_columns(const LedgerReader *r)
{
	if (r->places[CELL_DATE] < 0)
		rqbo_report_invalid("It has no column of dates.");
	if (r->places[CELL_AMOUNT] < 0)
		rqbo_report_invalid("It has no column of amounts.");
}

/* ---- cells ---- */

static const char *
text_of(const LedgerReader *r, const RqboJson *cells, LedgerCell cell)
{
	const char *text = r->places[cell] < 0 ? NULL : rqbo_report_cell_text(rqbo_json_element(cells, r->places[cell]));

	return text != NULL && *text != '\0' ? text : NULL;
}

static char *
string_of(const LedgerReader *r, const RqboJson *cells, LedgerCell cell)
{
	return rqbo_report_string(r->reader, text_of(r, cells, cell));
}

/*
 * NULL where nothing stands.
 */
static Numeric
amount_of(const LedgerReader *r, const RqboJson *cells, LedgerCell cell)
{
	const char *text = text_of(r, cells, cell);
	Numeric		amount = text != NULL ? rqbo_report_parse_amount(r->reader, text) : NULL;

	if (text != NULL && amount == NULL)
		rqbo_report_invalid("\"%s\" is not an amount.", rqbo_report_quote_amount(text));
	return amount;
}

static const char *
id_of(const LedgerReader *r, const RqboJson *cells, LedgerCell cell)
{
	const char *id = r->places[cell] < 0 ? NULL :
		rqbo_json_member_text(rqbo_json_element(cells, r->places[cell]), "id");

	return id != NULL && *id != '\0' ? id : NULL;
}

static void
refuse_cut(const RqboJson *cells)
{
	for (int i = 0; i < rqbo_json_length(cells); i++)
	{
		const char *text = rqbo_report_cell_text(rqbo_json_element(cells, i));

		CHECK_FOR_INTERRUPTS();
		if (text != NULL && rqbo_report_was_cut(text))
			rqbo_report_raise_cut();
	}
}

static void
count_row(LedgerReader *r)
{
	CHECK_FOR_INTERRUPTS();
	if (++r->nrows > RQBO_REPORT_MAX_CELLS / NCELLS)
		rqbo_report_invalid("It has more than %d rows.", RQBO_REPORT_MAX_CELLS / NCELLS);
}

/* ---- rows ---- */

/*
 * Beside zero, which is shared, what it was is not needed any more.
 */
static void
add_up(const LedgerReader *r, Numeric *sum, Numeric amount)
{
	Numeric		before = *sum;

	if (amount == r->reader->zero)
		return;
	*sum = rqbo_amount_add(before, amount);
	if (before != r->reader->zero)
		pfree(before);
}

static Numeric
amount_or_zero(const LedgerReader *r, const RqboJson *cells)
{
	Numeric		amount = amount_of(r, cells, CELL_AMOUNT);

	return amount != NULL ? amount : r->reader->zero;
}

static void
pass_on(const LedgerReader *r, const RqboJson *cells, const RqboLedgerLine *figures)
{
	MemoryContext saved = MemoryContextSwitchTo(r->row);
	const char *id = id_of(r, cells, CELL_TYPE);
	RqboLedgerLine line = *figures;

	line.type = string_of(r, cells, CELL_TYPE);
	line.transaction_id = rqbo_report_string(r->reader, id != NULL ? id : id_of(r, cells, CELL_DATE));
	line.number = string_of(r, cells, CELL_NUMBER);
	line.name = string_of(r, cells, CELL_NAME);
	line.memo = string_of(r, cells, CELL_MEMO);
	line.split = string_of(r, cells, CELL_SPLIT);
	r->sink(&line, r->arg);
	MemoryContextSwitchTo(saved);
}

static void
read_posting(LedgerReader *r, const RqboJson *cells, DateADT date)
{
	RqboLedgerLine line = {.date = date};

	line.amount = amount_or_zero(r, cells);
	line.running = amount_of(r, cells, CELL_BALANCE);
	r->nlines++;
	add_up(r, &r->sum, line.amount);
	if (r->sink != NULL)
		pass_on(r, cells, &line);
}

static void
read_opening(LedgerReader *r, const RqboJson *cells)
{
	Numeric		balance = amount_of(r, cells, CELL_BALANCE);
	Numeric		amount = amount_of(r, cells, CELL_AMOUNT);

	if (balance == NULL && (amount == NULL || rqbo_report_is_zero(r->reader, amount)))
		return;					/* nothing stands in it */
	if (balance == NULL || r->has_opening || r->nlines > 0)
		rqbo_report_invalid("A row of account \"%s\" has an amount and no date.", rqbo_report_clip(r->account_id));
	r->has_opening = true;
	r->opening = DatumGetNumericCopy(NumericGetDatum(balance));
}

static void
read_own_row(LedgerReader *r, const RqboJson *cells)
{
	const char *text;
	DateADT		date;

	need_columns(r);
	text = text_of(r, cells, CELL_DATE);
	if (text != NULL && rqbo_month_parse_date(text, &date))
		read_posting(r, cells, date);
	else
		read_opening(r, cells);
}

/* ---- sections ---- */

typedef struct SectionSums
{
	Numeric		own;			/* what stands right in it */
	Numeric		all;			/* with what stands in the sections inside */
	int			nrows;			/* right in it */
} SectionSums;

static SectionSums read_row_list(LedgerReader *r, const RqboJson *rows, bool is_own);

/*
 * The sum of a section with others inside is printed with or without them.
 */
static void
check_summary(const LedgerReader *r, const RqboJson *summary, const SectionSums *sums)
{
	Numeric		printed = amount_of(r, summary, CELL_AMOUNT);
	const char *title;

	if (printed == NULL || rqbo_amount_equal(printed, sums->own) || rqbo_amount_equal(printed, sums->all))
		return;
	title = rqbo_report_cell_text(rqbo_json_element(summary, 0));
	rqbo_report_mismatch(r->reader, "\"%s\" is %s, but its lines add up to %s.",
						 rqbo_report_excerpt(title != NULL ? title : ""),
						 rqbo_amount_show(printed), rqbo_amount_show(sums->own));
}

static const char *
header_id(const RqboJson *row)
{
	RqboJson   *header = rqbo_report_cells_of(row, "Header");

	for (int i = 0; i < rqbo_json_length(header); i++)
	{
		const char *id = rqbo_json_member_text(rqbo_json_element(header, i), "id");

		CHECK_FOR_INTERRUPTS();
		if (id != NULL && *id != '\0')
			return id;
	}
	return NULL;
}

static bool
is_the_account(const LedgerReader *r, const RqboJson *row, bool is_around)
{
	const char *id = header_id(row);

	if (rqbo_json_length(rqbo_report_cells_of(row, "Header")) == 0)
		return is_around;
	if (r->takes_nameless)
		return id == NULL;
	return id != NULL && strcmp(id, r->account_id) == 0;
}

static SectionSums
read_section(LedgerReader *r, const RqboJson *row, bool is_around)
{
	RqboJson   *summary = rqbo_report_cells_of(row, "Summary");
	bool		is_own = is_the_account(r, row, is_around);
	SectionSums sums;

	refuse_cut(rqbo_report_cells_of(row, "Header"));
	sums = read_row_list(r, rqbo_json_member(row, "Rows"), is_own);
	refuse_cut(summary);
	if (rqbo_json_length(summary) > 0)
		check_summary(r, summary, &sums);
	if (is_own && sums.nrows > 0 && ++r->nsections > 1 && r->takes_nameless)
		rqbo_report_invalid("It has several accounts without an id.");
	return sums;
}

static void
read_row(LedgerReader *r, const RqboJson *row, bool is_own, SectionSums *sums)
{
	RqboJson   *cells = rqbo_json_member(row, "ColData");

	count_row(r);
	if (row != NULL && !rqbo_json_is_object(row))
		rqbo_report_invalid("A row is not a JSON object.");
	if (cells != NULL && !rqbo_json_is_array(cells))
		rqbo_report_invalid("The ColData of a row is not a JSON array.");
	if (cells == NULL)
	{
		SectionSums inside = read_section(r, row, is_own);

		add_up(r, &sums->all, inside.all);
		return;
	}
	refuse_cut(cells);
	sums->nrows++;
	add_up(r, &sums->own, amount_or_zero(r, cells));
	add_up(r, &sums->all, amount_or_zero(r, cells));
	if (is_own)
		read_own_row(r, cells);
	MemoryContextReset(r->row);
}

static SectionSums
read_row_list(LedgerReader *r, const RqboJson *rows, bool is_own)
{
	RqboJson   *list = rqbo_report_list_of(rows);
	SectionSums sums = {r->reader->zero, r->reader->zero, 0};

	check_stack_depth();
	if (rqbo_json_is_object(list))
		read_row(r, list, is_own, &sums);
	for (int i = 0; rqbo_json_is_array(list) && i < rqbo_json_length(list); i++)
		read_row(r, rqbo_json_element(list, i), is_own, &sums);
	return sums;
}

/* ---- the whole ---- */

static void
walk(LedgerReader *r)
{
	r->opening = r->sum = r->reader->zero;
	r->has_opening = false;
	r->nlines = r->nrows = r->nsections = 0;
	(void) read_row_list(r, r->rows, false);
}

static void
read_accounts(LedgerReader *r)
{
	walk(r);
	if (r->nsections > 0 || r->has_keys)
		return;
	r->takes_nameless = true;
	walk(r);
}

RqboLedger *
rqbo_ledger_read(const char *text, size_t len, const RqboReportAsk *ask, const char *account_id)
{
	const RqboJson *document = rqbo_report_parse(text, len);
	LedgerReader *r = palloc0(sizeof(LedgerReader));
	RqboLedger *ledger = palloc(sizeof(RqboLedger));

	r->reader = rqbo_report_make_reader(CurrentMemoryContext);
	r->account_id = account_id;
	rqbo_report_read_header(r->reader, document);
	rqbo_report_compare_header(r->reader, ask);
	read_columns(r, document);
	r->rows = rqbo_json_member(document, "Rows");
	r->row = r->reader->result = AllocSetContextCreate(CurrentMemoryContext, "reefqbo row", ALLOCSET_DEFAULT_SIZES);
	read_accounts(r);
	ledger->time = r->reader->report->time;
	ledger->opening = r->opening;
	ledger->sum = r->sum;
	ledger->reader = r;
	return ledger;
}

void
rqbo_ledger_each_line(RqboLedger *ledger, RqboLedgerSink sink, void *arg)
{
	ledger->reader->sink = sink;
	ledger->reader->arg = arg;
	walk(ledger->reader);
}
