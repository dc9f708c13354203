/*
 * Every SQL statement of the panel. Each is a call of reefqbo or a read of its views: the panel has no tables of its own
 * but the browsers' sessions. Dates stay texts, and amounts do, as PostgreSQL writes them.
 */
import pg from 'pg';

pg.types.setTypeParser(pg.types.builtins.DATE, (text) => text);

export class Database {
  constructor(settings) {
    this.pool = new pg.Pool({ connectionString: settings.database, application_name: 'panel', max: 10 });
    this.webhooks = new pg.Pool({
      connectionString: settings.webhookDatabase ?? settings.database,
      ...(settings.webhookDatabase ? {} : { user: settings.webhookUser }),
      application_name: 'panel_webhook',
      max: 4,
    });
    // an idle connection that is lost is made anew when it is needed
    for (const pool of [this.pool, this.webhooks]) pool.on('error', (error) => console.error(`database: ${error.message}`));
  }

  end() {
    return Promise.all([this.pool.end(), this.webhooks.end()]);
  }

  async rows(sql, values = []) {
    return (await this.pool.query(sql, values)).rows;
  }

  async row(sql, values) {
    return (await this.rows(sql, values))[0];
  }

  async value(sql, values) {
    return Object.values((await this.row(sql, values)) ?? {})[0];
  }

  // ---- models and branches ----

  models() {
    return this.rows(
      `SELECT m.model_id, COALESCE(m.title, m.name) AS name, m.purpose, count(c.connection_id)::int AS companies,
              string_agg(c.company, ', ' ORDER BY c.company) AS company_names,
              min(c.data_as_of) AS data_as_of, min(c.days_until_grant_ends) FILTER (WHERE c.status = 'connected') AS days,
              count(*) FILTER (WHERE c.status <> 'connected' OR c.user_action IS NOT NULL)::int AS in_need,
              (array_agg(c.user_message ORDER BY c.connection_id) FILTER (WHERE c.user_message IS NOT NULL))[1] AS user_message
       FROM reefqbo.model m LEFT JOIN reefqbo.connection_status c USING (model_id)
       GROUP BY m.model_id, m.name, m.title, m.purpose ORDER BY m.model_id`);
  }

  model(id) {
    return this.row('SELECT model_id, name, COALESCE(title, name) AS title, purpose FROM reefqbo.model WHERE model_id = $1', [id]);
  }

  modelNamed(name) {
    return this.row('SELECT model_id, name FROM reefqbo.model WHERE name = $1', [name]);
  }

  createModel(name, purpose) {
    return this.value('SELECT reefqbo.create_model($1, $2)', [name, purpose]);
  }

  createBranch(model, name, parent) {
    return this.value('SELECT reefqbo.create_branch($1, $2, $3)', [model, name, parent || null]);
  }

  /* The tree, from the root down, each branch with its company if it has one. */
  branches(modelId) {
    return this.rows(
      `WITH RECURSIVE tree AS (
           SELECT branch_id, name, 0 AS depth, ARRAY[branch_id] AS path FROM reefqbo.branch
           WHERE model_id = $1 AND parent_branch_id IS NULL
           UNION ALL
           SELECT b.branch_id, b.name, t.depth + 1, t.path || b.branch_id
           FROM reefqbo.branch b JOIN tree t ON b.model_id = $1 AND b.parent_branch_id = t.branch_id)
       SELECT t.branch_id, t.name, t.depth, s.connection_id, s.company, s.environment, s.status, s.since, s.user_message,
              s.user_action, s.reason_code, s.days_until_grant_ends AS days, s.data_as_of, s.unsettled_months,
              c.country, c.home_currency, c.fiscal_year_start_month, c.book_close_date, c.report_basis, c.accounts_as_of,
              (SELECT count(*)::int FROM reefqbo.account a WHERE a.model_id = $1 AND a.connection_id = s.connection_id) AS accounts,
              (SELECT count(*)::int FROM reefqbo.unmapped_account u WHERE u.model_id = $1 AND u.connection_id = s.connection_id) AS unmapped
       FROM tree t LEFT JOIN reefqbo.company c ON c.model_id = $1 AND c.branch_id = t.branch_id
       LEFT JOIN reefqbo.connection_status s ON s.model_id = $1 AND s.connection_id = c.connection_id
       ORDER BY t.path`, [modelId]);
  }

  // ---- sign-in ----

  /* Where sign-in pages are: a form may lead there. */
  authorizeUrls() {
    return this.rows('SELECT authorize_url FROM reefqbo.environment');
  }

  connect(model, environment, branch, session) {
    return this.value('SELECT reefqbo.connect($1, $2, $3, $4)', [model, environment, branch, session]);
  }

  reconnect(model, branch, session) {
    return this.value('SELECT reefqbo.reconnect($1, $2, $3)', [model, branch, session]);
  }

  completeConnection(address, session) {
    return this.row('SELECT * FROM reefqbo.complete_connection($1, $2)', [address, session]);
  }

  disconnect(model, branch) {
    return this.row('SELECT * FROM reefqbo.disconnect($1, $2)', [model, branch]);
  }

  // ---- requests: work that waits for nobody ----

  requestImport(model, start, end, method, branch) {
    return this.value('SELECT reefqbo.request_import($1, $2, $3, $4, $5)', [model, start, end, method, branch || null]);
  }

  requestRefresh(model, branch) {
    return this.value('SELECT reefqbo.request_refresh($1, $2)', [model, branch || null]);
  }

  cancelRequest(id) {
    return this.value('SELECT reefqbo.cancel_request($1)', [id]);
  }

  static #REQUEST = `SELECT request_id, branch, kind, state, requested_at, finished_at, chunks_done, chunks_total, place, not_before, sqlstate,
      message, start_date, end_date, accounting_method FROM reefqbo.request`;

  requests(modelId, howMany = 5) {
    return this.rows(`${Database.#REQUEST} WHERE model_id = $1 ORDER BY request_id DESC LIMIT $2`, [modelId, howMany]);
  }

  request(modelId, id) {
    return this.row(`${Database.#REQUEST} WHERE model_id = $1 AND request_id = $2`, [modelId, id]);
  }

  // ---- the chart of accounts and its mapping ----

  /* Of the company of a branch; what is not mapped yet has what reefqbo proposes beside it. */
  accounts(model, modelId, connectionId, branch) {
    return this.rows(
      `SELECT a.account_id, a.name, a.fully_qualified_name, a.account_number, a.classification, a.account_type, a.account_subtype,
              a.is_active, a.gone_since, m.variable_type, m.category, m.subcategory, m.branch,
              p.variable_type AS proposed_type, p.category AS proposed_category, p.subcategory AS proposed_subcategory,
              p.confidence, p.reason
       FROM reefqbo.account a
       LEFT JOIN reefqbo.mapping m ON m.model = $1 AND m.company_branch = $4 AND m.account_id = a.account_id
       LEFT JOIN reefqbo.propose_mapping($1, $4) p ON p.account_id = a.account_id
       WHERE a.model_id = $2 AND a.connection_id = $3 AND NOT a.is_computed
       ORDER BY a.account_number NULLS LAST, a.fully_qualified_name`, [model, modelId, connectionId, branch]);
  }

  /* All or nothing: the first that does not fit refuses them all. */
  saveMapping(model, branch, mappings) {
    return this.rows(
      `INSERT INTO reefqbo.mapping (model, company_branch, account_id, variable_type, category, subcategory)
       SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::text[], $6::text[])`,
      [model, branch, ...['account', 'type', 'category', 'subcategory'].map((key) => mappings.map((mapping) => mapping[key]))]);
  }

  async acceptProposals(model, branch) {
    const { rowCount } = await this.pool.query(
      `INSERT INTO reefqbo.mapping SELECT * FROM reefqbo.propose_mapping($1, $2) WHERE confidence <> 'guess'`, [model, branch]);
    return rowCount;
  }

  // ---- figures ----

  monthsOf(modelId) {
    return this.row(
      `SELECT min(period_start) AS first, max(period_end) AS last, bool_or(accounting_method = 'Cash') AS has_cash,
              bool_or(accounting_method = 'Accrual') AS has_accrual
       FROM reefqbo.imported_month WHERE model_id = $1`, [modelId]);
  }

  /* A statement of one company as QuickBooks prints it, or of a whole tree, consolidated. */
  statement(model, kind, { start, end, frequency, method, branch, consolidated }) {
    if (consolidated)
      return this.rows(
        'SELECT * FROM reefqbo.statement($1, $2, $3, $4, $5, accounting_method => $6, branch => $7) ORDER BY line, period_start',
        [model, kind, start, end, frequency, method, branch]);
    const call = kind === 'balance_sheet' ? 'reefqbo.balance_sheet' : 'reefqbo.profit_and_loss';
    return this.rows(`SELECT * FROM ${call}($1, $2, $3, $4, $5, $6) ORDER BY line, period_start`, [model, start, end, frequency, method, branch]);
  }

  restatements(modelId, howMany = 200) {
    return this.rows(
      `SELECT r.restated_at, r.statement, r.accounting_method, r.period_start, r.old_amount, r.new_amount,
              r.new_amount - r.old_amount AS difference, r.in_closed_period, a.fully_qualified_name AS account, c.name AS company,
              c.home_currency AS currency
       FROM reefqbo.restatement r
       JOIN reefqbo.account a USING (model_id, connection_id, account_id)
       JOIN reefqbo.company c USING (model_id, connection_id)
       WHERE r.model_id = $1 ORDER BY r.restatement_id DESC LIMIT $2`, [modelId, howMany]);
  }

  // ---- webhooks ----

  async receiveWebhook(body, signature) {
    await this.webhooks.query('SELECT FROM reefqbo.receive_webhook($1, $2)', [body, signature]);
  }
}
