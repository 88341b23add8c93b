#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Who may do what: principals, organisations, tokens, policies, and the instances they are about.

load control

# The documented least-privilege policy for instance 42
LEAST='{"Version":"2012-10-17","Statements":[{"Sid":"ConnectTo42","Effect":"Allow",
 "Action":"compute:instance:connect","Resource":"exc:compute:instance/42"}]}'

setup() {
	control_setup
	connectd principal add user:ana
	connectd policy put least - <<<"$LEAST"
	connectd policy attach least user:ana
	TOKEN=$(connectd token add user:ana)
	start
}

teardown() { control_teardown; }

# put NAME STATEMENTS...: a policy of these statements
put() {
	local name=$1
	shift
	connectd policy put "$name" - "${MANAGED[@]}" <<<"{\"Version\":\"2012-10-17\",\"Statements\":[$1]}"
}
MANAGED=()

@test "the least-privilege policy opens instance 42 and no other" {
	connect '{"vm_id":42,"user":"ubuntu"}'
	[ "$code" = 200 ]
	connect '{"vm_id":43,"user":"ubuntu"}'
	[ "$code $(field .error.code)" = "403 compute.instance.forbidden" ]
	# Nor more of that one
	compute /compute/instance/42/connect/events
	[ "$code" = 403 ]
}

@test "a principal without the permission gets a 403 and an audit row, and no grant" {
	connectd principal add service:ci
	connectd policy put none - <<<'{"Version":"1","Statements":[]}'
	connectd policy attach none service:ci
	TOKEN=$(connectd token add service:ci)
	connect '{"vm_id":42,"user":"ubuntu"}'
	[ "$code $(field .error.code)" = "403 compute.instance.forbidden" ]
	row=$(rows refused)
	[ "$(jq -r '.caller, .org, .vm_id, .user, .reason, .decision' <<<"$row" | paste -sd'|')" = \
		"service:ci|default|42|ubuntu|compute.instance.forbidden|denied: no policy allows it" ]
	[ "$(jq -r .request_id <<<"$row")" = "$(field .error.request_id)" ]
	[[ "$(jq -r .token_id <<<"$row")" == tok_* ]]
	[ -z "$(rows issued)" ]
	metadata 'grants?user=ubuntu'
	[ "$(field '.grants | length')" -eq 0 ]
}

@test "a policy change is in force for the next request" {
	connect '{"vm_id":42,"user":"ubuntu"}'
	[ "$code" = 200 ]
	put frozen '{"Sid":"Frozen","Effect":"Deny","Action":"*","Resource":"exc:compute:instance/42"}'
	connectd policy attach frozen user:ana
	connect '{"vm_id":42,"user":"ubuntu"}'
	[ "$code" = 403 ]
	[ "$(rows refused | jq -r .decision)" = "denied by policy frozen, statement 1 Frozen" ]
	connectd policy detach frozen user:ana
	connect '{"vm_id":42,"user":"ubuntu"}'
	[ "$code" = 200 ]
	[ "$(rows issued | tail -1 | jq -r .decision)" = "allowed by policy least, statement 1 ConnectTo42" ]
}

@test "a managed policy is for everyone, and Admin grants everything" {
	MANAGED=(--managed)
	put freeze '{"Effect":"Deny","Action":"compute:instance:connect","Resource":"exc:compute:instance/43"}'
	connectd principal add user:root
	connectd policy attach Admin user:root
	TOKEN=$(connectd token add user:root)
	connect '{"vm_id":42,"user":"ubuntu"}'
	[ "$code" = 200 ]
	connect '{"vm_id":43,"user":"ubuntu"}'
	[ "$code" = 403 ]
	connectd policy remove freeze
	connect '{"vm_id":43,"user":"ubuntu"}'
	[ "$code" = 200 ]
	run connectd policy remove Admin
	[ "$status" -eq 1 ]
}

@test "policy test says which statement decides" {
	ask() { run connectd policy test --principal user:ana --action "$1" --resource "$2"; }
	ask compute:instance:connect exc:compute:instance/42
	[ "$status" -eq 0 ]
	[ "$output" = "allowed by policy least, statement 1 ConnectTo42" ]
	ask compute:instance:connect exc:compute:instance/43
	[ "$status" -eq 1 ]
	[ "$output" = "denied: no policy allows it" ]
	put block '{"Effect":"Allow","Action":"x","Resource":"y"},{"Effect":"Deny","Action":["a","COMPUTE:*"],"Resource":"*"}'
	connectd policy attach block user:ana
	ask compute:instance:connect exc:compute:instance/42
	[ "$status" -eq 1 ]
	[ "$output" = "denied by policy block, statement 2" ]
	run connectd policy test --principal nobody --action a --resource b
	[ "$status" -eq 1 ]
	[[ "$output" == *"no principal nobody"* ]]
}

@test "what is no policy is refused with the statement that is wrong, and nothing is changed" {
	while read -r expected document; do
		run connectd policy put least - <<<"$document"
		echo "$output"
		[ "$status" -eq 1 ]
		[[ "$output" == *"${expected//_/ }"* ]]
	done <<'END'
not_one_JSON {"Version":"1","Statements":[]} x
not_one_JSON {"Version":"1","Version":"2","Statements":[]}
Statements_must {"Version":"1"}
statement_1 {"Statements":[{"Effect":"Allow","Action":"*"}]}
statement_2 {"Statements":[{"Effect":"Deny","Action":"*","Resource":"*"},{"Effect":"Perhaps","Action":"*","Resource":"*"}]}
only_Sid {"Statements":[{"Effect":"Allow","Action":"*","NotResource":"*","Resource":"*"}]}
END
	[ "$(connectd policy show least)" = "$LEAST" ]
}

@test "another organisation's instances are not there, whatever a policy says" {
	connectd org add rivals
	connectd principal add user:eve --org rivals
	connectd policy attach Admin user:eve
	TOKEN=$(connectd token add user:eve)
	connect '{"vm_id":42,"user":"ubuntu"}'
	there="$code $(field .error.code)"
	connect '{"vm_id":4242,"user":"ubuntu"}'
	[ "$there" = "404 compute.instance.not_found" ]
	[ "$code $(field .error.code)" = "$there" ]
	run connectd policy test --principal user:eve --action compute:instance:connect --resource exc:compute:instance/42
	[ "$status" -eq 1 ]
	[ "$output" = "denied: the instance belongs to another organisation" ]
	# Nor are its policies
	run connectd policy attach least user:eve
	[ "$status" -eq 1 ]
	run connectd org remove rivals
	[ "$status" -eq 1 ]
	[[ "$output" == *"remove these first"* ]]
}

@test "a token is shown once, expires, and can be revoked by its id" {
	[ "$(sqlite3 "$GUEST_DIR/connectd.db" "SELECT count(*) FROM api_tokens WHERE hash = '$TOKEN'")" -eq 0 ]
	id=$(connectd token list --json | jq -r '.[] | select(.principal == "user:ana") | .id')
	compute /iam/me
	[ "$code $(field .principal) $(field .org) $(field .token_id) $(field .expires_at)" = "200 user:ana default $id null" ]
	connectd token revoke "$id"
	connect '{"vm_id":42,"user":"ubuntu"}'
	[ "$code" = 401 ]
	run connectd token revoke "$id"
	[ "$status" -eq 1 ]
	TOKEN=$(connectd token add user:ana --expires 4s)
	compute /iam/me
	[ "$code" = 200 ]
	[ "$(field .expires_at)" != null ]
	is_expired() { compute /iam/me; [ "$code" = 401 ]; }
	wait_for is_expired
	for lifetime in 0d 5 -1d 1w 999999d x; do
		run connectd token add user:ana --expires "$lifetime"
		[ "$status" -eq 2 ]
	done
}

# may PRINCIPAL INSTANCE: does a policy let it connect?
may() {
	connectd policy test --principal "$1" --action compute:instance:connect --resource "exc:compute:instance/$2" >/dev/null
}

# may_not PRINCIPAL INSTANCE: for bats takes no notice of what `!` turns round
may_not() { if may "$@"; then return 1; fi; }

# everything_stored: who has which tokens and policies
everything_stored() {
	sqlite3 "$GUEST_DIR/connectd.db" 'SELECT * FROM principals; SELECT * FROM policies; SELECT * FROM bindings; SELECT * FROM api_tokens'
}

# is_refused WORDS TOKEN-ADD-ARGUMENT...: an error that has these words, and nothing stored
is_refused() {
	local words=$1 before
	shift
	before=$(everything_stored)
	run connectd token add "$@"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"$words"* ]]
	[ "$(everything_stored)" = "$before" ]
}

@test "the policy of --instance grows with each instance" {
	connectd token add user:cy --instance 42
	connectd token add user:cy --instance 43 --instance 42
	[ "$(connectd policy show instances:user:cy | jq -c '.Statements[].Resource')" = \
		'["exc:compute:instance/42","exc:compute:instance/43"]' ]
	may user:cy 42
	may user:cy 43
	connectd token add user:cy --instance '*'
	may user:cy 44
	connectd token remove user:cy
	run connectd policy show instances:user:cy
	[ "$status" -eq 1 ]
}

@test "a Deny, a Condition or anything else that a person wrote into the policy of --instance stays" {
	connectd token add user:cy --instance 43
	written=$(connectd policy show instances:user:cy)
	while read -r change; do
		echo "$change"
		jq -c "$change" <<<"$written" | connectd policy put instances:user:cy -
		is_refused 'policy put' user:cy --instance 42
		may_not user:cy 42
	done <<'END'
.Statements[0].Effect = "Deny"
.Statements[0].Condition = {"Bool": {"mfa": true}}
.Statements[0].Condition = {}
.Statements[0].Sid = "Mine"
.Statements[0].Action = "compute:instance:audit"
.Statements[0].Action = ["compute:instance:audit"]
.Statements[0].Resource = "exc:compute:instance/43"
.Statements[0].Resource += ["exc:compute:volume/1"]
.Statements += [{"Effect": "Deny", "Action": "*", "Resource": "exc:compute:instance/42"}]
.Statements = [{"Effect": "Deny", "Action": "*", "Resource": "*"}] + .Statements
.Statements = []
.Version = "2008-10-17"
END
	# What it asks for instead
	connectd token add user:cy
	# As it was, it grows again.
	printf %s "$written" | connectd policy put instances:user:cy -
	connectd token add user:cy --instance 42
	may user:cy 42
}

@test "a policy that stands under the name for --instance gives a new principal nothing" {
	connectd policy put instances:user:cy - <<<'{"Statements":[{"Effect":"Deny","Action":"*","Resource":"exc:compute:instance/42"}]}'
	is_refused 'policy put' user:cy --instance 42
	connectd policy remove instances:user:cy
	connectd token add user:cy --instance 42
	may user:cy 42
}

@test "--instance gives nothing to others who have the policy" {
	connectd token add user:cy --instance 43
	connectd policy attach instances:user:cy user:ana
	is_refused 'others have it as well' user:cy --instance 44
	connectd policy detach instances:user:cy user:ana
	written=$(connectd policy show instances:user:cy)
	printf %s "$written" | connectd policy put instances:user:cy - --managed
	is_refused 'others have it as well' user:cy --instance 44
	may_not user:ana 44
}

@test "instances that were taken away do not come back with another one" {
	connectd token add user:cy --instance 42
	connectd policy detach instances:user:cy user:cy
	is_refused 'policy remove instances:user:cy' user:cy --instance 43
	connectd principal remove user:cy
	is_refused 'policy remove instances:user:cy' user:cy --instance 43
	connectd policy remove instances:user:cy
	connectd token add user:cy --instance 43
	may user:cy 43
	may_not user:cy 42
}

@test "removing tokens keeps what a person wrote, and says so" {
	connectd token add user:cy --instance '*'
	connectd policy put instances:user:cy - <<<'{"Statements":[{"Effect":"Deny","Action":"*","Resource":"*"}]}'
	connectd policy attach instances:user:cy user:ana
	run connectd token remove user:cy
	[ "$status" -eq 0 ]
	[[ "$output" == *"policy instances:user:cy stays"* ]]
	may_not user:ana 42
	[ "$(connectd token list | grep -c user:cy)" -eq 0 ]
}

@test "a principal that is removed takes its tokens along" {
	connectd principal remove user:ana
	compute /iam/me
	[ "$code" = 401 ]
	connectd principal add user:ana
	compute /iam/me
	[ "$code" = 401 ]
}

@test "an instance takes the users of its list, and the first where none is named" {
	connectd instance remove 42
	connectd instance add 42 --address 127.0.0.1 --host vm42.example --user ubuntu --user deploy
	connect '{"vm_id":42}'
	[ "$code $(field .user)" = "200 ubuntu" ]
	connect '{"vm_id":42,"user":"deploy"}'
	[ "$code" = 200 ]
	connect '{"vm_id":42,"user":"root"}'
	[ "$code $(field .error.code)" = "403 compute.instance.user_not_allowed" ]
	[ "$(rows refused | jq -r .user)" = root ]
}

@test "instances are listed, shown and imported from a list, all of it or nothing" {
	[ "$(connectd instance list)" = "42 address=127.0.0.1 host=vm42.example port=2200 org=default
43 address=192.0.2.43 host=vm43.example port=22 org=default" ]
	cat >"$GUEST_DIR/list" <<'END'
[{"vm_id": 43, "address": "192.0.2.99", "host": "moved.example", "port": 2222, "users": ["ubuntu"], "name": "web"},
 {"vm_id": "i-0a.b", "address": "2001:db8::/64", "host": "2001:db8::1", "console": "/run/vm/console.sock",
  "host_keys": []}]
END
	[ "$(connectd instance import "$GUEST_DIR/list")" = "2 instances imported" ]
	[ "$(connectd instance show 43 | jq -r '[.vm_id, .host, .port, .address, .users[0], .name] | join(" ")')" = \
		"43 moved.example 2222 192.0.2.99 ubuntu web" ]
	[ "$(connectd instance list --json | jq length)" -eq 3 ]
	for list in '[{"vm_id":"44","address":"192.0.2.44","host":"x"},{"vm_id":"45","host":"x"}]' \
		'[{"vm_id":"44","address":"192.0.2.44","host":"x"},{"vm_id":"45","address":"192.0.2.44","host":"x"}]' \
		'[{"vm_id":"44","address":"192.0.2.44","host":"x","color":"red"}]' \
		'[{"vm_id":"44","address":"192.0.2.1/24","host":"x"}]' \
		'[{"vm_id":"44","address":"192.0.2.44","host":"x","org":"nobody"}]' '{}' '' '[7]'; do
		run connectd instance import - <<<"$list"
		echo "$output"
		[ "$status" -eq 1 ]
	done
	[ "$(connectd instance list --json | jq length)" -eq 3 ]
	run connectd instance show 44
	[ "$status" -eq 1 ]
}

@test "an instance is known by its network too, the smallest that fits" {
	connectd instance remove 42
	connectd instance add 42 --address 127.0.0.0/8 --host vm42.example
	connectd instance add 50 --address 127.0.0.0/30 --host vm50.example
	metadata 'grants?user=ubuntu'
	[ "$(field .instance_id)" = 50 ]
	connectd instance add 51 --address 127.0.0.1 --host vm51.example
	metadata 'grants?user=ubuntu'
	[ "$(field .instance_id)" = 51 ]
	run connectd instance add 52 --address 127.0.0.0/30 --host x
	[ "$status" -eq 1 ]
	connectd instance remove 50
	connectd instance remove 51
	metadata 'grants?user=ubuntu'
	[ "$(field .instance_id)" = 42 ]
}

# What exc-connectd answers to fd00:0:1::2, in a network that has this address
ask_by_ipv6() {
	ip link set lo up
	ip -6 address add fd00:0:1::2/128 dev lo nodad
	start
	metadata 'grants?user=ubuntu'
	field .instance_id
	stop
}

@test "an instance is known by its IPv6 address rather than by its network, however a library spells it" {
	namespaces_or_skip
	stop
	connectd instance add exact --address fd00:0:1::2 --host exact.example
	connectd instance add net --address fd00:0:1::/64 --host net.example
	sed -i 's/^metadata_listen = .*/metadata_listen = [fd00:0:1::2]:0/' "$GUEST_DIR/connectd.conf"
	export GUEST_DIR PROGRAM BATS_TEST_DIRNAME
	run unshare --net bash -euc 'load() { . "$BATS_TEST_DIRNAME/$1.bash"; }; load control; '"$(declare -f ask_by_ipv6)"'; ask_by_ipv6'
	echo "$output"
	[ "$output" = exact ]
}
