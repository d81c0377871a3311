import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { pino } from 'pino'
import { serve, type Startable } from '../../../src/cli/run.ts'
import type { Reporter } from '../../../src/cli/service-report.ts'
import { RouterError } from '../../../src/errors.ts'
import type { Reloadable, ReloadReport } from '../../../src/reload.ts'
import { sampleStatus } from '../admin/sample.ts'
import { FakeIo } from '../../support/router/fake-io.ts'

class FakeRouter implements Startable {
  readonly drainTimeoutMs = 7000
  hasTriedEveryDcs = false
  readonly calls: string[] = []
  readonly drained = Promise.withResolvers<undefined>()
  readonly #failure: Error | null

  constructor(failure: Error | null = null) {
    this.#failure = failure
  }

  start(): Promise<void> {
    this.calls.push('start')
    return this.#failure === null ? Promise.resolve() : Promise.reject(this.#failure)
  }

  status = sampleStatus

  get reloading(): Reloadable {
    const never = new Promise<ReloadReport>(() => undefined)
    const note = (call: string): Promise<ReloadReport> => {
      this.calls.push(call)
      return never
    }
    return { reload: () => note('reload'), preview: () => note('preview') }
  }

  drain(): Promise<void> {
    this.calls.push('drain')
    return this.drained.promise
  }

  close(): Promise<void> {
    this.calls.push('close')
    return Promise.resolve()
  }
}

/** Notes what systemd is told, among the calls of the router. */
function reporterOf({ calls }: FakeRouter): Reporter {
  return {
    start: () => void calls.push('reports'),
    ready: () => void calls.push('ready'),
    reloading: () => void calls.push('reloading'),
    stopping: (drainMs) => void calls.push(`stopping ${drainMs}`),
    status: (line) => void calls.push(line),
    close: () => Promise.resolve(void calls.push('reports no more')),
  }
}

function setup(router = new FakeRouter(), reporter: Reporter | null = null) {
  const lines: { level: string; event?: string; msg: string }[] = []
  const stream = { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number]) }
  const log = pino({ formatters: { level: (level) => ({ level }) } }, stream)
  const io = new FakeIo()
  return { router, io, lines, code: serve(() => router, log, io, reporter) }
}

/** Waits until `call` was made; a few turns of the event loop are enough for what is served by fakes. */
async function called(router: FakeRouter, call: string): Promise<void> {
  for (let turns = 0; turns < 100 && !router.calls.includes(call); turns++) await turn()
  assert.ok(router.calls.includes(call), call)
}
const events = (lines: readonly { event?: string }[]) => lines.map(({ event }) => event)

test('drains at the first signal, closes when that is done, and ends with 0', async () => {
  const { router, io, code, lines } = setup()
  await called(router, 'start')
  io.send('SIGTERM')
  await called(router, 'drain')
  assert.deepEqual(router.calls, ['start', 'drain'])
  router.drained.resolve(undefined)
  assert.equal(await code, 0)
  assert.deepEqual(router.calls, ['start', 'drain', 'close'])
  assert.deepEqual(events(lines), ['started', 'draining', 'stopped'])
  assert.equal(io.listening, 0)
})

test('closes at once at the second signal', async () => {
  const { router, io, code } = setup()
  io.send('SIGINT')
  await called(router, 'drain')
  io.send('SIGTERM')
  assert.equal(await code, 0)
  assert.deepEqual(router.calls, ['start', 'drain', 'close'])
})

test('reloads at each SIGHUP, also at one that comes while it starts, and continues', async () => {
  const { router, io, code } = setup()
  io.send('SIGHUP')
  assert.deepEqual(router.calls, ['start'])
  await called(router, 'reload')
  io.send('SIGHUP')
  await turn()
  assert.deepEqual(router.calls, ['start', 'reload', 'reload'])
  router.drained.resolve(undefined)
  io.send('SIGTERM')
  assert.equal(await code, 0)
})

test('continues after an unhandled error, and logs it', async () => {
  const { router, io, code, lines } = setup()
  await called(router, 'start')
  io.fault(new Error('surprise'))
  assert.deepEqual(
    lines.filter(({ level }) => level === 'error').map(({ event, msg }) => [event, msg]),
    [['fault', 'an unexpected error, please report it: surprise']],
  )
  assert.deepEqual(router.calls, ['start'])
  router.drained.resolve(undefined)
  io.send('SIGTERM')
  assert.equal(await code, 0)
})

test('closes and ends with 0 when draining fails', async () => {
  const { router, io, code } = setup()
  router.drained.reject(new Error('no'))
  io.send('SIGTERM')
  assert.equal(await code, 0)
  assert.ok(router.calls.includes('close'))
})

test('ends with 1 and one fatal line when the router does not start', async () => {
  const failure = new RouterError('BIND_FAILED', 'cannot listen on 127.0.0.1:5000', { cause: new Error('in use') })
  const { io, code, lines } = setup(new FakeRouter(failure))
  assert.equal(await code, 1)
  assert.deepEqual(
    lines.map(({ level, msg }) => [level, msg]),
    [['fatal', 'cannot listen on 127.0.0.1:5000: in use']],
  )
  assert.equal(io.listening, 0)
})

const STATUS = 'primary: pg1 OPEN since 2026-11-20 03:12:44Z - it holds the leader lock and /primary confirms it'

test('tells systemd that it is ready when the DCS was tried, its status when that changes, and that it stops', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval', 'setTimeout'] })
  const router = new FakeRouter()
  const { io, code } = setup(router, reporterOf(router))
  await called(router, 'start')
  await turn()
  t.mock.timers.tick(900)
  assert.deepEqual(router.calls, ['reports', 'start'])
  router.hasTriedEveryDcs = true
  t.mock.timers.tick(50)
  assert.deepEqual(router.calls.splice(0), ['reports', 'start', STATUS, 'ready'])
  t.mock.timers.tick(3000)
  assert.deepEqual(router.calls.splice(0), [STATUS, STATUS, STATUS])
  io.send('SIGTERM')
  await called(router, 'drain')
  router.drained.resolve(undefined)
  assert.equal(await code, 0)
  assert.deepEqual(router.calls, ['stopping 7000', 'drain', 'close', 'reports no more'])
  t.mock.timers.tick(3000)
  assert.equal(router.calls.length, 4)
})

test('tells systemd that it is ready after 5 s of a DCS that gives no sign', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval', 'setTimeout'] })
  const router = new FakeRouter()
  const { io, code } = setup(router, reporterOf(router))
  await called(router, 'start')
  await turn()
  t.mock.timers.tick(4999)
  assert.ok(!router.calls.includes('ready'))
  t.mock.timers.tick(1)
  assert.ok(router.calls.includes('ready'))
  io.send('SIGTERM')
  router.drained.resolve(undefined)
  assert.equal(await code, 0)
  assert.equal(router.calls.filter((call) => call === 'ready').length, 1)
})

test('tells systemd nothing more when the router does not start', async () => {
  const router = new FakeRouter(new Error('no'))
  const { code } = setup(router, reporterOf(router))
  assert.equal(await code, 1)
  assert.deepEqual(router.calls, ['reports', 'start', 'reports no more'])
})
