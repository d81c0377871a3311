/** Track files and the `track` command of the real program, on a real etcd, with members that answer as the test wants. */
import assert from 'node:assert/strict'
import { connect, createServer } from 'node:net'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { clock, until } from '../../support/until.ts'
import { Scene } from '../templates/scene.ts'
import { Api } from '../watcher/api.ts'

describe('track', () => {
  let scene: Scene

  before(async () => (scene = await Scene.create()))
  after(async () => scene[Symbol.asyncDispose]())
  beforeEach(async () => scene.reset())
  afterEach(async () => scene.stop())

  const FILES = { leader: 'local-leader', other: 'local-leader', primary: 'primary', replicas: 'replicas' } as const

  /** As member pg0's neighbour; `other` is about pg1. */
  async function run(rest: object = {}): Promise<void> {
    const files = Object.entries(FILES).map(([name, when]) => ({
      path: scene.path(`${name}.track`),
      when,
      ...(name === 'other' ? { member: 'pg1' } : {}),
    }))
    await scene.run([], { name: 'pg0', track: { files }, ...rest })
    // It listens before it has taken back what a router that was killed has left in the files.
    await scene.router.waitForLog('that it is running', ({ event }) => event === 'started')
  }

  const said = (): Record<string, string> =>
    Object.fromEntries(Object.keys(FILES).map((name) => [name, scene.lines(`${name}.track`).join()]))
  const says = async (expected: Partial<Record<keyof typeof FILES, 0 | 1>>): Promise<unknown> =>
    until(`the files say ${JSON.stringify(expected)}`, () => {
      const wrong = Object.entries(expected).filter(([name, value]) => said()[name] !== String(value))
      if (wrong.length > 0) throw new Error(JSON.stringify(said()))
      return true
    })
  const track = async (...args: string[]): Promise<[code: number, text: string]> => {
    const { code, stdout, stderr } = await scene.router.command('track', ...args)
    return [code, `${stdout}${stderr}`.trimEnd()]
  }

  test('files follow the proof and not the key, and the log and the status say so', async () => {
    await run()
    await says({ leader: 1, other: 0, primary: 1, replicas: 1 })
    for (const member of scene.members) member.mode = member.name === 'pg1' ? 'promoting' : 'replica'
    await scene.put('leader', 'pg1')
    await says({ leader: 0, other: 0, primary: 0, replicas: 1 })
    const { track } = await scene.status()
    assert.deepEqual(
      track.map(({ condition, member, met, error }) => [condition, member, met, error]),
      [
        ['local-leader', 'pg0', false, null],
        ['local-leader', 'pg1', false, null],
        ['primary', null, false, null],
        ['replicas', null, true, null],
      ],
    )
    scene.member('pg1').mode = 'primary'
    scene.member('pg1').timeline = 2
    await says({ leader: 0, other: 1, primary: 1 })
    // The log is behind the files.
    const told = (): string[] =>
      scene.logged('track').map(({ file, value }) => `${String(file).split('/').at(-1)} ${String(value)}`)
    for (const line of ['leader.track 1', 'leader.track 0', 'other.track 1'])
      await until(`the log has ${line}`, () => told().includes(line))
    assert.match(
      (await scene.router.command('status')).stdout,
      /^ Track +\S+other\.track: 1 for .*, local-leader pg1:\s+pg1 is/m,
    )
    for (const member of scene.members) member.timeline = 1
  })

  test('a local member that the cluster does not have is reported once in the log, and in track and status', async () => {
    await scene.run([], {
      name: 'pg0.shop.test',
      // The other tests know nothing of the member that it adds.
      state_dir: null,
      track: { files: [{ path: scene.path('leader.track'), when: 'local-leader' }] },
    })
    await until('it is logged', () => scene.logged('local-member-unknown').length === 1)
    const text = 'no member is called pg0.shop.test: did you mean "pg0"?'
    const [code, line] = await track('local-leader')
    assert.equal(code, 1)
    assert.ok(line.startsWith(text), line)
    assert.ok((await scene.router.command('status')).stdout.replaceAll(/\s+/g, ' ').includes(text))
    await scene.put('members/pg0.shop.test', scene.member('pg0').key())
    await until('it is over', () => scene.logged('local-member-unknown-over').length === 1)
    assert.equal(scene.logged('local-member-unknown').length, 1)
  })

  test('in a switchover the leader leads until it has stopped, while no member is open any more', async () => {
    await run()
    await says({ leader: 1, primary: 1 })
    await scene.put('failover', '{"leader":"pg0","member":"pg1"}')
    await says({ leader: 1, primary: 0 })
    scene.member('pg0').mode = 'replica'
    await scene.etcd.client.delete('/service/demo/leader')
    await says({ leader: 0, primary: 0 })
  })

  test('files say 0 from SIGTERM on, while the sessions that there are may end', async () => {
    // A server that keeps its clients.
    const server = createServer((socket) => socket.once('data', () => socket.write('R\0\0\0\x08\0\0\0\0')))
    await using api = await Api.start(server)
    await scene.put('members/pg0', scene.member('pg0').key({ conn_url: `postgres://127.0.0.1:${api.port}/postgres` }))
    await run()
    await says({ leader: 1, primary: 1, replicas: 1 })
    const client = connect(scene.router.primaryPort, '127.0.0.1')
    client.on('error', () => undefined) // 'close' follows
    client.write('\0\0\0\x08\0\x03\0\0')
    await until('it is served', async () => (await scene.status()).clusters[0]?.proxy?.sessions.length)
    scene.router.process.signal('SIGTERM')
    await says({ leader: 0, other: 0, primary: 0, replicas: 0 })
    assert.equal(scene.router.process.running, true)
    assert.equal(client.readyState, 'open')
    assert.deepEqual(await track('local-leader'), [1, 'the router is shutting down'])
    assert.deepEqual(await track('replicas'), [1, 'the router is shutting down'])
    assert.match((await scene.router.command('status')).stdout, /; SHUTTING DOWN: no new connections are accepted$/m)
    client.destroy()
    assert.deepEqual(await scene.router.process.exited, { code: 0, signal: null })
    assert.deepEqual(said(), { leader: '0', other: '0', primary: '0', replicas: '0' })
    const ends = scene.logged('track').filter(({ reason }) => reason === 'the router is shutting down')
    assert.deepEqual([...new Set(ends.map(({ level }) => level))], ['info'])
  })

  test('a file that another program has changed is corrected', async () => {
    await run()
    await says({ leader: 1, other: 0 })
    scene.write('leader.track', '0\n')
    scene.write('other.track', '1\n')
    await says({ leader: 1, other: 0 })
    await until('both are logged', () => scene.logged('track-changed').length >= 2)
    assert.equal(scene.logged('track-changed').length, 2)
  })

  test('a router that is killed leaves a 1, and the next one says 0 before it has read more', async () => {
    await run({ state_dir: null })
    await says({ leader: 1, replicas: 1 })
    await scene.router.stop({ signal: 'SIGKILL' })
    assert.equal(said()['leader'], '1')
    for (const server of scene.etcd.servers) server.freeze()
    try {
      await scene.router.start()
      await says({ leader: 0, primary: 0, replicas: 0 })
    } finally {
      for (const server of scene.etcd.servers) server.thaw()
    }
    await says({ leader: 1, primary: 1, replicas: 1 })
  })

  test('the command ends with 0 where it holds, with 1 where it does not, and says why', async () => {
    await run()
    await says({ leader: 1, replicas: 1 })
    assert.deepEqual(await track('local-leader'), [0, 'pg0 is the primary (open)'])
    assert.deepEqual(await track('local-leader', '--member', 'pg1'), [1, 'the primary is pg0, not pg1'])
    assert.deepEqual(await track('primary'), [0, 'pg0 is the primary (open)'])
    assert.deepEqual(await track('replicas', '--cluster', 'demo'), [0, 'reads are served by pg1, pg2'])
    scene.member('pg0').mode = 'replica'
    await scene.etcd.client.delete('/service/demo/leader')
    await says({ leader: 0 })
    const [code, text] = await track('primary')
    assert.equal(code, 1)
    assert.match(text, /^no member is open for writes \(none: /)
  })

  test('the command takes a name as it is, whatever it holds', async () => {
    await run()
    await says({ leader: 1 })
    // The file may still say what an earlier router has left.
    await until('it knows the cluster', async () => (await track('local-leader'))[0] === 0)
    const odd = 'a b;show info#\\x'
    assert.deepEqual(await track('local-leader', '--member', odd), [
      1,
      `no member is called ${odd}: the members are pg0, pg1, pg2`,
    ])
  })

  test('the command ends with 2 where it cannot be answered, and with 3 where it is not known', async () => {
    for (const server of scene.etcd.servers) server.freeze()
    try {
      await run({ name: '', track: null, state_dir: null })
      const [unknown, text] = await track('primary')
      assert.equal(unknown, 3)
      assert.match(text, /^not known: the cluster is not known yet/)
      const [unnamed, why] = await track('local-leader')
      assert.equal(unnamed, 2)
      assert.match(why, /names no member on this host \(name\): add member NAME$/)
      const [strange, there] = await track('primary', '--cluster', 'other')
      assert.equal(strange, 2)
      assert.match(there, /there is no cluster other: there is demo$/)
    } finally {
      for (const server of scene.etcd.servers) server.thaw()
    }
    assert.equal((await track('leader'))[0], 2)
    assert.equal((await track('primary', '--timeout', 'x'))[0], 2)
    await scene.router.stop()
    const [gone, reason] = await track('primary')
    assert.equal(gone, 3)
    assert.match(reason, /^patroni-router: no router answers on /)
  })

  test('the command waits for a router that hangs as long as its timeout, and no longer', async () => {
    await run()
    await until('it knows the cluster', async () => (await track('local-leader'))[0] === 0)
    scene.router.process.freeze()
    const began = clock()
    const [code, text] = await track('local-leader', '--timeout', '0.2')
    scene.router.process.thaw()
    assert.equal(code, 3)
    assert.match(text, /: no answer within 0\.2 s\b/)
    assert.ok(clock() - began < 10_000)
    await until('it answers again', async () => (await track('local-leader'))[0] === 0)
  })
})
