#!/bin/sh
# The main job on the embedded default: three local nodes, a real Kubernetes, and a second run that changes nothing.
# demo.sh SLIPWAY BUNDLE; SUDO holds "sudo" where the user is not root.
set -eu
slipway=$1 bundle=$2
sudo=${SUDO:-}

say() { printf '\n\033[1m$ %s\033[0m\n' "$*"; }
run() {
  say "slipway $*"
  # shellcheck disable=SC2086 # a word or nothing
  $sudo "$slipway" "$@"
}

export SLIPWAY_STATE_DIR="${SLIPWAY_STATE_DIR:-/var/lib/slipway/demo}"
[ "$bundle" = /var/cache/slipway/bundle-1.20.2 ] || { echo "demo: the lab's inventory names /var/cache/slipway/bundle-1.20.2, not $bundle" >&2; exit 1; }

run bootstrap --yes
run plan --detailed-exitcode
echo
echo "The cluster is up. Look around:   $slipway ssh n1 -- kubectl --kubeconfig /etc/kubernetes/admin.conf get pods -A"
echo "Take it away:                     $slipway destroy --yes        (with SLIPWAY_STATE_DIR=$SLIPWAY_STATE_DIR)"
