#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# exc login: where the token that it saves may go, and where it may not.

load control

setup() {
	control_setup
	EXC=${EXC_CLIENT:-$EXC_BUILD/src/cli/exc}
	PERSON_HOME=$GUEST_DIR/home
	CONFIG=$PERSON_HOME/.exc/config
	install -d -m 0700 "$PERSON_HOME" "$PERSON_HOME/run"
	TOKEN=$(connectd token add user:ana --instance 42)
	start
}

teardown() {
	control_teardown
	[ -z "${LISTENER-}" ] || { kill -KILL "$LISTENER" && wait "$LISTENER"; } 2>/dev/null || true
}

# person COMMAND...: PERSON_ENV has more variables
person() {
	# shellcheck disable=SC2086 # a list of variables
	env -i PATH=/usr/bin:/bin HOME="$PERSON_HOME" XDG_RUNTIME_DIR="$PERSON_HOME/run" LANG=C.UTF-8 \
		${PERSON_ENV-} "$@"
}

exc() { person "$EXC" "$@"; }

# login [OPTION...]: with the token in TOKEN
login() { exc login --token-stdin "$@" <<<"$TOKEN"; }

# listen: somebody else's endpoint, in OTHER; what it is sent is in $GUEST_DIR/record
listen() {
	"$PYTHON" "$BATS_TEST_DIRNAME/listener.py" "$GUEST_DIR/record" >"$GUEST_DIR/port" 3>&- </dev/null &
	LISTENER=$!
	wait_for grep -q . "$GUEST_DIR/port"
	OTHER=http://127.0.0.1:$(<"$GUEST_DIR/port")
}

# Everything that was sent to the listener until now
recorded() {
	curl -s "$OTHER/that-is-all" || true
	wait_for grep -q '^GET /that-is-all ' "$GUEST_DIR/record"
	# Our own connection comes last.
	sed '/^GET \/that-is-all /,$d' "$GUEST_DIR/record" | sed '$d'
}

# saved FILTER: what jq makes of the file
saved() { jq -r "$1" "$CONFIG"; }

# config TEXT: a file that something else wrote
config() {
	install -d -m 0700 "$PERSON_HOME/.exc"
	install -m 0600 /dev/null "$CONFIG"
	echo "$1" >"$CONFIG"
}

@test "no command sends a saved token to an endpoint that it was not saved for" {
	listen
	login --endpoint "$COMPUTE"
	exc ssh-config >"$GUEST_DIR/ssh_config"
	refused() {
		run person "$@" </dev/null
		echo "$*: $output"
		[ "$status" -eq 255 ]
		[[ "$output" == *"is for $COMPUTE, and "*" names $OTHER"* ]]
	}
	PERSON_ENV="EXC_ENDPOINT=$OTHER EXC_SESSION_ID=abc"
	refused "$EXC" me
	refused "$EXC" compute connect --vm-id 42
	refused "$EXC" compute connect --vm-id 42 --via tunnel
	refused "$EXC" compute exec --vm-id 42 --command true
	refused "$EXC" compute scp --vm-id 42 --src a --dst b
	refused "$EXC" compute console --vm-id 42
	refused "$EXC" compute tunnel --vm-id 42
	refused "$EXC" compute tunnel --session
	refused "$EXC" compute connect-log --vm-id 42
	refused ssh -F "$GUEST_DIR/ssh_config" exc-42 true
	PERSON_ENV=
	refused "$EXC" me --endpoint "$OTHER"
	exc ssh-config --endpoint "$OTHER" >"$GUEST_DIR/ssh_config"
	refused ssh -F "$GUEST_DIR/ssh_config" exc-42 true
	[ -z "$(recorded)" ]
	# Its own endpoint still gets it.
	[ "$(exc me --json | jq -r .principal)" = user:ana ]
}

@test "a token that the environment has goes where EXC_ENDPOINT points, and the saved one stays here" {
	listen
	login --endpoint "$COMPUTE"
	PERSON_ENV="EXC_ENDPOINT=$OTHER EXCLOUD_ACCESS_TOKEN=theirs"
	run exc me
	[ "$status" -eq 255 ]
	record=$(recorded)
	[[ "$record" == *"Authorization: Bearer theirs"* ]]
	[[ "$record" != *"$TOKEN"* ]]
}

@test "the refusal says whose the token is, what names another endpoint, and what to do" {
	login --endpoint "$COMPUTE"
	PERSON_ENV=EXC_ENDPOINT=https://other.example
	run exc me
	[ "$status" -eq 255 ]
	[ "$output" = "exc: the token in $CONFIG is for $COMPUTE, and EXC_ENDPOINT names https://other.example: exc does not send it there; unset EXC_ENDPOINT, or log in there: exc login --endpoint https://other.example" ]
	run exc me --endpoint https://option.example
	[ "$status" -eq 255 ]
	[ "$output" = "exc: the token in $CONFIG is for $COMPUTE, and --endpoint names https://option.example: exc does not send it there; leave out --endpoint, or log in there: exc login --endpoint https://option.example" ]
}

@test "a second exc login without an endpoint keeps the saved one" {
	login --endpoint "$COMPUTE"
	run login
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$(saved .endpoint)" = "$COMPUTE" ]
	[ "$(exc me --json | jq -r .principal)" = user:ana ]
}

@test "exc login saves the token for the endpoint that EXC_ENDPOINT names" {
	config '{"endpoint":"https://before.example","access_token":"before"}'
	PERSON_ENV="EXC_ENDPOINT=$COMPUTE"
	login
	[ "$(saved '.endpoint + " " + .access_token')" = "$COMPUTE $TOKEN" ]
	PERSON_ENV=
	[ "$(exc me --json | jq -r .principal)" = user:ana ]
}

@test "an endpoint in another spelling is the same endpoint" {
	port=${COMPUTE##*:}
	login --endpoint "HTTP://LocalHost:$port/"
	[ "$(saved .endpoint)" = "http://localhost:$port" ]
	for spelling in "http://localhost:$port" "HTTP://LOCALHOST:$port//"; do
		PERSON_ENV=EXC_ENDPOINT=$spelling
		[ "$(exc me --json | jq -r .principal)" = user:ana ]
	done
	# Not the same, though it may be the same machine
	PERSON_ENV=EXC_ENDPOINT=$COMPUTE
	run exc me
	[ "$status" -eq 255 ]
	[[ "$output" == *"is for http://localhost:$port, and EXC_ENDPOINT names $COMPUTE"* ]]
}

@test "a token that was written down without an endpoint is for the default endpoint only" {
	listen
	config '{"access_token":"secret"}'
	PERSON_ENV=EXC_ENDPOINT=$OTHER
	run exc me
	[ "$status" -eq 255 ]
	[[ "$output" == *"is for https://compute.excloud.in, and EXC_ENDPOINT names $OTHER"* ]]
	[ -z "$(recorded)" ]
}

@test "exc login does not guess where a token goes if the saved endpoint cannot be trusted" {
	login --endpoint "$COMPUTE"
	chmod 0666 "$CONFIG"
	run login
	echo "$output"
	[ "$status" -eq 255 ]
	[[ "$output" == *"has mode 0666"*"exc login --endpoint URL"* ]]
	login --endpoint "$COMPUTE"
	[ "$(stat -c %a "$CONFIG")" = 600 ]
	[ "$(exc me --json | jq -r .principal)" = user:ana ]
}
