# Starts a host of a LAN (kernel-host.ts) and goes on until it is down.
# Its arguments are those of host-files.sh; $8: a directory with agent.py.
set -eu
. "${0%/*}/host-files.sh"
mount --bind "$5" "$root$program/node_modules"
mount --bind "$6" "$root/usr/local/bin/node"

ln -sfn multi-user.target "$root/etc/systemd/system/default.target"
# It would start what has nothing to do with the test, and a getty; devices are there without udev, of which it has hundreds.
for unit in getty.target systemd-logind.service systemd-user-sessions.service e2scrub_reap.service systemd-udev-trigger.service \
  systemd-udevd.service systemd-binfmt.service; do
  ln -sfn /dev/null "$root/etc/systemd/system/$unit"
done

# At its start it removes each file of /tmp, which is this machine's.
mount -t tmpfs tmpfs "$root/tmp"

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
