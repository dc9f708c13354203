'use strict';
/*
 * What people use today: node-quickbooks to ask, pg to store.  Reads each company's chart and both statements
 * and upserts typed rows, one transaction a company, so many companies at a time; prints how many seconds it took.
 *
 *     node stack.js API_URL COMPANIES AT_A_TIME START END
 *
 * The database is that of PGHOST, PGUSER and PGDATABASE, its tables those of typed.sql.
 */
const https = require('https');
const QuickBooks = require('node-quickbooks');
const { Pool } = require('pg');
const { rowsOf } = require('./rows');

const [apiUrl, companies, atATime, start, end] = process.argv.slice(2);

https.globalAgent.options.keepAlive = true;
QuickBooks.V3_ENDPOINT_BASE_URL = apiUrl + '/v3/company/';

function connect(realm) {
  return new QuickBooks('client', 'secret', 'access', false, realm, true, false, 75, '2.0', 'refresh');
}

function ask(quickbooks, what, options) {
  return new Promise((resolve, reject) =>
    quickbooks[what](options, (error, answer) => (error ? reject(error) : resolve(answer))));
}

async function read(company) {
  const quickbooks = connect(String(9341700000000000n + BigInt(company)));
  const report = { start_date: start, end_date: end, accounting_method: 'Accrual', summarize_column_by: 'Month' };
  const accounts = await ask(quickbooks, 'findAccounts',
    [{ field: 'Active', value: [true, false], operator: 'IN' }, { field: 'fetchAll', value: true }]);
  const profitAndLoss = await ask(quickbooks, 'reportProfitAndLoss', report);
  const balanceSheet = await ask(quickbooks, 'reportBalanceSheet', report);
  return {
    accounts: accounts.QueryResponse.Account,
    amounts: [...rowsOf('profit_and_loss', profitAndLoss), ...rowsOf('balance_sheet', balanceSheet)],
  };
}

const ACCOUNT = ['Id', 'Name', 'FullyQualifiedName', 'AcctNum', 'Classification', 'AccountType', 'AccountSubType'];

const PUT_ACCOUNTS = `
  INSERT INTO account (company, account_id, name, fully_qualified_name, account_number, classification, account_type,
      account_subtype, parent_account_id, is_active, currency, current_balance)
  SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
      $9::text[], $10::boolean[], $11::text[], $12::numeric[])
  ON CONFLICT (company, account_id) DO UPDATE SET name = excluded.name,
      fully_qualified_name = excluded.fully_qualified_name, account_number = excluded.account_number,
      classification = excluded.classification, account_type = excluded.account_type,
      account_subtype = excluded.account_subtype, parent_account_id = excluded.parent_account_id,
      is_active = excluded.is_active, currency = excluded.currency, current_balance = excluded.current_balance`;

const PUT_AMOUNTS = `
  INSERT INTO actual (company, account_id, statement, accounting_method, period_start, period_end, amount)
  SELECT $1, a, s, 'Accrual', f, t, n
  FROM unnest($2::text[], $3::text[], $4::date[], $5::date[], $6::numeric[]) AS r (a, s, f, t, n)
  ON CONFLICT (company, statement, accounting_method, period_start, account_id) DO UPDATE SET amount = excluded.amount`;

function column(rows, key) {
  return rows.map((row) => row[key] ?? null);
}

async function store(client, company, { accounts, amounts }) {
  await client.query('BEGIN');
  await client.query({
    name: 'accounts',
    text: PUT_ACCOUNTS,
    values: [company, ...ACCOUNT.map((key) => column(accounts, key)), accounts.map((a) => a.ParentRef?.value ?? null),
      column(accounts, 'Active'), accounts.map((a) => a.CurrencyRef?.value ?? null),
      accounts.map((a) => a.CurrentBalance ?? null)],
  });
  await client.query({
    name: 'amounts',
    text: PUT_AMOUNTS,
    values: [company, ...['account', 'statement', 'start', 'end', 'amount'].map((key) => column(amounts, key))],
  });
  await client.query('COMMIT');
}

async function importCompany(pool, company) {
  const figures = await read(company);
  const client = await pool.connect();
  try {
    await store(client, company, figures);
  } finally {
    client.release();
  }
}

async function main() {
  const pool = new Pool({ max: Number(atATime) });
  let next = 1;
  const workOff = async () => {
    while (next <= Number(companies)) await importCompany(pool, next++);
  };
  const began = process.hrtime.bigint();

  await Promise.all(Array.from({ length: Number(atATime) }, workOff));
  console.log((Number(process.hrtime.bigint() - began) / 1e9).toFixed(3));
  await pool.end();
}

main().catch((error) => {
  console.error(error.message ?? error);
  process.exit(1);
});
