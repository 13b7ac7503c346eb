#!/bin/bash
# Builds the lab's air-gap bundle: Kubernetes 1.20.2 from Debian's own source package, so that a cluster can be made with no
# registry and no download site. Usage: build.sh OUTDIR
#
# Leaves in OUTDIR: bin/ (kubeadm kubelet kubectl crictl), images/*.tar (docker-archives under the names that kubeadm asks
# for) and bundle.json, which lists them with size and sha256. A complete OUTDIR of this very recipe is left alone. Work in
# progress lives in OUTDIR.work, is resumed by the next call, and becomes OUTDIR by one rename: half a bundle never looks whole.
set -euo pipefail
set -m # each stage is a process group of its own, so that an interrupt can end all of it and nothing else

version=1.20.2
go_root=/usr/lib/go-1.19
# What compiles and unpacks, and what is copied into kube-proxy's image.
tools=(golang-1.19-go gcc libc6-dev dpkg-dev xz-utils iptables conntrack)
# Unpacked into the work directory rather than installed: their services and files are no business of this machine.
unpacked=(etcd-server etcd-client golang-github-modern-go-reflect2-dev)
commands=(kubeadm kubelet kubectl kube-apiserver kube-controller-manager kube-scheduler kube-proxy)

usage() { echo "usage: ${0##*/} OUTDIR" >&2; exit 64; }
if [ $# -ne 1 ] || [ -z "$1" ]; then usage; fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$(realpath -m -- "$1")
work=$out.work
log=$work/build.log
source_tree=$work/gopath/src/k8s.io/kubernetes
began=$SECONDS
stage_pid=

say() { printf 'bundle [%4ds] %s\n' "$((SECONDS - began))" "$*"; }

die() {
  echo "error: $1" >&2
  [ -z "${2-}" ] || printf '  %s\n' "$2" >&2
  exit 1
}

# Taken once, at the start: what is stamped is the recipe that ran, not one that somebody edited meanwhile.
recipe=$(cd "$here" && cat build.sh pause.c crictl | sha256sum | cut -d ' ' -f 1)

# Whole means: stamped by this recipe, and every file of the stamp's size. The stamp is the last file written.
complete() {
  local size path
  [ -f "$out/.complete" ] && [ "$(head -n 1 "$out/.complete")" = "$recipe" ] || return 1
  while read -r size path; do
    [ "$(stat -c %s -- "$out/$path" 2>/dev/null)" = "$size" ] || return 1
  done < <(tail -n +2 "$out/.complete")
}

# Runs a function as a stage: its output goes to the log, a heartbeat says that it lives, a failure shows the log's end.
stage() {
  local title=$1 at=$SECONDS beat=$SECONDS lines
  shift
  say "$title"
  echo "=== $title" >>"$log"
  "$@" >>"$log" 2>&1 </dev/null &
  stage_pid=$!
  while kill -0 "$stage_pid" 2>/dev/null; do
    # Returns as soon as the stage ends; the second is only how often the clock is looked at.
    timeout 1 tail --pid="$stage_pid" -s 0.1 -f /dev/null || true
    if [ $((SECONDS - beat)) -ge 15 ]; then
      beat=$SECONDS
      lines=$(tail -n 1 "$log" | cut -c 1-60)
      say "  still at it, $((SECONDS - at)) s: $lines"
    fi
  done
  if ! wait "$stage_pid"; then
    stage_pid=
    echo "error: the bundle's stage '$title' failed. The end of its log:" >&2
    tail -n 20 "$log" | sed 's/^/  | /' >&2
    echo "  The whole log: $log. Run the same command again: what is done is kept." >&2
    exit 1
  fi
  stage_pid=
}

interrupted() {
  trap - INT TERM
  [ -z "$stage_pid" ] || kill -TERM -- "-$stage_pid" 2>/dev/null || true
  echo "interrupted: run the same command again, it goes on from here" >&2
  exit 130
}
trap interrupted INT TERM

apt() {
  DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600 -o APT::Sandbox::User=root "$@"
}

missing_tools() {
  local package
  for package in "${tools[@]}"; do
    dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || echo "$package"
  done
}

install_tools() {
  local missing
  mapfile -t missing < <(missing_tools)
  [ ${#missing[@]} -gt 0 ] || return 0
  # A list that has not been refreshed for long names packages that are gone, so a failure is tried once more after an update.
  apt install -y --no-install-recommends "${missing[@]}" || { apt update && apt install -y --no-install-recommends "${missing[@]}"; }
}

# The machine's package sources as they are, with deb-src in place of deb, in a configuration that is this build's alone.
source_config() {
  local file name
  rm -rf "$work/apt" && mkdir -p "$work/apt/parts" "$work/apt/lists/partial"
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    [ -f "$file" ] || continue
    name=$(basename "$file")
    case $file in
    *.sources) sed 's/^Types:.*/Types: deb-src/' "$file" ;;
    *) sed -n 's/^deb\([[:space:]]\)/deb-src\1/p' "$file" ;;
    esac >"$work/apt/parts/$name"
  done
}

source_apt() {
  apt -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/apt/parts" -o Dir::State::lists="$work/apt/lists" "$@"
}

fetch_source() {
  local wanted
  source_config
  # One broken source among many fails the update as a whole, so what counts is whether the package is found.
  source_apt update || echo 'some package sources could not be read'
  wanted=$(apt-cache -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/apt/parts" \
    -o Dir::State::lists="$work/apt/lists" -o Dir::Cache::srcpkgcache= -o Dir::Cache::pkgcache= showsrc kubernetes |
    sed -n "s/^Version: \(.*really$version-.*\)/\1/p" | sort -V | tail -n 1)
  if [ -z "$wanted" ]; then
    echo "none of this machine's package sources has the source package kubernetes $version. Debian 12 (bookworm) has it."
    return 1
  fi
  rm -rf "$work/download" "$work/unpacked" "$work/gopath" && mkdir -p "$work/download" "$work/unpacked" "$work/gopath/src/k8s.io"
  cd "$work/download"
  source_apt source --download-only "kubernetes=$wanted"
  apt download "${unpacked[@]}" || { apt update && apt download "${unpacked[@]}"; }
  for package in *.deb; do dpkg-deb -x "$package" "$work/unpacked"; done
  dpkg-source -x ./kubernetes_*.dsc "$source_tree"
  # The vendored reflect2 reads the runtime's maps as Go laid them out before 1.18, and panics on a newer one.
  rm -rf "$source_tree/vendor/github.com/modern-go/reflect2"
  cp -r "$work/unpacked/usr/share/gocode/src/github.com/modern-go/reflect2" "$source_tree/vendor/github.com/modern-go/reflect2"
  touch "$work/source.done"
}

go_env() {
  export PATH=$go_root/bin:$PATH GOPATH=$work/gopath GOCACHE=$work/gocache GO111MODULE=off CGO_ENABLED=0 GOFLAGS=-trimpath
  export GOROOT=$go_root HOME=$work
  cd "$source_tree"
}

# The API server's OpenAPI definitions are generated code that the source package lacks. Upstream's make would first build
# and run every other generator too; they have nothing to do here.
generate_openapi() {
  local dirs target=pkg/generated/openapi
  go_env
  nice go build -o "$work/bin/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
  dirs=$(grep -RlE '^// *\+k8s:openapi-gen=' --include='*.go' cmd pkg plugin vendor/k8s.io/* |
    grep -vE '^vendor/k8s.io/(code-generator|sample-apiserver)/|_test\.go$' | xargs -n 1 dirname | LC_ALL=C sort -u |
    sed 's|^|k8s.io/kubernetes/|' | paste -sd ,)
  nice "$work/bin/openapi-gen" --v 1 --logtostderr -i "$dirs" -p "k8s.io/kubernetes/$target" -O zz_generated.openapi \
    -h vendor/k8s.io/code-generator/hack/boilerplate.go.txt -r "$work/openapi-violations"
  test -s "$target/zz_generated.openapi.go"
  touch "$work/openapi.done"
}

compile() {
  local package key flags='-s -w' stamps
  go_env
  stamps=("gitVersion=v$version" "gitMajor=${version%%.*}" "gitMinor=$(echo "$version" | cut -d . -f 2)" gitTreeState=clean
    "gitCommit=debian" "buildDate=$(date -u -d "@$(dpkg-parsechangelog -l debian/changelog -S Timestamp)" +%Y-%m-%dT%H:%M:%SZ)")
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    for key in "${stamps[@]}"; do
      flags+=" -X k8s.io/kubernetes/vendor/$package.$key -X $package.$key"
    done
  done
  # The tag leaves out the cloud SDKs, which are most of the compile time.
  nice go build -v -tags providerless -ldflags "$flags" -o "$work/bin/" "${commands[@]/#/./cmd/}"
  "$work/bin/kubeadm" version -o short | grep -qx "v$version"
  touch "$work/compile.done"
}

# put ROOT FILE [TO]: copies a program of this machine into an image's root, with the libraries and the loader that it needs.
put() {
  local root=$1 file=$2 to=${3:-$2} library
  install -D -m 0755 -- "$file" "$root$to"
  for library in $(ldd "$file" 2>/dev/null | grep -oE '/[^ ]+'); do
    [ -e "$root$library" ] || install -D -m 0755 -- "$library" "$root$library"
  done
}

# pack_image NAME ROOT ENTRYPOINT...: ROOT becomes the one layer of a docker-archive, byte for byte the same each time.
pack_image() {
  local name=$1 root=$2 base layer config entry
  shift 2
  base=${name##*/}
  base=${base%%:*}
  rm -rf "$work/image" && mkdir -p "$work/image" "$work/stage/images"
  tar -C "$root" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$work/image/layer.tar" .
  layer=$(sha256sum "$work/image/layer.tar" | cut -d ' ' -f 1)
  printf -v entry '"%s",' "$@"
  printf '{"architecture":"%s","os":"linux","created":"1970-01-01T00:00:00Z","config":{"Entrypoint":[%s],"Env":["PATH=%s"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
    "$(dpkg --print-architecture)" "${entry%,}" /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$layer" >"$work/image/config.json"
  config=$(sha256sum "$work/image/config.json" | cut -d ' ' -f 1)
  mv "$work/image/config.json" "$work/image/$config.json"
  printf '[{"Config":"%s.json","RepoTags":["%s"],"Layers":["layer.tar"]}]' "$config" "$name" >"$work/image/manifest.json"
  tar -C "$work/image" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$work/stage/images/$base.tar" .
  echo "$name" >"$work/names/$base"
}

make_images() {
  local name component root=$work/root file
  # The names come from kubeadm itself, so that what it asks for is what is there.
  rm -rf "$work/names" && mkdir -p "$work/names"
  for name in $("$work/bin/kubeadm" config images list --kubernetes-version "v$version"); do
    component=${name##*/}
    component=${component%%:*}
    rm -rf "$root" && mkdir -p "$root/tmp" && chmod 1777 "$root/tmp"
    case $component in
    kube-apiserver | kube-controller-manager | kube-scheduler)
      install -D "$work/bin/$component" "$root/usr/local/bin/$component"
      pack_image "$name" "$root" "/usr/local/bin/$component"
      ;;
    kube-proxy)
      install -D "$work/bin/kube-proxy" "$root/usr/local/bin/kube-proxy"
      put "$root" /usr/sbin/xtables-nft-multi
      put "$root" /usr/sbin/conntrack
      for file in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
        ln -s xtables-nft-multi "$root/usr/sbin/$file"
      done
      # Matches and targets are plugins that iptables opens by itself; they need no library beyond its own.
      file=$(dirname "$(dpkg -L iptables | grep -m 1 '/libxt_comment\.so$')")
      mkdir -p "$root${file%/*}" && cp -r "$file" "$root${file%/*}/"
      pack_image "$name" "$root" /usr/local/bin/kube-proxy
      ;;
    etcd)
      # Debian's etcd of the same minor series, under the name that kubeadm asks for.
      put "$root" "$work/unpacked/usr/bin/etcd" /usr/local/bin/etcd
      put "$root" "$work/unpacked/usr/bin/etcdctl" /usr/local/bin/etcdctl
      pack_image "$name" "$root" /usr/local/bin/etcd
      ;;
    pause)
      gcc -O2 -static -s -o "$root/pause" "$here/pause.c"
      pack_image "$name" "$root" /pause
      ;;
    *) echo "left out: $name (Debian has no source of it)" ;;
    esac
  done
}

describe() {
  local stage=$work/stage path role image comma='' sandbox
  sandbox=$(cat "$work/names/pause")
  {
    printf '{\n  "kubernetes": "%s",\n  "architecture": "%s",\n  "sandbox_image": "%s",\n  "files": [' "$version" "$(dpkg --print-architecture)" "$sandbox"
    for path in bin/kubeadm bin/kubelet bin/kubectl bin/crictl images/{pause,kube-proxy,etcd,kube-apiserver,kube-controller-manager,kube-scheduler}.tar; do
      case $path in
      bin/kubeadm | bin/kubelet | bin/crictl | images/pause.tar | images/kube-proxy.tar) role=all ;;
      *) role=control-plane ;;
      esac
      image=$(basename "$path" .tar)
      printf '%s\n    {"path": "%s", "sha256": "%s", "size": %s, "role": "%s"' "$comma" "$path" \
        "$(sha256sum "$stage/$path" | cut -d ' ' -f 1)" "$(stat -c %s "$stage/$path")" "$role"
      [ "${path%%/*}" = bin ] || printf ', "image": "%s"' "$(cat "$work/names/$image")"
      printf '}'
      comma=,
    done
    printf '\n  ]\n}\n'
  } >"$stage/bundle.json"
}

assemble() {
  local stage=$work/stage file
  rm -rf "$stage" && mkdir -p "$stage/bin" "$stage/images"
  for file in kubeadm kubelet kubectl; do install -m 0755 "$work/bin/$file" "$stage/bin/$file"; done
  install -m 0755 "$here/crictl" "$stage/bin/crictl"
  make_images
  describe
  {
    echo "$recipe"
    cd "$stage" && find bundle.json bin images -type f -printf '%s %p\n'
  } >"$work/complete.new"
  sync -f "$stage"
  mv "$work/complete.new" "$stage/.complete"
}

if complete; then
  say "Kubernetes $version is ready in $out"
  exit 0
fi
[ "$(id -u)" = 0 ] || die "building the bundle needs root, for it installs packages" "run it by sudo"
command -v apt-get >/dev/null || die "the bundle is built from Debian's packages, and there is no apt-get here" "build it on a Debian 12 machine and copy the directory"
if [ -e "$out" ] && [ ! -f "$out/.complete" ] && [ -n "$(ls -A "$out")" ]; then
  die "$out is there, is not empty and is not a bundle: it will not be overwritten" "name another directory"
fi

mkdir -p "$work/bin"
exec 9>"$work/lock"
if ! flock -n 9; then
  say "another build of $out is running: waiting for it"
  flock 9
  complete && say "Kubernetes $version is ready in $out" && exit 0
  mkdir -p "$work/bin"
fi
: >"$log"

# What was built by another compiler or for another version is of no use. The packing alone is always done anew.
identity="$version $(sed -n '/^generate_openapi/,/^}/p;/^compile/,/^}/p;/^fetch_source/,/^}/p' "$here/build.sh" | sha256sum)"
if [ "$(cat "$work/identity" 2>/dev/null)" != "$identity" ]; then
  rm -rf "$work"/*.done "$work/gocache" "$work/gopath"
  echo "$identity" >"$work/identity"
fi

say "building Kubernetes $version from Debian's source package (5 to 10 minutes on two cores; log: $log)"
absent=$(missing_tools | paste -sd ' ')
[ -z "$absent" ] || stage "installing packages: $absent" install_tools
[ -f "$work/source.done" ] || stage "fetching the source and the packages ${unpacked[*]}" fetch_source
if [ ! -f "$work/compile.done" ]; then
  [ -f "$work/openapi.done" ] || stage "generating the API server's OpenAPI definitions" generate_openapi
  stage "compiling ${commands[*]}" compile
fi
stage "packing images" assemble
if [ -e "$out" ]; then mv -T "$out" "$work/replaced"; fi
mv -T "$work/stage" "$out"
rm -rf "$work/replaced" "$work/image" "$work/root"
# Sources and compiler cache are gigabytes. The programs are kept, so that a change of the packing takes seconds.
[ -n "${SLIPWAY_BUNDLE_KEEP-}" ] || rm -rf "$work/gopath" "$work/gocache" "$work/download" "$work/apt"
say "Kubernetes $version is ready in $out ($(du -sh "$out" | cut -f 1))"
