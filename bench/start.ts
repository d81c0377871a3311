// `npm run bench:start [CHECKOUT...]`: how long the installed router takes from its start to listening, the processor time of
// that, and its memory when it has been idle for 5 s. Builds, packs and installs each checkout (default: this one).
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts } from '../test/support/net/ports.ts'
import { describeMachine } from './machine.ts'

const RUNS = 10
const IDLE_RUNS = 3
const IDLE_MS = 5000
const CLUSTER = 'members: {}\n'
const SOURCES = {
  file: 'file: {path: cluster.yml}',
  // Nobody listens there: what is measured is the router.
  etcd3: "etcd3: {hosts: ['127.0.0.1:1']}",
  rest: "rest: {urls: ['http://127.0.0.1:1']}",
}

interface Start {
  readonly listeningMs: number
  readonly cpuMs: number
  /** null: it was not waited for. */
  readonly idleMiB: number | null
}

const TICKS_PER_S = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** Returns the directory that the packed checkout is installed in. */
function install(checkout: string, into: string): string {
  const run = (...args: string[]): string => execFileSync('npm', args, { cwd: checkout, encoding: 'utf8' })
  run('run', '-s', 'build')
  const packed = run('pack', '--silent', '--ignore-scripts', '--pack-destination', into).trim().split('\n').at(-1) ?? ''
  writeFileSync(join(into, 'package.json'), '{"private": true}')
  execFileSync('npm', ['install', '--silent', '--omit=dev', '--ignore-scripts', join(into, packed)], { cwd: into })
  return into
}

async function start(directory: string, source: string, waitsForIdle: boolean): Promise<Start> {
  const [primary = 0, replicas = 0] = await freePorts(2)
  const config = join(directory, 'config.yml')
  writeFileSync(join(directory, 'cluster.yml'), CLUSTER)
  const listeners = `{primary: {bind: '127.0.0.1:${primary}', route: primary}, replicas: {bind: '127.0.0.1:${replicas}', route: replica}}`
  writeFileSync(
    config,
    `scope: demo\n${source}\nproxy: {listeners: ${listeners}}\nadmin: {socket: ${join(directory, 'admin.sock')}}\n`,
  )
  const main = join(directory, 'node_modules/patroni-router/dist/main.js')
  const begin = performance.now()
  const child = spawn(process.execPath, [main, 'run', '-c', config], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = new Promise((done) => child.once('exit', done))
  try {
    for await (const line of createInterface({ input: child.stdout })) if (line.includes('"listening"')) break
    const listeningMs = performance.now() - begin
    const cpuMs = cpuOf(child.pid ?? 0)
    child.stdout.resume()
    if (waitsForIdle) await sleep(IDLE_MS)
    return { listeningMs, cpuMs, idleMiB: waitsForIdle ? memoryOf(child.pid ?? 0) : null }
  } finally {
    child.kill('SIGKILL')
    await exited
  }
}

function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_S
}

function memoryOf(pid: number): number {
  const [, kib = 'NaN'] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kib) / 1024
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
}

const given = process.argv.slice(2)
const checkouts = (given.length > 0 ? given : [join(import.meta.dirname, '..')]).map((path) => resolve(path))
const scratch = mkdtempSync(join(tmpdir(), 'pr-start-'))
try {
  process.stdout.write(`${describeMachine()}\n`)
  const installed = checkouts.map((checkout, n) => {
    return { name: basename(checkout), directory: install(checkout, mkdtempSync(join(scratch, `${n}-`))) }
  })
  for (const [kind, source] of Object.entries(SOURCES)) {
    const starts = installed.map((): Start[] => [])
    // In turns, so that what else the machine does hits all alike.
    for (let run = 0; run < RUNS; run++)
      for (const [n, { directory }] of installed.entries())
        starts[n]?.push(await start(directory, source, run < IDLE_RUNS))
    for (const [n, { name }] of installed.entries()) {
      const own = starts[n] ?? []
      const [listening, cpu] = [own.map((each) => each.listeningMs), own.map((each) => each.cpuMs)]
      const idle = own.flatMap(({ idleMiB }) => idleMiB ?? [])
      const text = `${Math.round(median(listening))} ms to listening, ${Math.round(median(cpu))} ms of processor time, ${median(idle).toFixed(1)} MiB idle`
      process.stdout.write(`${name}, ${kind}: ${text}\n`)
    }
  }
} finally {
  rmSync(scratch, { recursive: true })
}
