#!/bin/sh
# Disposable servers on this machine: each is a systemd-nspawn container that boots a real systemd, with sshd and containerd,
# on an overlay of the machine's own root. slipway runs this as root: sh -s -- COMMAND ARGS < node.sh
#
#   prepare                                              installs what is missing on this machine (apt)
#   up DIR NAME ADDRESS PREFIXLEN BRIDGE GATEWAY         makes or starts a node; SLIPWAY_LAB_KEYS holds root's authorized_keys
#   stop DIR NAME                                        stops it and keeps its disk
#   down DIR NAME                                        stops it and removes it
#   list DIR                                             NAME ADDRESS STATE LEADER_PID HOST_KEY PREFIXLEN BRIDGE GATEWAY, tab-separated
#   make-key DIR, show-key DIR, remove-key DIR           the key pair that opens the nodes, DIR/id_ed25519; prints the public key
#   clean DIR                                            every node down, and the bridge with them if it was made here
#
# A node's state is in DIR/NAME: settings (written last, so that a half-made node shows), pid, log, host_key, upper and work (its
# disk), bind/ (directories that cannot lie on an overlay). The overlay is mounted in the node's own mount namespace: whatever
# way a node dies, the machine has no mount to clean up.
set -eu

readonly BOOT_TIMEOUT=60 STOP_TIMEOUT=10
# name:package of what a node borrows from the machine, or what this script runs.
readonly NEEDS="systemd-nspawn:systemd-container sshd:openssh-server ssh-keyscan:openssh-client ip:iproute2 flock:util-linux \
containerd:containerd runc:runc iptables:iptables conntrack:conntrack socat:socat ethtool:ethtool \
/usr/lib/cni/bridge:containernetworking-plugins"
# Units of the machine that a node keeps; what else the machine has enabled is masked.
readonly KEEP="ssh.service containerd.service dbus.service dbus.socket systemd-journald.service systemd-logind.service \
remote-fs.target"

die() {
  printf 'error: %s\n' "$1" >&2
  shift
  for hint; do printf '  %s\n' "$hint" >&2; done
  exit 1
}

missing() {
  for need in $NEEDS; do
    command -v "${need%%:*}" >/dev/null 2>&1 || printf '%s\n' "${need#*:}"
  done
}

prepare() {
  packages=$(missing)
  [ -n "$packages" ] || return 0
  command -v apt-get >/dev/null || die "the lab's nodes need packages that are missing here:" "$packages"
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086 # a list of words
  apt-get -q -o DPkg::Lock::Timeout=300 install -y --no-install-recommends $packages >&2 || {
    apt-get -q -o DPkg::Lock::Timeout=300 update >&2
    # shellcheck disable=SC2086
    apt-get -q -o DPkg::Lock::Timeout=300 install -y --no-install-recommends $packages >&2
  }
}

# --- what is there -------------------------------------------------------------------------------------------------------

# started PID: the moment a process began, in $began. With the number it names a process for good; a number alone is reused.
started() {
  began=
  { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
  # The second field is the program's name in parentheses and may hold anything, so count from the last ')'.
  # shellcheck disable=SC2086 # fields are what is wanted
  set -- ${line##*) }
  # A zombie is dead: only its parent has not looked yet.
  [ "$1" != Z ] || return 1
  began=${20}
}

# find_process NODE_DIR: the shell over the node's systemd-nspawn in $supervisor and the node's PID 1 in $leader, both empty if it is not running.
find_process() {
  supervisor='' leader=''
  { read -r pid since <"$1/pid"; } 2>/dev/null || return 1
  started "$pid" && [ "$began" = "$since" ] || return 1
  supervisor=$pid
  # The kernel ends these lists without a newline, for which read fails although it has read.
  { read -r nspawn _ <"/proc/$pid/task/$pid/children"; } 2>/dev/null || true
  { read -r leader _ <"/proc/$nspawn/task/$nspawn/children"; } 2>/dev/null || true
}

# read_settings NODE_DIR: what `up` was told, in $address $prefix $bridge $gateway.
read_settings() {
  address='' prefix='' bridge='' gateway=''
  { read -r address prefix bridge gateway <"$1/settings"; } 2>/dev/null && [ -n "$gateway" ]
}

# print_node NODE_DIR: its line. No process is started, for a list of many nodes must cost nothing.
print_node() {
  key=-
  { read -r type blob _ <"$1/host_key.pub"; } 2>/dev/null && key="$type $blob"
  if ! read_settings "$1"; then
    state=broken
  elif find_process "$1"; then
    state=running
  else
    state=stopped
  fi
  [ "$state" = running ] || leader=
  printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "${1##*/}" "${address:--}" "$state" "${leader:--}" "$key" "${prefix:--}" "${bridge:--}" "${gateway:--}"
}

list() {
  for node_dir in "$1"/*/; do
    [ -d "$node_dir" ] || continue
    print_node "${node_dir%/}"
  done
}

# --- control groups ------------------------------------------------------------------------------------------------------

# Each node lives in a control group of its own in every hierarchy. Without that, two kubelets would share /kubepods and each
# would kill the other's pods as orphans; and the group is how a node's processes are found when it has to be killed.
hierarchies() { awk '$3 == "cgroup" || $3 == "cgroup2" { print $2 }' /proc/self/mounts; }

enter_group() {
  for mount_point in $(hierarchies); do
    group=$mount_point/slipway-lab
    mkdir -p "$group"
    # cpuset lets no process into a group before it has processors and memory; v2 hands controllers down only on request.
    for level in "$group" "$group/$1"; do
      mkdir -p "$level"
      for file in cpuset.cpus cpuset.mems; do
        [ ! -f "$level/$file" ] || [ -n "$(cat "$level/$file")" ] || cat "${level%/*}/$file" >"$level/$file"
      done
    done
    if [ -f "$mount_point/cgroup.controllers" ]; then
      # shellcheck disable=SC2013 # words of one line are what is wanted
      for controller in $(cat "$mount_point/cgroup.controllers"); do
        echo "+$controller" >"$group/cgroup.subtree_control" 2>/dev/null || true
      done
    fi
    echo "$2" >"$group/$1/cgroup.procs"
  done
}

group_processes() {
  for mount_point in $(hierarchies); do
    [ ! -d "$mount_point/slipway-lab/$1" ] || find "$mount_point/slipway-lab/$1" -name cgroup.procs -exec cat {} + 2>/dev/null
  done | sort -un
}

remove_group() {
  for mount_point in $(hierarchies); do
    [ ! -d "$mount_point/slipway-lab/$1" ] || find "$mount_point/slipway-lab/$1" -depth -type d -exec rmdir {} + 2>/dev/null || true
    # Goes with the last node; fails, as it should, while there is another.
    rmdir "$mount_point/slipway-lab" 2>/dev/null || true
  done
}

# --- stopping ------------------------------------------------------------------------------------------------------------

# wait_for SECONDS COMMAND...: polls a condition; fails when it has not come true in time.
wait_for() {
  deadline=$(($(date +%s) + $1))
  shift
  while ! "$@"; do
    [ "$(date +%s)" -lt "$deadline" ] || return 1
    sleep 0.05
  done
}

gone() { ! find_process "$1"; }
group_empty() { [ -z "$(group_processes "$1")" ]; }

# halt NODE_DIR SECONDS: an orderly shutdown, and after that many seconds the end of every process that is left.
halt() {
  id=$(node_id "$1")
  if find_process "$1"; then
    kill -TERM "$supervisor" 2>/dev/null || true
    wait_for "$2" gone "$1" || true
  fi
  # Whoever is still in the node's own group is the node's: a supervisor that would not stop, or what one left that was killed.
  for _ in 1 2 3; do
    group_empty "$id" && break
    group_processes "$id" | while read -r pid; do kill -KILL "$pid" 2>/dev/null || true; done
    wait_for 5 group_empty "$id" || true
  done
  group_empty "$id" || die "processes of the node ${1##*/} survive SIGKILL: $(group_processes "$id" | paste -sd ' ')" \
    "they hang in the kernel (see /proc/PID/stack); a reboot of this machine ends them"
  remove_group "$id"
  rm -f "$1/pid"
  # systemd-nspawn's own, which it leaves behind when it is killed.
  rmdir "/run/systemd/nspawn/propagate/$id" "/run/systemd/nspawn/unix-export/$id" 2>/dev/null || true
}

# Machines of two labs may have the same names, so the lab's directory is part of what the kernel sees.
node_id() { printf '%s-%s' "${1##*/}" "$(printf %s "${1%/*}" | cksum | cut -d ' ' -f 1)"; }

lock() {
  mkdir -p "$1/.locks"
  exec 9>"$1/.locks/$2"
  flock -w 120 9 || die "another slipway is busy with the node $2 of $1" "wait for it to end and try again"
}

stop() {
  [ -d "$1/$2" ] || return 0
  lock "$1" "$2"
  halt "$1/$2" "$STOP_TIMEOUT"
  print_node "$1/$2"
}

down() {
  [ -d "$1/$2" ] || return 0
  lock "$1" "$2"
  halt "$1/$2" "$STOP_TIMEOUT"
  # Without its settings a directory counts as half-made, so that an interrupted removal is one that goes on.
  rm -f "$1/$2/settings"
  rm -rf --one-file-system "${1:?}/$2"
}

is_idle() { [ -z "$(ls -A "/sys/class/net/$1/brif")" ]; }

clean() {
  [ -d "$1" ] || return 0
  for node_dir in "$1"/*/; do
    [ ! -d "$node_dir" ] || down "$1" "$(basename "$node_dir")"
  done
  if [ -f "$1/.bridge" ]; then
    read -r bridge <"$1/.bridge"
    lock_bridge "$bridge"
    # Ours by its alias; not while nodes of another lab hang on it. The kernel takes a moment to drop a dead node's end.
    if [ "$(cat "/sys/class/net/$bridge/ifalias" 2>/dev/null)" = slipway-lab ] && wait_for 3 is_idle "$bridge"; then
      ip link del dev "$bridge"
    fi
    exec 8>&-
    rm -f "$1/.bridge"
  fi
  rm -rf "$1/.locks"
  rmdir "$1" 2>/dev/null || true
}

# --- starting ------------------------------------------------------------------------------------------------------------

lock_bridge() {
  mkdir -p /run/lock
  exec 8>"/run/lock/slipway-lab-$1"
  flock -w 60 8 || die "another slipway holds the bridge $1"
}

ensure_bridge() {
  lock_bridge "$2"
  if [ ! -d "/sys/class/net/$2" ]; then
    ip link add dev "$2" type bridge
    ip link set dev "$2" alias slipway-lab
  fi
  [ -d "/sys/class/net/$2/bridge" ] || die "$2 is a network interface of this machine, but not a bridge" "name another bridge"
  if ! ip -4 -o address show dev "$2" | grep -qF " $3/$4 "; then
    [ "$(cat "/sys/class/net/$2/ifalias")" = slipway-lab ] ||
      die "the bridge $2 is not slipway's and does not have the address $3/$4" "name another bridge, or give it that address"
    ip address add "$3/$4" dev "$2" || die "the bridge $2 cannot have the address $3/$4"
  fi
  ip link set dev "$2" up
  echo 1 >/proc/sys/net/ipv4/ip_forward
  # One limit for the machine and all its nodes, each of which runs a systemd, a containerd and a kubelet that watch files.
  [ "$(cat /proc/sys/fs/inotify/max_user_instances)" -ge 8192 ] || echo 8192 >/proc/sys/fs/inotify/max_user_instances
  echo "$2" >"$1/.bridge"
  exec 8>&-
}

# mask UPPER UNIT
mask() { ln -sfn /dev/null "$1/etc/systemd/system/$2"; }

# The node's disk, as far as it differs from the machine's. All of it is written to the upper layer before anything is mounted.
make_disk() {
  dir=$1 name=$2 upper=$1/upper
  mkdir -p "$upper/etc/ssh" "$upper/etc/systemd/system/multi-user.target.wants" "$upper/usr/local/sbin" "$upper/var/log" \
    "$dir/work" "$dir/merged" "$dir/bind/root/.ssh" "$dir/bind/home" \
    "$dir/bind/containerd" "$dir/bind/kubelet" "$dir/bind/etcd"
  chmod 0700 "$dir/bind/root" "$dir/bind/root/.ssh" "$dir/bind/etcd"

  # An empty machine-id would start the first-boot wizard, and the machine's own would make all nodes one to DHCP and the journal.
  [ -s "$upper/etc/machine-id" ] || tr -d - </proc/sys/kernel/random/uuid >"$upper/etc/machine-id"
  echo "$name" >"$upper/etc/hostname"
  printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n%s %s\n' "$address" "$name" >"$upper/etc/hosts"
  # No resolver answers there, and says so at once; without the line every look-up of a name would wait for one.
  rm -f "$upper/etc/resolv.conf" && echo "nameserver $gateway" >"$upper/etc/resolv.conf"
  : >"$upper/etc/fstab"

  [ -f "$dir/host_key.pub" ] || {
    rm -f "$dir/host_key"
    ssh-keygen -q -t ed25519 -N '' -C "$name" -f "$dir/host_key"
  }
  install -m 0600 "$dir/host_key" "$upper/etc/ssh/ssh_host_ed25519_key"
  install -m 0644 "$dir/host_key.pub" "$upper/etc/ssh/ssh_host_ed25519_key.pub"
  cat >"$upper/etc/ssh/sshd_config" <<'EOF'
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM yes
UseDNS no
PrintMotd no
AcceptEnv LANG LC_*
Subsystem sftp /usr/lib/openssh/sftp-server
EOF

  # A character device 0/0 in the upper layer is how an overlay says "not there": what the machine keeps of its own for these
  # is none of a fresh server's.
  for path in /etc/ssh/sshd_not_to_be_run /etc/ssh/sshd_config.d /etc/kubernetes /etc/cni /opt/cni /var/lib/cni /usr/sbin/policy-rc.d; do
    [ ! -e "$path" ] || [ -e "$upper$path" ] || { mkdir -p "$upper${path%/*}" && mknod "$upper$path" c 0 0; }
  done

  # What the machine starts by itself is the machine's, but for what a node is made of.
  for unit in /etc/systemd/system/*.wants/* /etc/systemd/system/*.requires/*; do
    unit=${unit##*/}
    case " $KEEP " in
    *" $unit "*) ;;
    *) [ "$unit" = '*' ] || mask "$upper" "$unit" ;;
    esac
  done
  # Addresses are set by the node's own unit: networkd would wait for a udev that no container has.
  for unit in systemd-networkd.service systemd-networkd.socket systemd-networkd-wait-online.service systemd-resolved.service \
    systemd-timesyncd.service ssh.socket apt-daily.timer apt-daily-upgrade.timer man-db.timer e2scrub_all.timer fstrim.timer \
    cni-dhcp.service cni-dhcp.socket; do
    mask "$upper" "$unit"
  done
  for unit in ssh.service containerd.service; do
    ln -sfn "/lib/systemd/system/$unit" "$upper/etc/systemd/system/multi-user.target.wants/$unit"
  done

  # No mirror can be reached from there. Let apt say so at once instead of trying for half a minute.
  mkdir -p "$upper/etc/apt/apt.conf.d" && echo 'Acquire::Retries "0";' >"$upper/etc/apt/apt.conf.d/00slipway-lab"

  # What a virtual machine has from its firmware and kernel, and a container must be given at each boot.
  cat >"$upper/usr/local/sbin/slipway-lab-boot" <<EOF
#!/bin/sh
# Written by slipway's lab: makes this container pass for a server at each boot.
set -eu
ip link set dev host0 up
ip address replace $address/$prefix dev host0
ip route replace default via $gateway
mount --make-rshared /
# cgroup v1: systemd-nspawn mounts the controllers read-only, and a kubelet has to make groups. One that is busy is mounted anew.
awk '\$3 == "cgroup" && \$2 ~ "^/sys/fs/cgroup/" && \$4 ~ /(^|,)ro(,|\$)/ { print \$2 }' /proc/self/mounts | while read -r path; do
  mount -o remount,rw "\$path" 2>/dev/null && continue
  umount "\$path"
  mount -t cgroup -o "\${path##*/}" cgroup "\$path"
done
EOF
  chmod 0755 "$upper/usr/local/sbin/slipway-lab-boot"
  cat >"$upper/etc/systemd/system/slipway-lab-boot.service" <<'EOF'
[Unit]
Description=What slipway's lab gives a container to pass for a server
DefaultDependencies=no
After=local-fs.target
Before=network-pre.target network.target network-online.target ssh.service containerd.service kubelet.service
Wants=network-pre.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/slipway-lab-boot

[Install]
WantedBy=multi-user.target
EOF
  ln -sfn /etc/systemd/system/slipway-lab-boot.service "$upper/etc/systemd/system/multi-user.target.wants/slipway-lab-boot.service"
}

# Only a change is written: a node that is running keeps keys that were added to it from inside.
give_keys() {
  keys=$1/bind/root/.ssh/authorized_keys
  [ -n "${SLIPWAY_LAB_KEYS-}" ] || return 0
  if [ ! -f "$keys" ] || [ "$(cat "$1/keys" 2>/dev/null)" != "$SLIPWAY_LAB_KEYS" ]; then
    printf '%s\n' "$SLIPWAY_LAB_KEYS" >"$keys.new" && chmod 0600 "$keys.new" && mv "$keys.new" "$keys"
    printf '%s\n' "$SLIPWAY_LAB_KEYS" >"$1/keys"
  fi
}

start() {
  dir=$1 id=$(node_id "$1")
  : >"$dir/log"
  rm -f "$dir"/go.*
  # The supervisor is a shell in the node's group and mount namespace: its number is written down. It starts systemd-nspawn, and starts it again when
  # the node reboots (exit status 133). It keeps nothing of the caller: no terminal, no descriptor, no environment.
  (
    exec 8>&- 9>&- </dev/null >>"$dir/log" 2>&1
    cd /
    # shellcheck disable=SC2016 # expanded by the inner shell
    exec setsid unshare --mount --propagation private env -i PATH="$PATH" LANG=C.UTF-8 SYSTEMD_NSPAWN_API_VFS_WRITABLE=1 SYSTEMD_NSPAWN_LOCK=0 \
      sh -c 'dir=$1 id=$2; shift 2
        # Not before its number is on disk; and if whoever had to write it was killed, not at all.
        n=0
        until [ -f "$dir/go.$$" ]; do [ $((n += 1)) -le 500 ] || exit 1; sleep 0.01; done
        rm -f "$dir/go.$$"
        mount -t overlay -o "lowerdir=/,upperdir=$dir/upper,workdir=$dir/work" slipway-lab "$dir/merged" || exit 1
        # nspawn empties its directory here when it ends, and refuses where /run lies on a disk.
        mkdir -p /run/systemd/nspawn && mount -t tmpfs -o mode=755 slipway-lab /run/systemd/nspawn || exit 1
        trap "kill -TERM \$nspawn 2>/dev/null" TERM
        while :; do
          systemd-nspawn --quiet --register=no --keep-unit --directory="$dir/merged" --machine="$id" "$@" &
          nspawn=$! code=0
          # A signal ends wait, not nspawn.
          while kill -0 "$nspawn" 2>/dev/null; do code=0; wait "$nspawn" || code=$?; done
          [ "$code" = 133 ] || exit "$code"
        done' \
      slipway-lab "$dir" "$id" --network-bridge="$bridge" --boot --capability=all --console=pipe --resolv-conf=off --timezone=off \
      --system-call-filter='@raw-io @keyring bpf add_key keyctl' --bind=/dev/kmsg --bind="$dir/bind/root:/root" \
      --bind="$dir/bind/home:/home" --bind="$dir/bind/containerd:/var/lib/containerd" --bind="$dir/bind/kubelet:/var/lib/kubelet" \
      --bind="$dir/bind/etcd:/var/lib/etcd"
  ) &
  pid=$!
  enter_group "$id" "$pid" || die "the node ${dir##*/} cannot have a control group of its own" "is /sys/fs/cgroup writable here?"
  started "$pid" || die "the node ${dir##*/} did not start" "$(tail -n 15 "$dir/log")"
  echo "$pid $began" >"$dir/pid.new" && mv "$dir/pid.new" "$dir/pid"
  : >"$dir/go.$pid"
}

# sshd answers, and with this node's key: not another machine that happens to have the address.
answers() {
  gone "$1" && return 0
  read -r _ blob _ <"$1/host_key.pub"
  ssh-keyscan -T 2 -t ed25519 "$2" 2>/dev/null | grep -qF " $blob"
}

up() {
  dir=$1/$2
  [ "$(id -u)" = 0 ] || die "the lab's nodes need root" "run slipway by sudo, or as root"
  packages=$(missing | paste -sd ' ')
  [ -z "$packages" ] || die "the lab's nodes need packages that are missing on this machine: $packages" "apt-get install $packages"
  lock "$1" "$2"
  if read_settings "$dir" && find_process "$dir"; then
    [ "$address $prefix $bridge $gateway" = "$3 $4 $5 $6" ] ||
      die "the node $2 is running with the address $address/$prefix on $bridge, and $3/$4 on $5 is wanted" "slipway lab down removes it"
    give_keys "$dir"
    # It may be on its way down, by a shutdown from inside or a `down` that was killed: then it is started like any other.
    if wait_for "$BOOT_TIMEOUT" answers "$dir" "$3" && find_process "$dir"; then
      print_node "$dir"
      return
    fi
    ! find_process "$dir" || silent "$dir" "$3"
  fi
  # Whatever a killed run left of it ends here; a half-made disk is made anew, a whole one is kept.
  halt "$dir" 0
  ensure_bridge "$1" "$5" "$6" "$4"
  read_settings "$dir" || rm -rf --one-file-system "$dir"
  address=$3 prefix=$4 bridge=$5 gateway=$6
  mkdir -p "$dir"
  make_disk "$dir" "$2"
  give_keys "$dir"
  echo "$address $prefix $bridge $gateway" >"$dir/settings.new" && mv "$dir/settings.new" "$dir/settings"
  start "$dir"
  wait_for "$BOOT_TIMEOUT" answers "$dir" "$3" || silent "$dir" "$3"
  find_process "$dir" || die "the node $2 ended while it was starting. The end of $dir/log:" "$(tail -n 15 "$dir/log")"
  print_node "$dir"
}

silent() {
  die "the node ${1##*/} is running, but its sshd does not answer on $2 after $BOOT_TIMEOUT s. The end of $1/log:" "$(tail -n 15 "$1/log")"
}

# --- the key pair ---------------------------------------------------------------------------------------------------------

show_key() { if [ -e "$1/id_ed25519" ]; then cat "$1/id_ed25519.pub"; fi; }

make_key() {
  mkdir -p "$1"
  [ -e "$1/id_ed25519" ] || ssh-keygen -q -t ed25519 -N '' -C slipway-lab -f "$1/id_ed25519"
  # Who called us through sudo logs in with it.
  [ -z "${SUDO_UID:-}" ] || chown "$SUDO_UID" "$1/id_ed25519"
  show_key "$1"
}

# The key outlives the nodes it opens; where none is left, the bridge goes with it.
remove_key() {
  rm -f "$1/id_ed25519" "$1/id_ed25519.pub"
  for node_dir in "$1"/*/; do
    [ ! -d "$node_dir" ] || return 0
  done
  clean "$1"
}

main() {
  command=${1:-}
  [ $# -eq 0 ] || shift
  # Names become paths, host names and interface names; directories go into mount options, which know no quoting.
  case ${2:-node} in
  *[!a-z0-9.-]* | -* | .*) die "'$2' is not a node's name: small letters, digits, '-' and '.'" ;;
  esac
  if [ $# -gt 0 ]; then
    dir=$(realpath -m -- "$1")
    case $dir in *[,:\\\"\ ]*) die "the lab's directory '$dir' must not hold a comma, colon, space, quote or backslash" ;; esac
    shift
    set -- "$dir" "$@"
  fi
  case $command:$# in
  prepare:0) prepare ;;
  up:6) up "$@" ;;
  stop:2) stop "$@" ;;
  down:2) down "$@" ;;
  list:1) list "$@" ;;
  clean:1) clean "$@" ;;
  make-key:1) make_key "$@" ;;
  show-key:1) show_key "$@" ;;
  remove-key:1) remove_key "$@" ;;
  *) die "node.sh $command: unknown, or with the wrong number of arguments ($#)" "prepare | up DIR NAME ADDRESS PREFIXLEN BRIDGE GATEWAY | stop DIR NAME | down DIR NAME | list DIR | make-key DIR | show-key DIR | remove-key DIR | clean DIR" ;;
  esac
}

# The script itself comes from stdin: nothing may read on in it.
main "$@" </dev/null
