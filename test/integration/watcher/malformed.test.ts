/** The watcher while what answers at the members' REST API is not Patroni's answer. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { FileDcs } from '../../../src/watcher/dcs/file-dcs.ts'
import { RestDcs } from '../../../src/watcher/dcs/rest-dcs.ts'
import { RestClient } from '../../../src/watcher/rest.ts'
import { TempDir } from '../../support/temp.ts'
import { until } from '../../support/until.ts'
import { FakeMember, SYSTEM_ID } from './fake-member.ts'
import { clusterConfig, Watched } from './watched.ts'

const ok = (body: string): string => `HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n${body}`

const PATRONI = `{"state":"running","role":"primary","timeline":1,"xlog":{"location":100},\
"database_system_identifier":"${SYSTEM_ID}","patroni":{"version":"4.1.4","scope":"demo","name":"pg0"}}`

const ANSWERS: Readonly<Record<string, string | Buffer>> = {
  'an empty body': ok(''),
  'a body that is cut off': ok(PATRONI.slice(0, 100)),
  'a page': ok('<html>Welcome to nginx!</html>'),
  'JSON of something else': ok('{"status":"UP","members":[]}'),
  'a list': ok(`[${PATRONI}]`),
  null: ok('null'),
  'a body that is shorter than announced': `HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n${PATRONI}`,
  'a body that is longer than announced': `HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n${PATRONI}`,
  'a body without end': ok(`{"a":"${'x'.repeat(400_000)}"`),
  'a body that is nested without end': ok('{"patroni":'.repeat(20_000)),
  'a name that is not UTF-8': Buffer.from(ok(PATRONI.replace('pg0', 'p\xff')), 'latin1'),
  'no HTTP': 'SSH-2.0-OpenSSH_9.2\r\n',
  nothing: '',
  'a 503 of a load balancer': 'HTTP/1.0 503 Service Unavailable\r\n\r\nno healthy upstream',
  "a 502 with Patroni's body": `HTTP/1.0 502 Bad Gateway\r\n\r\n${PATRONI.replace('primary', 'replica')}`,
  'a redirect': 'HTTP/1.0 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n',
  'no content': 'HTTP/1.1 204 No Content\r\n\r\n',
}

describe("an answer that is not Patroni's", () => {
  let dir: TempDir
  let pg0: FakeMember
  let pg1: FakeMember

  beforeEach(async () => {
    dir = TempDir.create('malformed')
    pg0 = await FakeMember.start('pg0', 'primary')
    pg1 = await FakeMember.start('pg1', 'replica')
    for (const one of [pg0, pg1]) {
      one.cluster = { members: [pg0.entry('leader'), pg1.entry('replica')], scope: 'demo' }
    }
  })
  afterEach(async () => {
    await pg0[Symbol.asyncDispose]()
    await pg1[Symbol.asyncDispose]()
    await dir.remove()
  })

  const ofFile = (leader: string | null): Watched => {
    const members = Object.fromEntries(
      [pg0, pg1].map(({ name, port, url }) => [name, { host: '127.0.0.1', port, api_url: url }]),
    )
    const path = join(dir.path, 'cluster.json')
    writeFileSync(path, JSON.stringify({ initialize: SYSTEM_ID, members, ...(leader === null ? {} : { leader }) }))
    return new Watched([], { dcs: new FileDcs({ path, intervalMs: 300 }) })
  }
  const ofMembers = (): Watched => {
    const { restApi, proxy } = clusterConfig([])
    const restClient = new RestClient(restApi, proxy.check.timeoutMs)
    const config = { kind: 'rest', urls: [pg0.url, pg1.url] } as const
    return new Watched([], {
      dcs: new RestDcs({ config, restClient, scope: 'demo', intervalMs: 300, fastIntervalMs: 30 }),
    })
  }
  /** So many answers to questions that were asked from now on. */
  const askedAgain = async (member: FakeMember, path: string, times: number): Promise<void> => {
    const count = (): number => member.asked.filter((one) => one === path).length
    const before = count()
    await until(`${path} is asked ${times} times`, () => count() > before + times)
  }

  for (const [what, bytes] of Object.entries(ANSWERS)) {
    test(`closes no session of whom the DCS names, nor the replica's: ${what}`, async () => {
      await using watched = ofFile('pg0')
      await watched.until('open pg0')
      await until('pg1 is fit', () => watched.member('pg1').replica.fit)
      const [from, { epoch }] = [watched.views.length, watched.view.primary]
      pg0.instead = bytes
      pg1.instead = bytes
      await askedAgain(pg0, '/primary', 1)
      pg1.instead = null
      await askedAgain(pg1, '/replica', 1)
      await askedAgain(pg0, '/primary', 6)
      assert.deepEqual(watched.states(from), ['open pg0'])
      assert.equal(watched.view.primary.epoch, epoch)
      const unfit = watched.views.slice(from).filter(({ members }) => members.some(({ replica }) => replica.down))
      assert.equal(unfit.length, 0)
      assert.equal(watched.member('pg1').replica.fit, true)
    })

    test(`ends a proof without a lock after as many times as silence does: ${what}`, async () => {
      await using watched = ofMembers()
      await watched.until('open pg0')
      const { epoch } = watched.view.primary
      pg0.instead = bytes
      await askedAgain(pg0, '/primary', 1)
      pg0.instead = null
      await askedAgain(pg0, '/primary', 2)
      assert.equal(watched.primary, 'open pg0')
      assert.equal(watched.view.primary.epoch, epoch, 'once')
      const since = pg0.asked.filter((path) => path === '/primary').length
      pg0.instead = bytes
      await watched.until('none')
      const times = pg0.asked.filter((path) => path === '/primary').length - since
      assert.ok(times >= 3 && times <= 5, `after ${times} times`)
    })
  }
})
