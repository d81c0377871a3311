import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Host } from '../hosts/host.ts'
import type { Lan } from '../hosts/lan.ts'
import { ROOT } from '../router/package.ts'
import { asRoot, succeed } from '../processes/root.ts'
import { TempDir } from '../files/temp.ts'

/** For a hook that may have to build the image, while other tests use the machine and the registry is slow. Milliseconds. */
export const IMAGE_TIMEOUT_MS = 320_000

const CACHE = join(ROOT, 'node_modules/.cache/images')
/** What the image is made of, and of how. */
const SOURCES = [
  ...[
    '.dockerignore',
    'examples/docker-compose/{Dockerfile,compose.yml,entrypoint,health}',
    'package.json',
    'package-lock.json',
  ],
  ...['tsconfig*.json', 'scripts/build.ts', 'src/**/*.ts', 'test/support/containers/*.sh'],
]
/**
 * Without control groups, key rings and limits of its own: on a machine with both versions of control groups, in a
 * container itself, and without the privilege to raise limits none of them is to be had.
 */
const CONFIGURATION = `[containers]
cgroups = "disabled"
keyring = false
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
`

/**
 * An archive of the image `patroni-router`, as the Dockerfile of examples/docker-compose makes it of what src/ is now; its
 * dependencies come from the npm registry. Kept until something changes.
 */
export async function routerImage(): Promise<string> {
  const hash = createHash('sha256').update(process.version)
  for (const name of SOURCES.flatMap((pattern) => globSync(pattern, { cwd: ROOT }).sort()))
    hash.update(`${name}\0`).update(readFileSync(join(ROOT, name)))
  const archive = join(CACHE, `${hash.digest('hex')}.tar`)
  if (existsSync(archive)) return archive
  mkdirSync(CACHE, { recursive: true })
  await using dir = TempDir.create('image')
  const script = join(import.meta.dirname, 'container-build.sh')
  const parts = [dir.path, ROOT, realpathSync(process.execPath), npmDirectory(), archive]
  // One at a time: whoever comes second finds it done.
  const build = ['flock', join(CACHE, 'lock'), ...asRoot(), 'unshare', '--mount', 'sh', script, ...parts]
  await succeed(build, { timeoutMs: IMAGE_TIMEOUT_MS - 20_000 })
  return archive
}

/** Makes a host one that runs containers, by podman with Docker's API, and gives it the image `patroni-router`. */
export async function withContainers(lan: Lan, host: Host): Promise<void> {
  const archive = await routerImage()
  // An overlay cannot be on another one.
  await host.ok(
    'for directory in /var/lib/containers /var/tmp; do mkdir -p $directory; mount -t tmpfs tmpfs $directory; done',
  )
  await host.write('/etc/containers/containers.conf', CONFIGURATION)
  await lan.ok(`cp '${archive}' ${lan.path}/${host.name}/root/var/tmp.tar`)
  await host.ok('podman load -q -i /var/tmp.tar && rm /var/tmp.tar', { timeoutMs: 60_000 })
  for (const name of ['docker', 'kubectl'])
    await host.write(`/usr/local/bin/${name}`, readFileSync(join(import.meta.dirname, name), 'utf8'))
  // Health is checked when a test does so, not besides; nor is it of interest of which packages podman's programs are.
  await host.ok(`
    ln -sf /bin/true /usr/bin/dpkg-query
    chmod 755 /usr/local/bin/docker /usr/local/bin/kubectl
    systemd-run --quiet --unit=podman-api --setenv=DISABLE_HC_SYSTEMD=true podman system service --time=0 unix:///run/podman.sock
    until test -S /run/podman.sock; do sleep 0.05; done
  `)
}

/** Makes an image of a shell and other programs of this machine, for a user of its own, who has a home directory. */
export async function makeImage(
  host: Host,
  { name, programs, user, uid }: { name: string; programs: readonly string[]; user: string; uid: number },
): Promise<void> {
  await host.write('/root/container-root.sh', readFileSync(join(import.meta.dirname, 'container-root.sh'), 'utf8'))
  await host.ok(`
    rm -rf /var/tmp/image
    sh /root/container-root.sh /var/tmp/image /bin/sh /bin/sleep ${programs.join(' ')}
    printf 'root:x:0:0::/root:/bin/sh\n${user}:x:${uid}:${uid}::/:/bin/sh\n' >/var/tmp/image/etc/passwd
    printf 'root:x:0:\n${user}:x:${uid}:\n' >/var/tmp/image/etc/group
    install -d -o ${uid} -g ${uid} /var/tmp/image/var/lib/${user}
    tar -C /var/tmp/image -c . | podman import -q -c 'USER ${user}' -c 'CMD ["sleep", "infinity"]' - docker.io/library/${name}
  `)
}

/** Of the npm on the PATH. */
function npmDirectory(): string {
  const npm = execFileSync('sh', ['-c', 'command -v npm'], { encoding: 'utf8' }).trim()
  return dirname(dirname(realpathSync(npm)))
}
