'use strict';
/*
 * A report by month as typed rows: the amounts of the lines that have an account's id, by the dates of their columns.
 */

/* First and last day of each column; undefined for the one of the accounts and that of the totals. */
function periodsOf(report) {
  return report.Columns.Column.map((column) => {
    const data = Object.fromEntries((column.MetaData ?? []).map((m) => [m.Name, m.Value]));
    return data.StartDate && data.EndDate ? [data.StartDate, data.EndDate] : undefined;
  });
}

function addLine(rows, statement, periods, cells) {
  const account = cells?.[0]?.id;
  if (!account) return;
  cells.forEach((cell, i) => {
    if (periods[i] && cell.value && Number(cell.value) !== 0) {
      rows.push({ account, statement, start: periods[i][0], end: periods[i][1], amount: cell.value });
    }
  });
}

function addRows(rows, statement, periods, node) {
  for (const row of node?.Row ?? []) {
    addLine(rows, statement, periods, row.Header?.ColData ?? row.ColData);
    addRows(rows, statement, periods, row.Rows);
  }
}

function rowsOf(statement, report) {
  const rows = [];
  addRows(rows, statement, periodsOf(report), report.Rows);
  return rows;
}

module.exports = { rowsOf };
