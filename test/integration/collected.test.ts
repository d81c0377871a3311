/** The memory that a running router gives back when its sessions have gone. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { TempDir } from '../support/files/temp.ts'
import { RouterProcess } from '../support/router/process.ts'
import { until } from '../support/until.ts'

const COLLECTED = 'everything was collected'

/**
 * Has intervals of 10 s and longer pass a hundred times as fast, and reports each collection of the whole heap at once: those
 * that V8 makes by itself, in small steps and where it has time, have a flag.
 */
const PRELOAD = `
import { constants, PerformanceObserver } from 'node:perf_hooks'
const { setInterval } = globalThis
globalThis.setInterval = (callback, ms, ...args) => setInterval(callback, ms >= 10_000 ? ms / 100 : ms, ...args)
new PerformanceObserver((list) => {
  for (const { detail: { kind, flags } } of list.getEntries())
    if (kind === constants.NODE_PERFORMANCE_GC_MAJOR && flags === constants.NODE_PERFORMANCE_GC_FLAGS_NO)
      process.stdout.write('${COLLECTED}\\n')
}).observe({ entryTypes: ['gc'] })
`

test('a router without a client collects its memory once a hundred of them have gone', async () => {
  await using dir = TempDir.create('collected')
  const preload = join(dir.path, 'preload.mjs')
  writeFileSync(preload, PRELOAD)
  await using router = await RouterProcess.start({
    config: { scope: 'demo', file: { path: join(dir.path, 'cluster.yml') } },
    env: { NODE_OPTIONS: `--import ${pathToFileURL(preload).href}` },
  })
  const collections = (): number => router.stray.filter((line) => line === COLLECTED).length
  const before = collections()
  const clients = Array.from({ length: 100 }, () => connect({ port: router.primaryPort, host: '127.0.0.1' }))
  await Promise.all(clients.map((client) => once(client, 'connect')))
  assert.equal(collections(), before)
  for (const client of clients) client.destroy()
  await until('it has collected', () => collections() > before)
})
