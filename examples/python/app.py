"""reefqbo in a Flask application: connect, callback, request, listen. See ../README.md.

    FLASK_SECRET_KEY=… PGDATABASE=app PGUSER=app flask --app app run --port 5000
"""
import os
import secrets

import psycopg
from flask import Flask, Response, abort, redirect, request, session

ENVIRONMENT = os.environ.get("QBO_ENVIRONMENT", "production")
ADDRESS = os.environ.get("APP_URL", "http://localhost:5000")
STATUS = {"RQ001": 409, "RQ002": 409, "RQ003": 409, "RQ004": 409, "RQ005": 403, "RQ006": 503, "RQ007": 502, "RQ008": 502,
          "RQ009": 400, "RQ010": 500, "RQ011": 503, "22023": 400, "42501": 403, "42704": 404}

app = Flask(__name__)
app.secret_key = os.environ["FLASK_SECRET_KEY"]
app.config.update(SESSION_COOKIE_HTTPONLY=True, SESSION_COOKIE_SAMESITE="Lax", SESSION_COOKIE_SECURE=ADDRESS.startswith("https:"))


def database():
    """In autocommit: what is asked for is committed when the statement has ended. Use a pool where there are many."""
    return psycopg.connect("", autocommit=True)


@app.errorhandler(psycopg.Error)
def refused(error):
    """The message of RQ002 and RQ009 is for the user; detail and hint are for the log."""
    app.logger.warning("%s %s (%s)", error.sqlstate, error.diag.message_primary, error.diag.message_hint)
    message = error.diag.message_primary if error.sqlstate in ("RQ002", "RQ009") else "This did not work."
    return {"sqlstate": error.sqlstate, "message": message}, STATUS.get(error.sqlstate, 500)


@app.post("/models/<model>/connect")
def connect(model):
    # who may link a company to this model is for your application to decide, here
    word = session["quickbooks"] = secrets.token_hex()
    with database() as db:
        address, = db.execute("SELECT reefqbo.connect(%s, %s, session => %s)", [model, ENVIRONMENT, word]).fetchone()
    return redirect(address, 303)


@app.get("/quickbooks/callback")
def callback():
    # 'none' is no session's: without a word a sign-in would be ended that was begun without one
    back = ADDRESS + request.full_path
    with database() as db:
        row = db.execute("SELECT company, status FROM reefqbo.complete_connection(%s, %s)",
                         [back, session.get("quickbooks", "none")]).fetchone()
    return {"company": row[0], "status": row[1]}


@app.post("/models/<model>/imports")
def request_import(model):
    with database() as db:
        number, = db.execute("SELECT reefqbo.request_import(%s, %s::date, %s::date)",
                             [model, request.form["from"], request.form["until"]]).fetchone()
    return {"request_id": number}, 202


@app.get("/requests/<int:number>")
def follow(number):
    """Lines as the import goes on, until it has ended: a notification is a hint to look."""
    def lines():
        with database() as db:
            db.execute("LISTEN reefqbo")
            while True:
                row = db.execute("SELECT state, chunks_done, chunks_total FROM reefqbo.request WHERE request_id = %s", [number]).fetchone()
                if row is None:
                    return
                yield "%s %d/%d\n" % row
                if row[0] not in ("queued", "running"):
                    return
                next(db.notifies())
    return Response(lines(), mimetype="text/plain")


@app.get("/models/<model>/profit-and-loss")
def profit_and_loss(model):
    with database() as db:
        rows = db.execute("SELECT trim(label), period, amount::text FROM reefqbo.profit_and_loss(%s, %s::date, %s::date)"
                          " WHERE amount IS NOT NULL", [model, request.args["from"], request.args["until"]]).fetchall()
    return rows or abort(404)
