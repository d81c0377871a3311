/** Both etcds whose endpoints are SRV records of a real DNS server. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Lookups } from '../../../src/names/lookups.ts'
import type { EtcdConfig } from '../../../src/watcher/dcs/etcd-common/section.ts'
import { createDcs } from '../../../src/watcher/dcs/create.ts'
import { RestClient } from '../../../src/watcher/checks/rest-client.ts'
import { checkOnline } from '../../../src/watcher/online.ts'
import { EtcdCluster, type EtcdSettings } from '../../support/etcd/cluster.ts'
import { EtcdV2Cluster } from '../../support/etcd/v2-cluster.ts'
import { CertificateAuthority } from '../../support/files/certificates.ts'
import { TempDir } from '../../support/files/temp.ts'
import { DnsServer, type ServiceRecords } from '../../support/net/dns.ts'
import { Relay } from '../../support/net/relay.ts'
import { until } from '../../support/until.ts'
import { SourceObserver } from './observer.ts'
import { clusterConfig } from './watched.ts'

const LEADER = '/service/demo/leader'
const SYSTEM_ID = '7268616322854375442'
const NEVER = new AbortController().signal

interface Server extends AsyncDisposable {
  readonly hosts: readonly string[]
  readonly peers: readonly string[]
  readonly port: number
  set(key: string, value: string): Promise<unknown>
  /** Ends it and gives back what starts it again. */
  stop(): Promise<() => Promise<void>>
}

async function serverOf(kind: 'etcd' | 'etcd3', settings: EtcdSettings & { members?: number } = {}): Promise<Server> {
  const v2 = kind === 'etcd' ? await EtcdV2Cluster.start(settings) : null
  const etcd = v2?.etcd ?? (await EtcdCluster.start(settings))
  return {
    hosts: etcd.hosts,
    peers: etcd.servers.map(({ peerPort }) => `127.0.0.1:${peerPort}`),
    port: etcd.server.port,
    set: (key, value) => v2?.client.set(key, value) ?? etcd.client.put(key, value),
    async stop() {
      await etcd.server.stop()
      return async () => etcd.server.start()
    },
    [Symbol.asyncDispose]: async () => etcd.close(),
  }
}

/** The targets of records are names: dnsmasq takes no addresses there. */
function named(hosts: readonly string[]): string[] {
  return hosts.map((host) => host.replace('127.0.0.1', 'localhost'))
}

for (const kind of ['etcd3', 'etcd'] as const)
  describe(`SRV records of ${kind}`, () => {
    let dns: DnsServer
    let etcd: Server
    before(async () => {
      ;[dns, etcd] = await Promise.all([DnsServer.start({}), serverOf(kind, { members: 3 })])
      await etcd.set('/service/demo/initialize', SYSTEM_ID)
    })
    after(async () => Promise.all([dns.close(), etcd[Symbol.asyncDispose]()]))

    const lookups = (): Lookups => new Lookups({ resolveServices: dns.services })
    const configOf = (settings: Partial<EtcdConfig> = {}) => {
      const open = { protocol: 'http', auth: null, caFile: null, certFile: null, keyFile: null } as const
      const srv = { domain: 'example.org', suffix: null }
      const dcs = { ...{ kind, endpoints: [], srv, useProxies: true }, ...open, ...settings }
      const config = clusterConfig([])
      const check = { ...config.proxy.check, timeoutMs: 5000 }
      return { ...config, dcs, proxy: { ...config.proxy, check } }
    }
    const observe = (settings: Partial<EtcdConfig> = {}): SourceObserver => {
      const config = configOf(settings)
      return new SourceObserver(createDcs(config, new RestClient(config.restApi, 300, lookups())))
    }
    const check = async (settings: Partial<EtcdConfig> = {}): Promise<string[]> => {
      const findings = await checkOnline(configOf(settings), NEVER, { names: { resolveServices: dns.services } })
      return findings.map(({ subject, ok, message }) => `${ok ? 'ok' : 'NO'} ${subject}: ${message}`)
    }
    const lost = (observer: SourceObserver): string => observer.losses[0]?.error.message ?? ''

    const FOUND: readonly (readonly [title: string, suffix: string | null, records: () => ServiceRecords])[] = [
      ['of client ports', null, () => ({ '_etcd-client._tcp.example.org': named(etcd.hosts) })],
      ['of client ports with a suffix', 'main', () => ({ '_etcd-client-main._tcp.example.org': named(etcd.hosts) })],
      ['of peer ports', null, () => ({ '_etcd-server._tcp.example.org': named(etcd.peers) })],
      [
        'of peer ports with a suffix, the first of which is dead',
        'main',
        () => ({ '_etcd-server-main._tcp.example.org': ['localhost:1', ...named(etcd.peers)] }),
      ],
    ]
    for (const [title, suffix, records] of FOUND)
      test(`${title} lead to it, also in the check of what is online`, async () => {
        await dns.serve(records())
        await etcd.set(LEADER, 'pg0')
        const srv = { domain: 'example.org', suffix }
        await using observer = observe({ srv })
        await observer.leader('pg0')
        await etcd.set(LEADER, 'pg1')
        await observer.leader('pg1')
        assert.deepEqual(observer.losses, [])
        const lines = await check({ srv, useProxies: false })
        const subjects = lines.map((line) => line.split(': ')[0])
        const hosts = title.includes('client') ? named(etcd.hosts) : etcd.hosts
        assert.deepEqual(
          subjects,
          hosts.toSorted().map((host, index) => `${index === 0 ? 'NO' : 'ok'} DCS at ${host}`),
        )
        assert.match(lines[0] ?? '', /: the cluster has no members \(leader pg1\)$/)
      })

    test('lead to where it has moved to', async () => {
      await using one = await serverOf(kind)
      await one.set(LEADER, 'pg0')
      const [old, moved] = [await Relay.start(one.port), await Relay.start(one.port)]
      await dns.serve({ '_etcd-client._tcp.example.org': [`localhost:${old.port}`] })
      await using observer = observe()
      await observer.leader('pg0')
      await dns.serve({ '_etcd-client._tcp.example.org': [`localhost:${moved.port}`] })
      await one.set(LEADER, 'pg1')
      await observer.leader('pg1')
      const from = observer.seen.length
      await old.close()
      const isMoved = ({ type, endpoint }: { type: string; endpoint: string }): boolean =>
        type === 'snapshot' && endpoint === `localhost:${moved.port}`
      await observer.until('it is read there', isMoved, { from })
      assert.deepEqual(observer.leaders, ['pg0', 'pg1'])
      assert.ok(observer.snapshots.every(({ restored }) => !restored))
      await observer.stop()
      await moved.close()
    })

    test('are not needed for its return while the DNS does not answer', async () => {
      await using one = await serverOf(kind)
      await dns.serve({ '_etcd-client._tcp.example.org': named(one.hosts) })
      await using observer = observe()
      await observer.leader(null)
      dns.freeze()
      try {
        const start = await one.stop()
        await until('it is lost several times', () => observer.losses.length > 1)
        await start()
        const since = performance.now()
        const seen = await observer.until('it is read', ({ type }) => type === 'snapshot', {
          from: observer.seen.length,
        })
        assert.ok(seen.at - since < 3500, `${seen.at - since} ms`)
      } finally {
        dns.thaw()
      }
    })

    test('that do not exist name the setting, where no hosts do', async () => {
      await dns.serve({})
      const none = `there is none of _etcd-client._tcp, nor of another service of etcd: correct ${kind}.srv`
      {
        await using observer = observe()
        await until('it is lost', () => observer.losses.length > 0)
        assert.equal(lost(observer), `etcd at the SRV records of example.org cannot be read: ${none}`)
        assert.deepEqual(await check(), [`NO DCS at the SRV records of example.org: ${none}`])
        await dns.serve({ '_etcd-client._tcp.example.org': named(etcd.hosts) })
        await observer.until('it is read', ({ type }) => type === 'snapshot')
      }
      await dns.serve({})
      await using observer = observe({ endpoints: etcd.hosts })
      await observer.until('it is read', ({ type }) => type === 'snapshot')
      assert.deepEqual(observer.losses, [])
      assert.equal((await check({ endpoints: etcd.hosts })).length, 3)
    })

    test('with ssl in their names turn TLS on', async () => {
      await using dir = TempDir.create('srv-tls')
      const ca = CertificateAuthority.create(dir.path)
      const tls = { ca: ca.cert, server: ca.server() }
      await using secure = await serverOf(kind, { tls })
      await secure.set(LEADER, 'pg0')
      for (const records of [
        { '_etcd-client-ssl._tcp.example.org': named(secure.hosts), '_etcd-client._tcp.example.org': ['localhost:1'] },
        // Peers without TLS, clients with it.
        { '_etcd-server._tcp.example.org': named(secure.peers) },
      ]) {
        await dns.serve(records)
        await using observer = observe({ caFile: ca.cert })
        await observer.leader('pg0')
        assert.deepEqual(observer.losses, [])
        assert.match((await check({ caFile: ca.cert })).join('\n'), /^NO DCS .*: the cluster has no members .*pg0\)$/)
      }
      await using stranger = observe()
      await until('it is lost', () => stranger.losses.length > 0)
      assert.match(lost(stranger), new RegExp(`set ${kind}\\.cacert to the file of the CA that signed its certificate`))
    })
  })
