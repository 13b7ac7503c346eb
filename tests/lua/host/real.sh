#!/bin/sh
# Really runs the host types on this machine, with dash, busybox and bash: in a mount and UTS namespace where /etc, /root, /home, /run and /srv are
# scratch. Needs root, lua5.4, unshare (util-linux), ip, busybox, and what is to be tried: dash, busybox, bash.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
if [ "${1:-}" != --inside ]; then
  [ "$(id -u)" = 0 ] || { echo "real.sh: only root can hide directories; run the tests as root" >&2; exit 1; }
  status=0
  for shell in dash busybox bash; do
    command -v "$shell" >/dev/null || { echo "real.sh: no $shell: .ci/setup test" >&2; status=1; continue; }
    unshare --mount --uts --net -- sh "$0" --inside "$shell" || status=1
  done
  exit $status
fi
scratch=$(mktemp -d)
mount -t tmpfs tmpfs "$scratch"
cp -a /etc "$scratch/etc"
# The checkout may lie below one of the directories that are about to be hidden.
mkdir -p "$scratch/checkout/tests/lua"
cp -a "$here/../../../lua" "$scratch/checkout/"
cp -a "$here" "$scratch/checkout/tests/lua/"
here=$scratch/checkout/tests/lua/host
for directory in root home run srv; do mkdir "$scratch/$directory"; done
for directory in etc root home run srv; do mount --bind "$scratch/$directory" "/$directory"; done
# A web server for what is downloaded.
mkdir "$scratch/www"
ip link set lo up
busybox httpd -f -p 127.0.0.1:8099 -h "$scratch/www" &
trap 'kill $!' EXIT
export SLIPWAY_TEST_WWW="$scratch/www"
case $2 in
  busybox)
    # Only busybox's tools, but for those it does not claim to have.
    mkdir "$scratch/bin"
    for applet in $(busybox --list); do ln -s "$(command -v busybox)" "$scratch/bin/$applet"; done
    ln -s "$(command -v groupmod)" "$scratch/bin/groupmod"
    lua5.4 "$here/real.lua" "$scratch/bin/sh" "$scratch/bin" ;;
  *) lua5.4 "$here/real.lua" "$2" ;;
esac
