#!/bin/sh
# The same life by the `baremetal` CLI (pip install python-ironicclient):  bessemer serve & examples/cli.sh [URL]
set -eu
export OS_AUTH_TYPE=none OS_ENDPOINT="${1:-http://127.0.0.1:6385}"
name=cli-$$

baremetal node create --driver fake-hardware --name "$name" --resource-class "$name" -f value -c provision_state
baremetal node manage "$name" --wait 60
baremetal node power off "$name"
baremetal node provide "$name" --wait 60
baremetal allocation create --name "$name" --resource-class "$name" --wait -f value -c state
baremetal node deploy "$name" --wait 60
baremetal node undeploy "$name" --wait 60
baremetal node delete "$name"
