# reefqbo in a Sinatra application: connect, callback, request, listen. See ../README.md.
#
#     PGDATABASE=app PGUSER=app SESSION_SECRET=… ruby app.rb -p 5000
require "json"
require "pg"
require "securerandom"
require "sinatra"

ENVIRONMENT = ENV.fetch("QBO_ENVIRONMENT", "production")
ADDRESS = ENV.fetch("APP_URL", "http://localhost:5000")
STATUS = { "RQ001" => 409, "RQ002" => 409, "RQ003" => 409, "RQ004" => 409, "RQ005" => 403, "RQ006" => 503, "RQ007" => 502,
           "RQ008" => 502, "RQ009" => 400, "RQ010" => 500, "RQ011" => 503, "22023" => 400, "42501" => 403, "42704" => 404 }.freeze

set :show_exceptions, false
set :raise_errors, false
use Rack::Session::Cookie, secret: ENV.fetch("SESSION_SECRET"), same_site: :lax, httponly: true, secure: ADDRESS.start_with?("https:")

# A connection for each request; use a pool where there are many.
def database
  db = PG.connect
  yield db
ensure
  db&.close
end

# The message of RQ002 and RQ009 is for the user; detail and hint are for the log.
error PG::Error do |error|
  result = error.result
  sqlstate = result&.error_field(PG::PG_DIAG_SQLSTATE)
  message = result&.error_field(PG::PG_DIAG_MESSAGE_PRIMARY)
  warn "#{sqlstate} #{message} (#{result&.error_field(PG::PG_DIAG_MESSAGE_HINT)})"
  status STATUS.fetch(sqlstate, 500)
  { sqlstate: sqlstate, message: %w[RQ002 RQ009].include?(sqlstate) ? message : "This did not work." }.to_json
end

# Who may link a company to this model is for your application to decide, here.
post "/models/:model/connect" do
  word = session["quickbooks"] = SecureRandom.hex(24)
  address = database { |db| db.exec_params("SELECT reefqbo.connect($1, $2, session => $3)", [params["model"], ENVIRONMENT, word]).getvalue(0, 0) }
  redirect address, 303
end

# "none" is no session's: without a word a sign-in would be ended that was begun without one.
get "/quickbooks/callback" do
  back = ADDRESS + request.fullpath
  word = session.fetch("quickbooks", "none")
  database { |db| db.exec_params("SELECT company, status FROM reefqbo.complete_connection($1, $2)", [back, word])[0].to_json }
end

post "/models/:model/imports" do
  number = database { |db| db.exec_params("SELECT reefqbo.request_import($1, $2, $3)", params.values_at("model", "from", "until")).getvalue(0, 0) }
  status 202
  { request_id: number.to_i }.to_json
end

# Lines as the import goes on, until it has ended: a notification is a hint to look.
get "/requests/:number" do
  number = params["number"]
  content_type "text/plain"
  stream do |out|
    database do |db|
      db.exec("LISTEN reefqbo")
      loop do
        row = db.exec_params("SELECT state, chunks_done, chunks_total FROM reefqbo.request WHERE request_id = $1", [number]).first
        break unless row
        out << format("%<state>s %<chunks_done>s/%<chunks_total>s\n", row.transform_keys(&:to_sym))
        break unless %w[queued running].include?(row["state"])
        db.wait_for_notify(30)
      end
    end
  end
end

get "/models/:model/profit-and-loss" do
  rows = database do |db|
    db.exec_params("SELECT trim(label), period, amount::text FROM reefqbo.profit_and_loss($1, $2, $3) WHERE amount IS NOT NULL",
                   params.values_at("model", "from", "until")).values
  end
  rows.to_json
end
