-- The three package managers, as shell functions: which one a node has is known there only.
local sh = require "sh"

local packages = {}

sh.prelude [[
h_packages() {
  if command -v apt-get >/dev/null; then _pm=apt
  elif command -v dnf >/dev/null; then _pm=dnf
  elif command -v apk >/dev/null; then _pm=apk
  else _pm=none; fi
}
h_no_packages() { echo "the node has none of apt-get, dnf and apk" >&2; return 1; }

# h_once WORD COMMAND...: runs it once in a batch. Steps are subshells of one shell, so its pid and start time tell the batch; /run forgets at boot.
h_once() {
  _word=$1
  shift
  read -r _a < /proc/$$/stat
  _a=$(set -- ${_a##*) }; echo "$$.${20}")
  _b=
  [ ! -r "/run/slipway-$_word" ] || read -r _b < "/run/slipway-$_word" || :
  [ "$_a" != "$_b" ] || return 0
  "$@" && echo "$_a" > "/run/slipway-$_word"
}
h_again() { rm -f -- "/run/slipway-$1"; }

# What is there: a line "NAME <tab> VERSION <tab> hold|-" for each that is installed.
h_package_list() {
  h_packages
  echo "$_pm"
  case $_pm in
    apt)
      dpkg-query -W -f '${Package}\t${db:Status-Abbrev}\t${Version}\t${Architecture}\n' -- "$@" 2>/dev/null || : ;;
    dnf)
      rpm -q --qf '%{NAME}\t%{EPOCHNUM}:%{VERSION}-%{RELEASE}\t%{ARCH}\n' -- "$@" 2>/dev/null || :
      echo held
      cat /etc/dnf/plugins/versionlock.list /etc/dnf/versionlock.toml 2>/dev/null || : ;;
    apk)
      SLIPWAY_NAMES="$*" awk 'BEGIN { n = split(ENVIRON["SLIPWAY_NAMES"], p, " "); for (i = 1; i <= n; i++) { k = p[i]; want[k] = 1 } }
        FILENAME == "/etc/apk/world" { if (index($0, "=")) pin[substr($0, 1, match($0, /[<>~=]/) - 1)] = 1; next }
        /^P:/ { name = substr($0, 3) }
        /^V:/ { if (name in want) print name "\t" substr($0, 3) "\t" (name in pin ? "hold" : "-") }' /etc/apk/world /lib/apk/db/installed || : ;;
  esac
}

# Another apt may be at work, cloud-init's or unattended-upgrades'. The lock of the packages apt waits for by itself, that of the lists it does not.
h_apt() {
  DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l apt-get -q -y -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold -o APT::Get::Allow-Downgrades=true \
    -o APT::Get::Allow-Change-Held-Packages=true "$@"
}
h_apt_locked() {
  [ -e /var/lib/apt/lists/lock ] && grep -q ":$(stat -c %i /var/lib/apt/lists/lock) " /proc/locks
}
h_apt_update() {
  _left=600
  while :; do
    while h_apt_locked && [ "$_left" -gt 0 ]; do sleep 1; _left=$((_left - 1)); done
    h_apt update && return
    # Somebody was faster in taking the lock: wait for that one, too.
    h_apt_locked && [ "$_left" -gt 0 ] || { echo "apt-get update failed: see above for the source" >&2; return 1; }
  done
}
# A dpkg that was killed half-way wants this first.
h_apt_ready() {
  for _a in /var/lib/dpkg/updates/[0-9]*; do
    [ ! -e "$_a" ] || { DEBIAN_FRONTEND=noninteractive dpkg --force-confdef --force-confold --configure -a; break; }
  done
}
h_apt_versions() { apt-cache madison "$1" | while IFS='| ' read -r _a _b _c; do printf '%s\n' "$_b"; done; }
# h_apt_pick NAME VERSION: the newest version that is VERSION, whatever revision follows it; in _version.
h_apt_pick() {
  _version=
  for _a in $(h_apt_versions "$1"); do
    case $_a in
      "$2" | "$2"[-+~]* | *:"$2" | *:"$2"[-+~]*) _version=$_a; return ;;
    esac
  done
  echo "$1 $2 is in none of the node's repositories; they have: $(h_apt_versions "$1" | tr '\n' ' ')" >&2
  return 1
}
h_apt_has() {
  case $(dpkg-query -W -f '${db:Status-Abbrev}' -- "$1" 2>/dev/null) in ?i*) ;; *) return 1 ;; esac
}
# h_apt_install NAME VERSION TOGETHER...: one of the others may have brought it. A wrong name among them must not stop this one.
h_apt_install() {
  if [ -z "$2" ] && [ $# -gt 2 ] && h_apt_has "$1"; then return; fi
  h_apt_ready && h_once apt h_apt_update || return
  if [ -n "$2" ]; then
    h_apt_pick "$1" "$2" && h_apt install -- "$1=$_version" || return
  elif [ $# -gt 2 ]; then
    _a=$1
    shift 2
    h_apt install -- "$@" || h_apt install -- "$_a" || return
  else
    h_apt install -- "$1" || return
  fi
}
h_dnf_lock() {
  dnf -q versionlock list >/dev/null 2>&1 || dnf -q -y install 'dnf-command(versionlock)' >&2 || return
  dnf -q -y versionlock "$@" >&2
}
# h_install NAME VERSION TOGETHER...: VERSION may be empty.
h_install() {
  h_packages
  case $_pm in
    apt) h_apt_install "$@" ;;
    dnf)
      # A held package cannot be changed; who asks for it holds it again.
      [ -z "$2" ] || ! grep -qsF -- "$1" /etc/dnf/plugins/versionlock.list /etc/dnf/versionlock.toml || h_dnf_lock delete "$1" || :
      dnf -q -y install -- "$1${2:+-$2}" || return
      # What is newer already, install leaves alone.
      [ -z "$2" ] || rpm -q -- "$1-$2" >/dev/null || dnf -q -y downgrade -- "$1-$2" ;;
    apk)
      h_once apk apk update -q && apk add -q -- "$1${2:+~=$2}" ;;
    *) h_no_packages ;;
  esac
}
h_hold() {
  h_packages
  case $_pm in
    apt) apt-mark -qq hold "$1" ;;
    dnf) h_dnf_lock add "$1" ;;
    apk) _a=$(apk info -v -e -- "$1") && apk add -q -- "$1=${_a#"$1-"}" ;;
    *) h_no_packages ;;
  esac
}
h_unhold() {
  h_packages
  case $_pm in
    apt) apt-mark -qq unhold "$1" ;;
    dnf) h_dnf_lock delete "$1" ;;
    apk) apk add -q -- "$1" ;;
    *) h_no_packages ;;
  esac
}
h_remove() {
  h_packages
  case $_pm in
    apt) h_apt_ready && h_apt ${2:+"$2"} remove -- "$1" ;;
    dnf) dnf -q -y remove -- "$1" ;;
    apk) apk del -q -- "$1" ;;
    *) h_no_packages ;;
  esac
}
]]

-- Does the installed version answer to the wanted one? "2.2.1" is 2.2.1, 2.2.1-1~debian.12, 1:2.2.1+dfsg-3; not 2.2.10.
function packages.is_version(installed, wanted)
  for _, text in ipairs { installed, (installed:gsub("^%d+:", "")) } do
    if text == wanted then return true end
    if text:sub(1, #wanted) == wanted and text:sub(#wanted + 1, #wanted + 1):find("[-+~]") then return true end
  end
  return false
end

-- What h_package_list printed: manager, and name -> { version, hold }.
function packages.parse(out)
  local manager, found, held, in_held = out.lines[1], {}, {}, false
  for i = 2, #out.lines do
    local line = out.lines[i]
    local a, b, c, d = line:match("^([^\t]+)\t([^\t]*)\t([^\t]*)\t?([^\t]*)$")
    if in_held then
      held[#held + 1] = line
    elseif line == "held" then
      in_held = true
    elseif manager == "apt" and a then
      -- The second letter of the status tells what is there: i installed, U unpacked, F half configured, ...
      if b:sub(2, 2) == "i" then found[a] = { version = c, hold = b:sub(1, 1) == "h" } end
      if found[a] then found[a .. ":" .. d] = found[a] end
    elseif manager == "dnf" and a then
      found[a] = { version = b:gsub("^0:", ""), hold = false }
    elseif manager == "apk" and a then
      found[a] = { version = b, hold = c == "hold" }
    end
  end
  for name, package in pairs(found) do
    for _, line in ipairs(held) do
      -- versionlock.list has "name-epoch:version.*", versionlock.toml has name = "name".
      if line:sub(1, 1) ~= "#" and (line:find("^" .. name:gsub("%p", "%%%0") .. "%-%d") or line:find('"' .. name .. '"', 1, true)) then package.hold = true end
    end
  end
  return manager, found
end

return packages
