<?php
/*
 * reefqbo in plain PHP: connect, callback, request, listen. See ../README.md.
 *
 *     PGDATABASE=app PGUSER=app php -S localhost:5000 index.php
 */
declare(strict_types=1);

const STATUS = ['RQ001' => 409, 'RQ002' => 409, 'RQ003' => 409, 'RQ004' => 409, 'RQ005' => 403, 'RQ006' => 503, 'RQ007' => 502,
    'RQ008' => 502, 'RQ009' => 400, 'RQ010' => 500, 'RQ011' => 503, '22023' => 400, '42501' => 403, '42704' => 404];

class Refused extends Exception
{
    public function __construct(public readonly string $sqlstate, string $message, public readonly ?string $hint)
    {
        parent::__construct($message);
    }
}

function database(): PgSql\Connection
{
    static $db = null;
    return $db ??= pg_connect('application_name=php');
}

/* All rows of a statement; an error keeps its SQLSTATE, message and hint. */
function rows(string $sql, array $values = []): array
{
    $db = database();
    pg_send_query_params($db, $sql, $values);
    $result = pg_get_result($db);
    $sqlstate = pg_result_error_field($result, PGSQL_DIAG_SQLSTATE);
    if ($sqlstate) {
        throw new Refused($sqlstate, pg_result_error_field($result, PGSQL_DIAG_MESSAGE_PRIMARY),
            pg_result_error_field($result, PGSQL_DIAG_MESSAGE_HINT) ?: null);
    }
    while (pg_get_result($db)) {
    }
    return pg_fetch_all($result);
}

function answer(array $value, int $status = 200): void
{
    http_response_code($status);
    header('Content-Type: application/json');
    echo json_encode($value), "\n";
}

function address(): string
{
    return getenv('APP_URL') ?: 'http://localhost:5000';
}

/* Who may link a company to this model is for your application to decide, here. */
function connect(string $model): void
{
    $_SESSION['quickbooks'] = bin2hex(random_bytes(24));
    [['url' => $url]] = rows('SELECT reefqbo.connect($1, $2, session => $3) AS url',
        [$model, getenv('QBO_ENVIRONMENT') ?: 'production', $_SESSION['quickbooks']]);
    header("Location: $url", true, 303);
}

/* 'none' is no session's: without a word a sign-in would be ended that was begun without one. */
function callback(): void
{
    [$row] = rows('SELECT company, status FROM reefqbo.complete_connection($1, $2)',
        [address() . $_SERVER['REQUEST_URI'], $_SESSION['quickbooks'] ?? 'none']);
    answer($row);
}

function request_import(string $model): void
{
    [$row] = rows('SELECT reefqbo.request_import($1, $2, $3)::text AS request_id', [$model, $_POST['from'] ?? null, $_POST['until'] ?? null]);
    answer($row, 202);
}

/* Lines as the import goes on, until it has ended: a notification is a hint to look. */
function follow(string $number): void
{
    session_write_close(); // or the browser's other pages would wait for this one
    header('Content-Type: text/plain');
    rows('LISTEN reefqbo');
    while ($found = rows('SELECT state, chunks_done, chunks_total FROM reefqbo.request WHERE request_id = $1', [$number])) {
        printf("%s %d/%d\n", ...array_values($found[0]));
        flush();
        if (!in_array($found[0]['state'], ['queued', 'running'], true)) {
            return;
        }
        $read = [pg_socket(database())];
        $nothing = null;
        stream_select($read, $nothing, $nothing, 30);
        while (pg_get_notify(database())) {
        }
    }
}

function profit_and_loss(string $model): void
{
    answer(array_map('array_values', rows('SELECT trim(label), period, amount::text FROM reefqbo.profit_and_loss($1, $2, $3)
        WHERE amount IS NOT NULL', [$model, $_GET['from'] ?? null, $_GET['until'] ?? null])));
}

session_set_cookie_params(['httponly' => true, 'samesite' => 'Lax', 'secure' => str_starts_with(address(), 'https:')]);
session_start();
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
$routes = [
    'POST /models/([^/]+)/connect' => 'connect',
    'GET /quickbooks/callback' => 'callback',
    'POST /models/([^/]+)/imports' => 'request_import',
    'GET /requests/(\d+)' => 'follow',
    'GET /models/([^/]+)/profit-and-loss' => 'profit_and_loss',
];
try {
    foreach ($routes as $route => $function) {
        if (preg_match("#^$route$#", "{$_SERVER['REQUEST_METHOD']} $path", $found)) {
            $function(...array_map('rawurldecode', array_slice($found, 1)));
            return;
        }
    }
    answer(['message' => 'There is no such page.'], 404);
} catch (Refused $error) {
    // the message of RQ002 and RQ009 is for the user; detail and hint are for the log
    error_log("$error->sqlstate {$error->getMessage()} ($error->hint)");
    $for_user = in_array($error->sqlstate, ['RQ002', 'RQ009'], true);
    answer(['sqlstate' => $error->sqlstate, 'message' => $for_user ? $error->getMessage() : 'This did not work.'], STATUS[$error->sqlstate] ?? 500);
}
