import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { RouterProcess } from '../../support/router/process.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'
import { STARTUP } from './support/messages.ts'

const MB = 1024 ** 2

let dir: TempDir
let router: RouterProcess
let clients: Socket[]
beforeEach(async () => {
  dir = TempDir.create('memory')
  clients = []
  // Without members everybody is held.
  router = await RouterProcess.start({ config: { scope: 'demo', file: { path: join(dir.path, 'cluster.yml') } } })
})
afterEach(async () => {
  for (const client of clients) client.destroy()
  await router[Symbol.asyncDispose]()
  await dir.remove()
})

/** Of the router. Bytes. */
function resident(): number {
  const [, kb = ''] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${router.process.pid}/status`, 'utf8')) ?? []
  return Number(kb) * 1024
}

/** Opens connections, each of which says this; how much the router has grown when it has read all it will. */
async function grown(count: number, said: Buffer): Promise<number> {
  const before = resident()
  let gone = 0
  for (let n = 0; n < count; n++) {
    const client = connect({ port: router.primaryPort, host: '127.0.0.1' }).on('error', () => undefined)
    client.once('close', () => gone++).resume()
    client.write(said)
    clients.push(client)
    if (n % 100 === 99) await until('they are there', () => clients.every(({ connecting }) => !connecting))
  }
  await until('all are held or gone', async () => (await held()) === count - gone)
  return resident() - before
}

async function held(): Promise<number> {
  const { clusters } = (await router.status()) as { clusters: { proxy: { held: { connections: number } } }[] }
  return clusters[0]?.proxy.held.connections ?? 0
}

test('a held client costs a few kilobytes', async () => {
  const bytes = await grown(3000, STARTUP)
  assert.ok(bytes / 3000 < 32 * 1024, `${Math.round(bytes / 3000)} bytes a client`)
})

test('strangers that keep sending cost a bounded part only', async () => {
  const bytes = await grown(2000, Buffer.concat([STARTUP, Buffer.alloc(300_000)]))
  assert.ok(bytes < 180 * MB, `${Math.round(bytes / MB)} MB`)
})
