import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { pino } from 'pino'
import { serve, type Startable } from '../../../src/cli/run.ts'
import { RouterError } from '../../../src/errors.ts'
import type { Reloadable, ReloadReport } from '../../../src/reload.ts'
import { FakeIo } from '../../support/router/fake-io.ts'

class FakeRouter implements Startable {
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

function setup(router = new FakeRouter()) {
  const lines: { level: string; event?: string; msg: string }[] = []
  const stream = { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number]) }
  const log = pino({ formatters: { level: (level) => ({ level }) } }, stream)
  const io = new FakeIo()
  return { router, io, lines, code: serve(() => router, log, io) }
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
