/** The examples before which a proxy stands that is reloaded: the proxy and the sidecar, on ports of the kernel. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { Child } from '../processes/child.ts'
import type { EtcdCluster } from '../etcd/cluster.ts'
import { type Change, Sidecar } from '../router/sidecar.ts'
import { freePorts } from '../net/ports.ts'

/** Only who is root can become somebody else. */
const AS_OURSELVES: readonly Change[] = process.getuid?.() === 0 ? [] : [['\tuser haproxy\n\tgroup haproxy\n', '']]

const PROXY_LOG = 'proxy.log'

interface ProxyPorts {
  readonly primary: number
  readonly replicas: number
  readonly stats: number
}

/** What is changed in the files of an example, which one the proxy reads, and how it is run. */
interface Way {
  readonly changes: (dir: string, ports: ProxyPorts) => readonly Change[]
  readonly file: string
  readonly command: (file: string, dir: string) => readonly [program: string, ...args: string[]]
}

const WAYS = {
  'nginx-stream': {
    changes: (dir, { primary, replicas }) => [
      ['/etc/nginx/nginx.conf', join(dir, 'etc/nginx.conf')],
      ['/etc/patroni-router/nginx', join(dir, 'nginx')],
      ['/run/nginx.pid', join(dir, 'pid')],
      ['/var/log/nginx', dir],
      ['listen 5000', `listen 127.0.0.1:${primary}`],
      ['listen 5001', `listen 127.0.0.1:${replicas}`],
      ['sport = :5000', `sport = :${primary}`],
      ['nginx -s reload', `nginx -c ${join(dir, 'etc/nginx.conf')} -s reload`],
    ],
    file: 'nginx.conf',
    command: (file) => ['/usr/sbin/nginx', '-c', file, '-g', 'daemon off;'],
  },
  haproxy: {
    changes: (dir, { primary, replicas, stats }) => [
      ['/etc/haproxy', join(dir, 'etc')],
      ['/etc/patroni-router/haproxy', join(dir, 'haproxy')],
      ['*:5000', `127.0.0.1:${primary}`],
      ['*:5001', `127.0.0.1:${replicas}`],
      ['*:7000', `127.0.0.1:${stats}`],
      ['sport = :5000', `sport = :${primary}`],
      ['systemctl reload haproxy', reloadHaproxy(dir)],
      ...AS_OURSELVES,
    ],
    file: 'haproxy.cfg',
    command: (file, dir) => ['haproxy', '-W', '-f', file, '-p', join(dir, 'pid')],
  },
} satisfies Readonly<Record<string, Way>>

/**
 * What systemd does with Debian's unit: it signals the master process and begins no other reload before that one is ready again. HAProxy
 * 2.6 loses a SIGUSR2 that comes while it reloads.
 */
function reloadHaproxy(dir: string): string {
  const [pid, log] = [join(dir, 'pid'), join(dir, PROXY_LOG)]
  const isReady = `awk "/Reloading/ { begun++ } /Loading/ { done++ } END { exit !(begun > $before && done > begun) }" ${log}`
  return `before=$(grep -c Reloading ${log}); kill -USR2 $(cat ${pid}); until ${isReady}; do sleep 0.01; done`
}

export type ExampleProxy = keyof typeof WAYS
export const EXAMPLE_PROXIES = Object.keys(WAYS) as readonly ExampleProxy[]

export interface Proxied {
  readonly sidecar: Sidecar
  readonly proxy: Child
  readonly ports: ProxyPorts
}

/** Renders the files as the README says and starts the proxy on them. The router is not started. */
export async function startExampleProxy(
  example: ExampleProxy,
  etcd: EtcdCluster,
  more: readonly Change[] = [],
): Promise<Proxied> {
  const way: Way = WAYS[example]
  const [primary = 0, replicas = 0, stats = 0] = await freePorts(3)
  const ports = { primary, replicas, stats }
  const sidecar = Sidecar.prepare(example, etcd, (dir) => [...way.changes(dir, ports), ...more])
  const file = join(sidecar.mkdir('etc'), way.file)
  const { code, stdout, stderr } = await sidecar.command('render', '--no-commands')
  assert.equal(code, 0, stdout + stderr)
  const options = { cwd: sidecar.path, logFile: join(sidecar.path, PROXY_LOG) }
  const [program, ...args] = way.command(file, sidecar.path)
  return { sidecar, proxy: await Child.start(program, args, options), ports }
}
