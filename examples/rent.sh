#!/bin/sh
# A machine's life with curl: enrolled, made available, allocated, deployed, given back. The machine is fake-hardware, so
# this runs anywhere:  bessemer serve & examples/rent.sh [URL]
set -eu
api=${1:-http://127.0.0.1:6385}/v1

# call METHOD PATH [BODY]: prints the answer; a refusal is printed and ends the script.
call() {
    curl -sS --fail-with-body -X "$1" "$api$2" -H 'X-OpenStack-Ironic-API-Version: 1.80' \
        -H 'Content-Type: application/json' ${3:+--data "$3"} || { echo; exit 1; }
}

# field NAME: the value of a text field of the answer on standard input.
field() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" | head -n 1; }

# verb TARGET STATE: asks for a provisioning verb and waits for the state.
verb() {
    call PUT "/nodes/$node/states/provision" "{\"target\": \"$1\"}"
    for _ in $(seq 600); do
        state=$(call GET "/nodes/$node/states" | field provision_state)
        [ "$state" != "$2" ] || { echo "$1: $state"; return; }
        case $state in *failed*) echo "$1: $state" >&2; exit 1 ;; esac
        sleep 0.1
    done
    echo "$1: still $state after a minute" >&2
    exit 1
}

node=$(call POST /nodes '{"driver": "fake-hardware", "resource_class": "rent"}' | field uuid)
echo "enrolled: $node"
verb manage manageable
call PUT "/nodes/$node/states/power" '{"target": "power off"}'
verb provide available

allocation=$(call POST /allocations '{"resource_class": "rent"}' | field uuid)
echo "allocated: $(call GET "/allocations/$allocation" | field state)"
verb active active
verb deleted available
call DELETE "/nodes/$node"
echo "gone"
