# Waits until its standard input ends, that is until the test process has asked for it or is dead, however it died.
# Then ends every process that works inside the directory $1, releases PostgreSQL's shared memory, and removes $1.
trap '' HUP INT TERM
while read -r _; do :; done
working_here() {
  find /proc/[0-9]*/cwd -maxdepth 0 \( -lname "$1" -o -lname "$1/*" -o -lname "$1 (deleted)" \) -printf '%h ' 2>/dev/null
}
# find fails where a process ends meanwhile.
while processes=$(working_here "$1"); [ -n "$processes" ]; do
  for process in $processes; do kill -KILL "${process#/proc/}" 2>/dev/null; done
  sleep 0.01
done
for pidfile in "$1"/*/data/postmaster.pid; do
  [ -f "$pidfile" ] && ipcrm --shmem-id "$(sed -n '7s/.* //p' "$pidfile")" 2>/dev/null
done
rm -rf "$1"
