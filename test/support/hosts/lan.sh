# Keeps a LAN (lan.ts) until its standard input ends, that is until the test process has asked for it or is dead,
# however it died: then everything in it is gone. $1 is an empty directory, where the hosts are mounted; the control
# groups of the LAN have its name. To be run as root.
trap '' HUP INT TERM
name=${1##*/}
if [ "${2-}" != inside ]; then
  unshare --mount --pid --net --fork -- sh "$0" "$1" inside
  # The first process has taken all others along, and with the last one the mounts are gone. Only control groups stay.
  unshare --mount -- sh -c 'mount -t cgroup2 cgroup2 /mnt && cd "/mnt/$1" && find . -depth -type d -exec rmdir {} +
    cd / && rmdir "/mnt/$1"' cleanup "$name" 2>/dev/null
  exit
fi
set -eu
# Before /proc is that of the new namespace: by this number the test process can enter.
read -r init _ </proc/self/stat
mount -t proc proc /proc
# systemd-nspawn leaves files there, and would look for the systemd of this machine.
mount -t tmpfs tmpfs /run
# One file system for all, also where this machine has the first version of control groups.
[ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ] || mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir "/sys/fs/cgroup/$name"
# An overlay cannot be written to another overlay, which the directory may be on.
mount -t tmpfs -o mode=755 tmpfs "$1"
ip link set lo up
ip link add lan0 type bridge forward_delay 0
ip address add 10.0.0.254/24 dev lan0
ip link set lan0 up
echo "$init"
while read -r _; do :; done
