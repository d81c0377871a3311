import { spawn, spawnSync } from 'node:child_process'

/** What the integration and cluster suites run: real parts, as Debian ships them. */
export const TEST_PACKAGES: readonly string[] = [
  // A DNS server, whose SRV records name the members of etcd.
  'dnsmasq-base',
  'docker-compose',
  'etcd-client',
  'etcd-server',
  // Completes the command line, as bash and zsh do.
  'fish',
  'haproxy',
  // Looks at HAProxy's socket, and at the router's.
  'hatop',
  'iproute2',
  'ipvsadm',
  'keepalived',
  // Loads the modules of a kernel in user mode.
  'kmod',
  // The stream module, which the package nginx does not bring.
  'libnginx-mod-stream',
  // The names of the users that units with DynamicUser have.
  'libnss-systemd',
  // Renders the man pages.
  'man-db',
  'nginx',
  'openssl',
  'patroni',
  'pgbouncer',
  // Containers, also for docker-compose.
  'podman',
  // Lets a sidecar that is not root reload a service.
  'polkitd',
  'postgresql-15',
  // The kill that units of Debian's packages reload with.
  'procps',
  // promtool checks the rules of examples/monitoring, and a real server evaluates them.
  'prometheus',
  // Drivers that applications connect with.
  'python3-asyncpg',
  'python3-psycopg2',
  // Patroni cannot use Consul, etcd and ZooKeeper without them, and is content with any.
  'python3-consul',
  'python3-etcd',
  'python3-kazoo',
  // Patroni cannot use HTTPS without it, and only recommends it.
  'python3-idna',
  // The example haproxy-runtime connects to HAProxy's runtime API with it.
  'socat',
  'strace',
  // Hosts of a test: systemd in containers, on network namespaces.
  'systemd',
  'systemd-container',
  // The terminal of a test.
  'tmux',
  'zookeeper',
  'zsh',
  // A kernel with IPVS, which that of this machine may not have. For PCs only.
  ...(process.arch === 'x64' ? ['user-mode-linux'] : []),
]

/**
 * Runs as root; the packages are its arguments. None of the services is started and no PostgreSQL cluster is made: the
 * tests bring their own. What it puts in place for that is taken away again, also when apt-get fails.
 */
const INSTALL = `
set -eu
policy=/usr/sbin/policy-rc.d
drop_in=/etc/postgresql-common/createcluster.d
made=
restore() {
  for path in $made; do
    if [ -d "$path" ]; then rmdir "$path"; else rm -f "$path"; fi
  done
}
trap restore EXIT
trap 'exit 130' HUP INT TERM
if [ ! -e "$policy" ]; then
  made="$policy"
  printf '#!/bin/sh\\nexit 101\\n' > "$policy"
  chmod 755 "$policy"
fi
for dir in /etc/postgresql-common "$drop_in"; do
  [ -d "$dir" ] || { mkdir "$dir"; [ "$dir" != "$drop_in" ] || made="$dir $made"; }
done
made="$drop_in/patroni-router-tests.conf $made"
echo 'create_main_cluster = false' > "$drop_in/patroni-router-tests.conf"
export DEBIAN_FRONTEND=noninteractive
apt-get -q update
apt-get -q -y --no-install-recommends install "$@"
`

/**
 * Installs the missing ones of TEST_PACKAGES, as root or with a sudo that needs no password. Silent when there is
 * nothing to do.
 *
 * @returns null when all are there, else what the user has to do.
 */
export async function ensureDebianPackages(packages: readonly string[] = TEST_PACKAGES): Promise<string | null> {
  const missing = missingPackages(packages)
  if (missing === null) return `the tests need Debian with ${packages.join(', ')}: there is no dpkg-query here`
  if (missing.length === 0) return null
  const advice = `Please install what the tests run on:\n  sudo apt-get install ${missing.join(' ')}`
  const root = process.getuid?.() === 0
  if (!root && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status !== 0) return advice
  console.error(`installing ${missing.join(', ')}`)
  const shell = ['sh', '-c', INSTALL, 'install', ...missing]
  const [command = '', ...args] = root ? shell : ['sudo', '-n', ...shell]
  const status = await new Promise((resolve) => {
    spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] })
      .once('close', resolve)
      .once('error', resolve)
  })
  return status === 0 && missingPackages(missing)?.length === 0 ? null : `apt-get failed. ${advice}`
}

function missingPackages(packages: readonly string[]): string[] | null {
  const query = ['--show', '--showformat=${db:Status-Abbrev} ${Package}\\n', ...packages]
  const { error, stdout } = spawnSync('dpkg-query', query, { encoding: 'utf8' })
  if (error) return null
  const installed = new Set(stdout.split('\n').flatMap((line) => /^ii\s+(\S+)$/.exec(line)?.[1] ?? []))
  return packages.filter((name) => !installed.has(name))
}
