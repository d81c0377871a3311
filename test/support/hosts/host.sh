# Boots a host of a LAN (host.ts) and prints the number that its first process has in there.
# Its arguments are those of host-files.sh.
set -eu
. "${0%/*}/host-files.sh"

group=/sys/fs/cgroup/${1##*/}/$2
mkdir "$group"
echo $$ >"$group/cgroup.procs"
systemd-nspawn --quiet --register=no --keep-unit --console=pipe --machine="$2" --directory="$root" \
  --network-bridge=lan0 --resolv-conf=off --timezone=off --link-journal=no \
  --bind-ro="$5:$program/node_modules" --bind-ro="$6:/usr/local/bin/node" \
  --boot -- --unit=basic.target </dev/null >"$dir/console.log" 2>&1 &
nspawn=$!

# $1: what is waited for; the rest: the command that tells.
await() {
  what=$1
  shift
  turns=0
  until "$@"; do
    turns=$((turns + 1))
    if [ $turns -gt 1500 ] || ! kill -0 $nspawn 2>/dev/null; then
      echo "$what: $(cat "$dir/console.log")" >&2
      exit 1
    fi
    sleep 0.02
  done
}
has_systemd() {
  leader=$(head -n 1 "$group/payload/init.scope/cgroup.procs" 2>/dev/null) && [ -n "$leader" ]
}
inside() {
  nsenter --target "$leader" --all --root --wd -- "$@" 2>/dev/null
}
await 'systemd has not started' has_systemd
await 'there is no network interface' inside ip link set host0 name eth0
inside ip address add "$3" dev eth0
inside ip link set eth0 up
await 'basic.target was not reached' inside systemctl --quiet is-active basic.target
echo "$leader"
