# The static server, the delay before it, and the server that is mute.

SERVICE_PIDS=()
URL=
FAR_URL=
MUTE_URL=

start_service()
{
	local port far mute

	mkdir "$WORK/service" "$WORK/service/tmp"
	read -r TODAY START END LONG_START < <(python3 "$HERE/answers.py" "$WORK/service") || die "the answers could not be made"
	read -r port far mute < <(free_ports)
	sed -e "s,@DIR@,$WORK/service,g" -e "s/@PORT@/$port/" -e "s/@MUTE@/$mute/" "$HERE/nginx.conf" \
		>"$WORK/service/nginx.conf"
	python3 "$HERE/mute.py" "$mute" &
	SERVICE_PIDS+=($!)
	"$WORK/delay" "$far" "$port" "$LATENCY_MS" &
	SERVICE_PIDS+=($!)
	"$(nginx_program)" -p "$WORK/service" -c nginx.conf -e error.log 2>>"$WORK/service/error.log" &
	SERVICE_PIDS+=($!)
	URL=https://localhost:$port
	FAR_URL=https://localhost:$far
	MUTE_URL=$URL/mute
	wait_for_service
}

# Debian keeps it where an ordinary user's PATH does not reach.
nginx_program()
{
	command -v nginx || echo /usr/sbin/nginx
}

# Below those that the system gives to outgoing connections.
free_ports()
{
	python3 - <<-'END'
		import random, socket
		found = []
		while len(found) < 3:
		    try:
		        found.append(socket.create_server(("127.0.0.1", random.randrange(20000, 32000))))
		    except OSError:
		        pass
		ports = [s.getsockname()[1] for s in found]
		# before they are told, or whoever is told might come too early
		for s in found:
		    s.close()
		print(*ports)
	END
}

wait_for_service()
{
	for _ in $(seq 100); do
		! fetch_quietly "$URL" || ! fetch_quietly "$FAR_URL" || return 0
		sleep 0.1
	done
	show_tail "$WORK/service/error.log" 10
	die "the static server does not answer"
}

fetch_quietly()
{
	curl -sf --cacert "$WORK/service/ca.pem" -o /dev/null "$1/production/v3/company/1/cdc"
}

stop_service()
{
	[ ${#SERVICE_PIDS[@]} -eq 0 ] || kill "${SERVICE_PIDS[@]}" 2>/dev/null || true
}

# What was asked since the log was emptied, without the sign-ins.
forget_requests()
{
	: >"$WORK/service/access.log"
}

accounting_requests()
{
	grep ' /production/' "$WORK/service/access.log" || true
}

# How many requests were answered, and how many bytes long their bodies were.
requests_and_bytes()
{
	accounting_requests | awk '$1 == 200 { n++; bytes += $2 } END { print n + 0, bytes + 0 }'
}
