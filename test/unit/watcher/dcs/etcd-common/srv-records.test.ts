/** Which SRV records count, in Patroni's order, and what a DNS that says nothing means. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RouterError } from '../../../../../src/errors.ts'
import { NoRecords, srvServices } from '../../../../../src/watcher/dcs/etcd-common/srv-records.ts'

type Records = Readonly<Record<string, readonly string[] | Error>>

const failure = (code: string): Error => Object.assign(new Error(`querySrv ${code}`), { code })
const SILENT = failure('ETIMEOUT')
/** What the members of peers answer, by `protocol://host:port`. */
type Peers = Readonly<Record<string, readonly string[] | null>>

/** A DNS that can be changed. */
function scene(suffix: string | null = null, peers: Peers = {}) {
  const zone: { records: Records } = { records: {} }
  const names: string[] = []
  const asked: string[] = []
  const services = srvServices({
    srv: { domain: 'example.org', suffix },
    setting: 'etcd.srv',
    async resolve(name) {
      names.push(name)
      const answer = zone.records[name.slice('_etcd'.length, -'._tcp.example.org'.length)] ?? failure('ENOTFOUND')
      if (answer instanceof Error) return Promise.reject(answer)
      return Promise.resolve(
        answer.map((record) => {
          const [host = '', port] = record.split(':')
          return { name: host, port: Number(port) }
        }),
      )
    },
    members(protocol, endpoint) {
      asked.push(`${protocol}://${endpoint}`)
      const urls = peers[`${protocol}://${endpoint}`] ?? null
      return Promise.resolve(urls === null ? null : JSON.stringify(urls.map((url) => ({ clientURLs: [url] }))))
    },
  })
  return { zone, names, asked, services }
}

describe('the SRV records of etcd', () => {
  const ORDER = ['-client-ssl', '-client', '-ssl', '', '-server-ssl', '-server']
  const PEERS = { 'https://a:1': ['https://a:2379'], 'http://a:1': ['http://a:2379'] }

  for (const suffix of [null, 'main'])
    test(`are read in Patroni's order, ${suffix === null ? 'without' : 'with'} a suffix`, async () => {
      const behind = suffix === null ? '' : `-${suffix}`
      for (const [index, service] of ORDER.entries()) {
        const { zone, names, services } = scene(suffix, PEERS)
        zone.records = Object.fromEntries(ORDER.slice(index).map((later) => [`${later}${behind}`, ['a:1']]))
        const isServer = service.startsWith('-server')
        assert.deepEqual(await services.find(), {
          protocol: service.endsWith('-ssl') ? 'https' : 'http',
          endpoints: [isServer ? 'a:2379' : 'a:1'],
        })
        assert.ok(names.includes(`_etcd${service}${behind}._tcp.example.org`))
        zone.records = { [`${service}${behind}`]: ['b:2', 'a:1', 'a:1'] }
        const { endpoints } = await services.find()
        assert.deepEqual(endpoints, isServer ? ['a:2379'] : ['a:1', 'b:2'])
      }
    })

  test('that name the root say that there is no such service', async () => {
    const { zone, services } = scene()
    zone.records = { '-client-ssl': [':0'], '-client': ['a:1'] }
    assert.deepEqual(await services.find(), { protocol: 'http', endpoints: ['a:1'] })
  })

  test('of servers lead to the client URLs of the first peer that answers, with TLS as these have it', async () => {
    const peers: Peers = {
      'https://a:1': null,
      'https://b:1': [],
      'https://c:1': ['http://c:2379', 'http://d:80'],
      'https://d:1': ['https://never'],
    }
    const { zone, asked, services } = scene(null, peers)
    zone.records = { '-server-ssl': ['d:1', 'c:1', 'b:1', 'a:1'] }
    assert.deepEqual(await services.find(), { protocol: 'http', endpoints: ['c:2379', 'd:80'] })
    assert.deepEqual(asked, ['https://a:1', 'https://b:1', 'https://c:1'])
  })

  test('of servers none of which answers leave the next service to count', async () => {
    const { zone, services } = scene(null, { 'http://b:1': ['http://b'] })
    zone.records = { '-server-ssl': ['a:1'], '-server': ['b:1'] }
    assert.deepEqual(await services.find(), { protocol: 'http', endpoints: ['b:80'] })
    zone.records = { '-server-ssl': ['a:1'] }
    await assert.rejects(services.find(), NoRecords)
  })

  test('that are not there name the setting', async () => {
    const { zone, services } = scene('main')
    await assert.rejects(services.find(), {
      message: 'there is none of _etcd-client-main._tcp, nor of another service of etcd: correct etcd.srv',
    })
    zone.records = { '-client-main': failure('ENODATA') }
    await assert.rejects(services.find(), NoRecords)
    assert.equal(services.name, 'the SRV records of example.org')
  })

  test('of a DNS that does not answer say nothing, not even that there are none', async () => {
    const { zone, services } = scene()
    zone.records = { '-ssl': SILENT }
    const error: unknown = await services.find().catch((reason: unknown) => reason)
    assert.ok(error instanceof RouterError && !(error instanceof NoRecords))
    assert.equal(error.message, 'they cannot be looked up: querySrv ETIMEOUT')
  })

  test('of which one has no answer do not replace what was found before by those after it', async () => {
    const { zone, services } = scene()
    zone.records = { '-client-ssl': SILENT, '-client': ['plain:1'] }
    assert.deepEqual(await services.find(), { protocol: 'http', endpoints: ['plain:1'] })
    zone.records = { '-client-ssl': ['tls:1'], '-client': ['plain:1'] }
    const tls = { protocol: 'https', endpoints: ['tls:1'] }
    assert.deepEqual(await services.find(), tls)
    zone.records = { '-client-ssl': SILENT, '-client': ['plain:1'] }
    assert.deepEqual(await services.find(), tls)
    // One that comes later does not matter.
    zone.records = { '-client-ssl': ['tls:2'], '-client': SILENT }
    assert.deepEqual(await services.find(), { protocol: 'https', endpoints: ['tls:2'] })
    zone.records = { '-client': ['plain:1'] }
    assert.deepEqual(await services.find(), { protocol: 'http', endpoints: ['plain:1'] })
  })
})
