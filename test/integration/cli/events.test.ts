/** `events` of a real router: while it runs, over restarts and kills, and when it is gone. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { runProgram } from '../../../src/cli/program.ts'
import { type HistoryEvent, parseEventJson } from '../../../src/events/event.ts'
import { readKeptEvents } from '../../../src/events/kept-events.ts'
import { TempDir } from '../../support/files/temp.ts'
import { FakeIo } from '../../support/router/fake-io.ts'
import { RouterProcess } from '../../support/router/process.ts'
import { until } from '../../support/until.ts'

let dir: TempDir
let router: RouterProcess

before(async () => {
  dir = TempDir.create('events')
  const state_dir = join(dir.path, 'state')
  const config = { scope: 'demo', etcd3: { hosts: '127.0.0.1:1' }, logging: { level: 'error' }, state_dir }
  router = await RouterProcess.start({ config })
  await started(1)
})
after(async () => {
  await router[Symbol.asyncDispose]()
  await dir.remove()
})

async function events(...args: string[]): Promise<{ code: number; io: FakeIo; events: readonly HistoryEvent[] }> {
  const io = new FakeIo()
  const code = await runProgram(['events', '-c', router.configFile, ...args], io)
  return { code, io, events: io.stdout.split('\n').flatMap((line) => parseEventJson(line) ?? []) }
}

const namesOf = (all: readonly HistoryEvent[]): string[] => all.map(({ event }) => event)
const count = (all: readonly HistoryEvent[], name: string): number =>
  namesOf(all).filter((event) => event === name).length

/** Waits until the router has told all of its start number `n`. */
async function started(n: number): Promise<void> {
  await until(`start ${n} is told`, async () => count((await events('--json')).events, 'dcs-unreached') === n)
}

test('has what the log has not at the level that is configured', async () => {
  const { code, io, events: all } = await events('--json')
  assert.equal(code, 0)
  assert.equal(io.stderr, '')
  assert.deepEqual(namesOf(all).slice(0, 4), ['starting', 'listening', 'listening', 'started'])
  assert.deepEqual(router.log, [])
  const text = (await events()).io.stdout
  assert.match(text, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z INFO {2}patroni-router starts /)
  assert.match(text, /WARN {2}DCS not reached yet: /)
})

test('shows the requested events', async () => {
  assert.deepEqual((await events('--json', '--since', '2020-01-01')).events, (await events('--json')).events)
  assert.equal((await events('--since', '2099-01-01')).io.stdout, 'no events\n')
  assert.ok((await events('--json', '--cluster', 'demo')).events.length > 3)
  const other = await events('--cluster', 'other')
  assert.deepEqual([other.code, other.io.stderr], [2, 'patroni-router: there is no cluster other: there is demo\n'])
  const never = await events('--since', 'never')
  assert.equal(never.code, 2)
  assert.match(never.io.stderr, /^patroni-router: --since: "never" is neither a duration/)
})

test('follows a router over a restart and over a kill: each event once, and in order', async () => {
  const io = new FakeIo()
  const code = runProgram(['events', '-c', router.configFile, '--json', '-f'], io)
  const followed = (): readonly HistoryEvent[] => io.stdout.split('\n').flatMap((line) => parseEventJson(line) ?? [])
  await until('it shows what there is', () => count(followed(), 'dcs-unreached') === 1)
  await router.stop()
  await router.start()
  await until('it shows the next start', () => count(followed(), 'dcs-unreached') === 2)
  const place = { dir: join(dir.path, 'state'), socket: router.socketPath }
  const onDisk = async (): Promise<number> => (await readKeptEvents(place)).events.length
  await until('all of it is on the disk', async () => (await onDisk()) === followed().length)
  router.process.signal('SIGKILL')
  await router.process.exited
  await router.start()
  await until('it shows the start after the kill', () => count(followed(), 'dcs-unreached') === 3)
  io.send('SIGINT')
  assert.equal(await code, 0)
  const seqs = followed().map(({ seq }) => seq)
  assert.deepEqual(
    seqs,
    [...new Set(seqs)].toSorted((a, b) => a - b),
  )
  assert.deepEqual(
    namesOf(followed()).filter((event) => ['starting', 'stopped'].includes(event)),
    ['starting', 'stopped', 'starting', 'starting'],
  )
  assert.deepEqual(followed(), (await events('--json')).events, 'as the router has them')
  assert.match(
    io.stderr,
    /^patroni-router: the router on \S+ has closed the connection: waiting for it\npatroni-router: the router answers again\n/,
  )
})

test('without a router shows what it has kept, says so, and ends with 3', async () => {
  const { events: before } = await events('--json')
  await router.stop()
  const { code, io, events: all } = await events('--json')
  assert.equal(code, 3)
  assert.deepEqual(namesOf(all).slice(before.length), ['draining', 'stopped'])
  assert.match(
    io.stderr,
    /^patroni-router: no router answers on \S+: .*\nThese are the events that it has kept in \S+\.jsonl\n$/,
  )
  const named = new FakeIo()
  assert.equal(await runProgram(['events', '--socket', router.socketPath], named), 3)
  assert.equal(named.stdout, '')
})
