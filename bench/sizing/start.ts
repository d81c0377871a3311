import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { TempDir } from '../../test/support/files/temp.ts'
import { freePorts } from '../../test/support/net/ports.ts'
import type { Case } from '../case.ts'
import { usageOf } from '../process.ts'
import { inOneRun } from '../run.ts'
import { INSTALLED_MAIN } from './installed-router.ts'

const RUNS = 10
/** No server listens there: the router alone is measured. */
const SOURCES = {
  etcd3: "etcd3: {hosts: ['127.0.0.1:1']}",
  rest: "rest: {urls: ['http://127.0.0.1:1']}",
  file: 'file: {path: cluster.yml}',
}

type Source = keyof typeof SOURCES

const NAMES = Object.keys(SOURCES) as readonly Source[]

/** From the start of the process to the line of its log that it listens. */
export const start: Case = {
  name: 'start',
  title: 'start of the router',
  figures: NAMES.flatMap((source) => [
    { key: `${source}-listening`, label: `start → listening, with \`${source}\``, unit: 'ms', of: 'median' } as const,
    { key: `${source}-cpu`, label: `processor time of that, with \`${source}\``, unit: 'ms', of: 'median' } as const,
  ]),
  measure: inOneRun(async (record, repeats) => {
    for (let run = 1; run <= (repeats ?? RUNS); run++)
      // In turns, so that other load of the machine affects all alike.
      for (const source of NAMES) {
        const { listeningMs, cpuMs } = await startOnce(source)
        record.add(`${source}-listening`, listeningMs)
        record.add(`${source}-cpu`, cpuMs)
      }
  }),
}

async function startOnce(source: Source): Promise<{ readonly listeningMs: number; readonly cpuMs: number }> {
  await using dir = TempDir.create('start')
  const [primary = 0, replicas = 0] = await freePorts(2)
  writeFileSync(join(dir.path, 'cluster.yml'), 'members: {}\n')
  writeFileSync(
    join(dir.path, 'config.yml'),
    `scope: demo
${SOURCES[source]}
admin: {socket: ${join(dir.path, 'admin.sock')}, bind: off}
proxy:
  listeners:
    primary: {bind: '127.0.0.1:${primary}', route: primary}
    replicas: {bind: '127.0.0.1:${replicas}', route: replica}
`,
  )
  const begin = performance.now()
  const child = spawn(process.execPath, [INSTALLED_MAIN, 'run', '-c', 'config.yml'], {
    cwd: dir.path,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  try {
    for await (const line of createInterface({ input: child.stdout }))
      if (line.includes('"listening"'))
        return { listeningMs: performance.now() - begin, cpuMs: usageOf(child.pid ?? 0).cpuMs }
    throw new Error('the router ended before it listened')
  } finally {
    child.kill('SIGKILL')
    await exited
  }
}
