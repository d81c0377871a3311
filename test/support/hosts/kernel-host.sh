# Starts a host of a LAN (kernel-host.ts) and goes on until it is down.
# $1: the LAN's directory; $2: the host's name; $3: its address with the prefix length; $4: a directory with the compiled
# program; $5: its node_modules; $6: the Node to be used; $7: the examples; $8: a directory with agent.py.
set -eu
dir=$1/$2
root=$dir/root
mkdir -p "$dir/upper" "$dir/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$dir/upper,workdir=$dir/work" "$root"

# What this machine has enabled is not started there, and what a README enables was not.
rm -rf "$root"/etc/systemd/system/*.wants "$root"/etc/systemd/system/*.requires "$root"/etc/rc?.d
rm -f "$root/etc/machine-id" "$root/etc/hostname"
tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
echo "$2" >"$root/etc/hostname"
printf '127.0.0.1 localhost\n%s %s\n' "${3%/*}" "$2" >"$root/etc/hosts"
# What takes seconds there whenever a unit is enabled: scripts of the time before systemd, and generators of units.
rm -f "$root"/etc/init.d/* "$root"/usr/lib/systemd/system-generators/*
ln -sfn multi-user.target "$root/etc/systemd/system/default.target"
# It would start what has nothing to do with the test, and a getty.
for unit in getty.target systemd-logind.service systemd-user-sessions.service e2scrub_reap.service; do
  ln -sfn /dev/null "$root/etc/systemd/system/$unit"
done

# As `npm install -g` leaves it.
program=/usr/local/lib/node_modules/patroni-router
rm -rf "$root$program" "$root/usr/local/bin/node" "$root/usr/local/bin/patroni-router"
mkdir -p "$root$program/node_modules" "$root/root/patroni-router"
cp -r "$4/." "$root$program"
mount --bind "$5" "$root$program/node_modules"
touch "$root/usr/local/bin/node"
mount --bind "$6" "$root/usr/local/bin/node"
ln -s "$program/dist/main.js" "$root/usr/local/bin/patroni-router"
cp -r "$7" "$root/root/patroni-router/examples"

rm -rf "$root/lib/modules"
ln -s /usr/lib/uml/modules "$root/lib/modules"
cp "$8/agent.py" "$root/usr/local/sbin/agent.py"
cat >"$root/etc/systemd/system/agent.service" <<UNIT
[Unit]
DefaultDependencies=no
After=dbus.socket
[Service]
ExecStartPre=/bin/sh -ec 'ip link set vec0 name eth0; ip address add $3 dev eth0; ip link set eth0 up; ip link set lo up'
ExecStart=/usr/bin/python3 /usr/local/sbin/agent.py ${3%/*}
UNIT
mkdir "$root/etc/systemd/system/basic.target.wants"
ln -s ../agent.service "$root/etc/systemd/system/basic.target.wants"

tap=vb-$2
ip tuntap add "$tap" mode tap
ip link set "$tap" master lan0 up
# Its memory is a file there; /dev/shm is this machine's.
export TMPDIR=$dir
exec linux.uml mem=512M rootfstype=hostfs "rootflags=$root" rw init=/lib/systemd/systemd quiet "uml_dir=$dir/uml" \
  "vec0:transport=tap,ifname=$tap,depth=64" con=null con0=null,fd:1 </dev/null
