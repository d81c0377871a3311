# Boots a host of a LAN (host.ts) and prints the number that its first process has in there.
# $1: the LAN's directory; $2: the host's name; $3: its address with the prefix length; $4: a directory with the compiled
# program; $5: its node_modules; $6: the Node to be used; $7: the examples.
set -eu
dir=$1/$2
root=$dir/root
mkdir -p "$dir/upper" "$dir/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$dir/upper,workdir=$dir/work" "$root"

# What this machine has enabled is not started there, and what a README enables was not.
rm -rf "$root"/etc/systemd/system/*.wants "$root"/etc/systemd/system/*.requires
# Run at each `systemctl daemon-reload`, and of no use there: scripts of the time before systemd, and generators of units.
rm -f "$root"/etc/init.d/* "$root"/usr/lib/systemd/system-generators/*
rm -f "$root/etc/machine-id" "$root/etc/hostname"
tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
echo "$2" >"$root/etc/hostname"
printf '127.0.0.1 localhost\n%s %s\n' "${3%/*}" "$2" >"$root/etc/hosts"

# As `npm install -g` leaves it.
program=/usr/local/lib/node_modules/patroni-router
rm -rf "$root$program" "$root/usr/local/bin/node" "$root/usr/local/bin/patroni-router"
mkdir -p "$root$program" "$root/root/patroni-router"
cp -r "$4/." "$root$program"
ln -s "$program/dist/main.js" "$root/usr/local/bin/patroni-router"
cp -r "$7" "$root/root/patroni-router/examples"

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
