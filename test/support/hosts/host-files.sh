# Makes the files of a host of a LAN, an overlay of this machine's; host.sh and kernel-host.sh read this, with their arguments.
# $1: the LAN's directory; $2: the host's name; $3: its address with the prefix length; $4: a directory with the compiled
# program; $5: its node_modules; $6: the Node to be used; $7: the examples.
dir=$1/$2
root=$dir/root
mkdir -p "$dir/upper" "$dir/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$dir/upper,workdir=$dir/work" "$root"

# What this machine has enabled is not started there, and what a README enables was not.
rm -rf "$root"/etc/systemd/system/*.wants "$root"/etc/systemd/system/*.requires "$root"/etc/rc?.d
# What takes time there at each `systemctl daemon-reload`: scripts of the time before systemd, and generators of units.
rm -f "$root"/etc/init.d/* "$root"/usr/lib/systemd/system-generators/*
rm -f "$root/etc/machine-id" "$root/etc/hostname"
tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
echo "$2" >"$root/etc/hostname"
printf '127.0.0.1 localhost\n%s %s\n' "${3%/*}" "$2" >"$root/etc/hosts"

# As `npm install -g` leaves it; the Node and node_modules are mounted.
program=/usr/local/lib/node_modules/patroni-router
rm -rf "$root$program" "$root/usr/local/bin/node" "$root/usr/local/bin/patroni-router"
mkdir -p "$root$program/node_modules" "$root/root/patroni-router"
touch "$root/usr/local/bin/node"
cp -r "$4/." "$root$program"
ln -s "$program/dist/main.js" "$root/usr/local/bin/patroni-router"
cp -r "$7" "$root/root/patroni-router/examples"
