import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { EtcdCluster } from '../support/etcd/cluster.ts'
import { Holders } from '../support/clients/holders.ts'
import { PatroniCluster } from '../support/patroni/cluster.ts'
import type { PatroniMember } from '../support/patroni/member.ts'
import { type LogLine, RouterProcess } from '../support/router/process.ts'
import { sql } from '../support/clients/sql.ts'
import { until } from '../support/until.ts'
import { type Chapter, Chronicle } from './support/chronicle.ts'
import { settled } from './support/settled.ts'

// What the log and `status` say while things happen to a real cluster, beside patronictl: nothing untrue, nothing silent.

let etcd: EtcdCluster
let cluster: PatroniCluster
let router: RouterProcess
let chronicle: Chronicle
let leader: PatroniMember

before(async () => {
  etcd = await EtcdCluster.start()
  cluster = await PatroniCluster.start({ dcs: etcd })
  router = await RouterProcess.forCluster(cluster)
  chronicle = new Chronicle(cluster, router)
})

after(async () => {
  await router[Symbol.asyncDispose]()
  await cluster.stop()
  await etcd.close()
})

beforeEach(async () => {
  leader = await settled(cluster, router)
})

/** The messages of a chapter that are about the primary, in order, with their levels. */
function told({ log }: Chapter): string[] {
  return log.map(({ level, msg }) => `${level} ${msg}`)
}

function assertTold(chapter: Chapter, ...expected: readonly RegExp[]): void {
  let rest = told(chapter)
  for (const each of expected) {
    const at = rest.findIndex((line) => each.test(line))
    assert.notEqual(at, -1, `${chapter.title}: nothing like ${String(each)} in\n${told(chapter).join('\n')}`)
    rest = rest.slice(at + 1)
  }
}

/** Nobody is promoting but who becomes the primary next, and a lag of 0 has only who is there. */
function assertTrue(chapter: Chapter): void {
  for (const { status, text } of chapter.samples) {
    const view = status.clusters[0]
    assert.ok(view)
    for (const { name, gone, state, lagBytes } of view.members) {
      if (gone || state !== 'running') assert.equal(lagBytes, null, `${chapter.title}: ${name} has a lag\n${text}`)
    }
    if (view.primary.state === 'promoting') assert.match(view.primary.reason, /is being promoted/, text)
    assert.doesNotMatch(text, /No replica|since \d+[smhd]|nobody/i)
  }
  assert.doesNotMatch(told(chapter).join('\n'), /another one|nobody|proved? /)
}

/** In the end `status` and patronictl agree. */
async function assertAsListed(): Promise<void> {
  await until(
    'status says what patronictl says',
    async () => {
      const [{ status }, listed] = [await chronicle.status(), await chronicle.listed()]
      const members = status.clusters[0]?.members ?? []
      const own = members.map(({ name, isLeader, state, timeline }) => [
        name,
        isLeader ? 'Leader' : 'Replica',
        state,
        timeline,
      ])
      const theirs = listed.map((row) => [row.Member, row.Role, row.State, row.TL])
      assert.deepEqual(own, theirs)
      return true
    },
    { everyMs: 200 },
  )
}

test('a start', async () => {
  await router.stop()
  const chapter = await chronicle.record('the router starts', async (from) => {
    await router.start()
    await router.waitForLog('open', ({ event }) => event === 'primary-open', { from })
  })
  assertTold(
    chapter,
    /^info DCS: reading/,
    new RegExp(`^info leader is ${leader.name}$`),
    new RegExp(`^info primary: checking ${leader.name}, which holds the leader lock$`),
    new RegExp(`^info primary: ${leader.name} OPEN: it holds the leader lock and /primary confirms it$`),
  )
  assertTrue(chapter)
  await assertAsListed()
})

test('a planned switchover', async () => {
  const [candidate] = await cluster.replicas()
  const holders = [await Holders.open(router.primaryPort, 3), await Holders.open(router.replicaPort, 3)]
  const chapter = await chronicle.record('planned switchover', async () => {
    const { status } = await cluster.switchover({ candidate: candidate?.name ?? '' })
    assert.equal(status, 200)
    await settled(cluster, router)
  })
  assertTrue(chapter)
  await Promise.all(holders.map((each) => each.close()))
  assert.deepEqual(
    told(chapter).filter((line) => !line.startsWith('info')),
    [],
  )
  await assertAsListed()
})

test('a crash of the leader', async () => {
  const chapter = await chronicle.record('the leader crashes', async () => {
    await leader.crash()
    await cluster.waitForLeader({ not: leader })
    await leader.start()
    await settled(cluster, router)
  })
  const next = `pg[^${leader.name.at(-1) ?? ''}]`
  assertTold(
    chapter,
    new RegExp(`^warn primary: ${leader.name} UNREACHABLE: `),
    new RegExp(`^warn leader key of ${leader.name} is gone \\(expired or deleted\\)$`),
    /^warn no primary: the leader key is gone and no member reports that it is the primary$/,
    new RegExp(`^info primary: checking ${next}, which holds the leader lock$`),
    new RegExp(`^info primary: ${next} OPEN: `),
    new RegExp(`^info replica ${leader.name} is available for reads$`),
  )
  assertTrue(chapter)
  await assertAsListed()
})

test('the leader loses its Patroni only', async () => {
  const chapter = await chronicle.record("kill of the leader's Patroni only", async () => {
    leader.patroni.signal('SIGKILL')
    await cluster.waitForLeader({ not: leader })
    await leader.crash()
    await leader.start()
    await settled(cluster, router)
  })
  assertTold(chapter, /^warn primary: pg\d does not answer and stays OPEN until its leader key expires/)
  assertTrue(chapter)
})

test("a pause, in which the leader's Patroni is stopped for longer than ttl", async () => {
  await using holders = await Holders.open(router.primaryPort, 3)
  const chapter = await chronicle.record(
    "pause; the leader's Patroni stopped for longer than ttl, and started; resume",
    async (from) => {
      await cluster.pause()
      await router.waitForLog('the pause', ({ event }) => event === 'paused', { from })
      assert.match((await chronicle.status()).text, /Patroni is paused/)
      await leader.terminate()
      const isKeyGone = ({ event, to }: LogLine): boolean => event === 'leader-changed' && to === null
      await router.waitForLog('that the key is gone', isKeyGone, { from })
      assert.equal(await holders.ping(), 0)
      assert.equal(await leader.writable(), true)
      await leader.start()
      await cluster.waitForLeader({ name: leader.name })
      await cluster.resume()
      await settled(cluster, router)
    },
  )
  await holders.close()
  assertTold(
    chapter,
    /^info Patroni is paused/,
    /^warn primary: pg\d does not answer and stays OPEN until its leader key expires/,
    /^warn leader key of pg\d is gone/,
    /^warn no primary/,
    /^info primary: pg\d OPEN/,
  )
  assertTold(chapter, /^info Patroni is no longer paused/)
  assertTrue(chapter)
})

test("a pause, in which the leader's Patroni is stopped for less than ttl", async () => {
  const chapter = await chronicle.record(
    "pause; the leader's Patroni stopped and started within ttl; resume",
    async (from) => {
      await cluster.pause()
      await leader.terminate()
      await router.waitForLog('the silence', ({ event }) => event === 'primary-silent', { from })
      await leader.start()
      await until('Patroni answers', () => leader.status())
      await cluster.resume()
      await settled(cluster, router)
    },
  )
  assertTold(chapter, /^info Patroni is paused/, /^warn .* stays OPEN/, /^info primary: .*(answers again|OPEN)/)
  assertTold(chapter, /^info Patroni is no longer paused/)
  assertTrue(chapter)
})

test('a replica is created again', async () => {
  const [replica] = await cluster.replicas()
  const name = replica?.name ?? ''
  const before = router.log.length
  const chapter = await chronicle.record('reinit of a replica', async () => {
    const { status, text } = (await replica?.rest('POST', '/reinitialize', { force: true })) ?? {}
    assert.equal(status, 200, text)
    // Its key says `running` until Patroni's next loop, and the router asks it once in an interval.
    const isBack = (): boolean =>
      router.log.slice(before).some(({ msg }) => msg === `replica ${name} is available for reads`)
    await until('it has been made, and serves again', isBack)
    await settled(cluster, router)
  })
  assertTold(
    chapter,
    new RegExp(`^warn replica ${name} is not available`),
    new RegExp(`^info replica ${name} is available`),
  )
  assertTrue(chapter)
})

test('a restart of the leader', async () => {
  const chapter = await chronicle.record("restart of the leader's Postgres", async () => {
    // Between two checks only a client would notice.
    const restarting = leader.restartPostgres()
    let isOver = false
    void restarting.finally(() => (isOver = true))
    await until(
      'the restart is over',
      async () => {
        await sql(router.primaryPort, 'SELECT 1').catch(() => null)
        return isOver
      },
      { everyMs: 20, timeoutMs: 60_000 },
    )
    await restarting
    await settled(cluster, router)
  })
  assertTold(
    chapter,
    /^(info primary: pg\d (NOT CONFIRMED|STOPPING)|warn primary: pg\d UNREACHABLE): /,
    /^info primary: pg\d OPEN: /,
  )
  assertTrue(chapter)
})

test('planned events: a switchover that is cancelled, a restart that waits', async () => {
  const chapter = await chronicle.record(
    'scheduled switchover, called off; a setting that needs a restart',
    async () => {
      const { text } = await cluster.switchover({ scheduledAt: new Date(Date.now() + 3_600_000) })
      assert.match(text, /scheduled/)
      await until('status shows it', async () =>
        / Scheduled +switchover from pg\d to/.test((await chronicle.status()).text),
      )
      await cluster.cancelSwitchover()
      await until('it is gone', async () => !/ Scheduled /.test((await chronicle.status()).text))
      await cluster.configure({ postgresql: { parameters: { max_connections: 1_400 } } })
      await until('status shows it', async () =>
        / Restart +pending on pg0, pg1, pg2\n/.test((await chronicle.status()).text),
      )
      await cluster.configure({ postgresql: { parameters: { max_connections: 1_500 } } })
      await until('nothing is pending', async () => !/ Restart /.test((await chronicle.status()).text))
    },
  )
  assert.deepEqual(
    told(chapter).map((line) => line.replace(/ for \d.*/, '')),
    [
      `info switchover from ${leader.name} to another member scheduled`,
      `info cancelled: switchover from ${leader.name} to another member scheduled`,
    ],
  )
  assertTrue(chapter)
  await assertAsListed()
})

test('a replica that is promoted by hand in a pause', async () => {
  const [replica] = await cluster.replicas()
  const name = replica?.name ?? ''
  const chapter = await chronicle.record('pause; a second primary; resume', async (from) => {
    await cluster.pause()
    await replica?.promoteByHand()
    await router.waitForLog('it', ({ msg }) => msg.includes('without the leader lock'), { from })
    await until('its lag is unknown', async () => {
      const { text } = await chronicle.status()
      assert.match(
        text,
        new RegExp(` Not used +${name}: it runs as a primary without the leader lock \\(timeline \\d+\\)`),
      )
      return new RegExp(`\\| ${name} .*\\| +unknown \\|`).test(text)
    })
    await cluster.resume()
    await settled(cluster, router)
  })
  assertTold(
    chapter,
    /^info Patroni is paused/,
    new RegExp(`^warn ${name} is not available for reads: it runs as a primary without the leader lock`),
    /^info Patroni is no longer paused/,
    new RegExp(`^info replica ${name} is available for reads`),
  )
  assert.ok(chapter.samples.every(({ status }) => status.clusters[0]?.primary.member === leader.name))
  assertTrue(chapter)
})

test('an etcd that is down for so long that Patroni demotes its leader', async () => {
  const chapter = await chronicle.record('etcd away until the leader is demoted, and back', async (from) => {
    await Promise.all(etcd.servers.map((server) => server.stop()))
    await router.waitForLog('the loss', ({ event }) => event === 'dcs-lost', { from })
    await until('the leader is demoted', async () => !(await leader.writable().catch(() => false)), {
      timeoutMs: 60_000,
    })
    await etcd.startAll()
    await settled(cluster, router)
  })
  assertTold(chapter, /^warn DCS lost/, /^info DCS: reading .* again/)
  assertTrue(chapter)
})

test('the router ends', async (t) => {
  await using holders = await Holders.open(router.primaryPort, 1)
  const chapter = await chronicle.record('SIGTERM with a session that stays', async (from) => {
    router.process.signal('SIGTERM')
    await router.waitForLog('that it drains', ({ event }) => event === 'draining', { from })
    const { code, stdout } = await router.command('status')
    assert.equal(code, 1)
    assert.match(stdout, /^primary: pg\d, but this router is SHUTTING DOWN: no new connections are accepted/)
    await holders.close()
    assert.equal((await router.process.exited).code, 0)
  })
  assertTrue(chapter)
  t.diagnostic(chronicle.toString())
})
