/** The statistics beside those of a real HAProxy with its exporter, which has proxies and servers of the same names. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { pino } from 'pino'
import { haproxyCommands } from '../../../src/admin/haproxy/commands.ts'
import { type FamilyOptions, haproxyFamilies } from '../../../src/admin/haproxy/families.ts'
import { LEFT_OUT } from '../../../src/admin/haproxy/metric-names.ts'
import { showCommands } from '../../../src/admin/show.ts'
import { AdminSocket } from '../../../src/admin/socket.ts'
import { TempDir } from '../../support/files/temp.ts'
import { freePorts } from '../../support/net/ports.ts'
import { Child } from '../../support/processes/child.ts'
import { until } from '../../support/until.ts'
import { haproxyStatus, RecordingActs, textOf } from '../../unit/admin/haproxy/sample.ts'

const MEMBERS = ['pg1', 'pg2', 'pg3']

interface Family {
  readonly help: string
  readonly type: string
  /** The labels of each sample, without those of the exporter's own frontend. */
  readonly samples: readonly string[]
}

/** Returns the families in their order. */
function familiesOf(exposition: string): ReadonlyMap<string, Family> {
  const families = new Map<string, Family>()
  for (const part of exposition.split('# HELP ').slice(1)) {
    const [first = '', second = '', ...lines] = part.trimEnd().split('\n')
    const [name = ''] = first.split(' ')
    assert.ok(second.startsWith(`# TYPE ${name} `), second)
    const samples = lines.map((line) => /^\w+(?:\{(.*)\})? [-+.\dNa]+$/.exec(line)?.[1] ?? '')
    const own = samples.filter((labels) => !labels.startsWith('proxy="exporter"'))
    if (own.length === 0) continue
    families.set(name, { help: first.slice(name.length + 1), type: second.slice(8 + name.length), samples: own })
  }
  return families
}

/** Returns what a socket answers to a line. */
async function asked(path: string, line: string): Promise<string> {
  const socket = connect(path)
  socket.end(`${line}\n`)
  return text(socket)
}

describe('beside HAProxy', () => {
  let dir: TempDir
  let haproxy: Child
  let postgres: Server
  let theirPath: string
  let ourPath: string
  let ours: AdminSocket
  let exporter: string
  let status = haproxyStatus()
  const acts = new RecordingActs()

  before(async () => {
    dir = TempDir.create('haproxy-forms')
    theirPath = join(dir.path, 'haproxy.sock')
    ourPath = join(dir.path, 'run', 'admin.sock')
    const [primary = 0, replicas = 0, http = 0, closed = 0] = await freePorts(4)
    postgres = createServer((socket) => socket.on('error', () => undefined))
    await new Promise<void>((resolve) => postgres.listen(0, '127.0.0.1', resolve))
    const { port } = postgres.address() as { readonly port: number }
    exporter = `http://127.0.0.1:${http}/metrics`
    writeFileSync(join(dir.path, 'haproxy.cfg'), configuration(theirPath, { primary, replicas, http, port, closed }))
    const options = { cwd: dir.path, logFile: join(dir.path, 'haproxy.log') }
    haproxy = await Child.start('haproxy', ['-db', '-f', 'haproxy.cfg'], options)
    await haproxy.until('it has checked all servers', async () => {
      const state = await asked(theirPath, 'show stat')
      return MEMBERS.every((name) => new RegExp(`^replicas,${name},.*,L4(?:OK|CON),`, 'm').test(state))
    })
    // A session, for `show sess`.
    const client = connect(primary, '127.0.0.1').on('error', () => undefined)
    client.unref()
    await until('HAProxy has a session', async () => (await asked(theirPath, 'show sess')).includes('srv=pg1'))
    const commands = [...showCommands(() => status), ...haproxyCommands(() => status, acts)]
    ours = new AdminSocket({ path: ourPath, commands, log: pino({ level: 'silent' }) })
    await ours.start()
  })
  after(async () => {
    await ours.close()
    await haproxy.stop()
    postgres.close()
    await dir.remove()
  })

  async function families(query: string, options: Partial<FamilyOptions>) {
    const response = await fetch(`${exporter}${query}`)
    assert.equal(response.status, 200)
    const theirs = familiesOf(await response.text())
    const text = await textOf(haproxyFamilies(status, { scopes: null, noMaint: false, ...options }))
    return { theirs, ours: familiesOf(text) }
  }

  test('the exporter has the same families, but for those that are left out on purpose', async () => {
    const { theirs, ours } = await families('', {})
    assert.ok(ours.size > 140)
    assert.deepEqual(
      [...ours.keys()].filter((name) => !theirs.has(name)),
      [],
    )
    const missing = [...theirs.keys()].filter((name) => !ours.has(name))
    assert.deepEqual(missing.toSorted(), Object.keys(LEFT_OUT).toSorted())
  })

  for (const [query, options] of [
    ['', {}],
    ['?scope=global', { scopes: ['global'] }],
    ['?scope=frontend', { scopes: ['frontend'] }],
    ['?scope=backend', { scopes: ['backend'] }],
    ['?scope=server', { scopes: ['server'] }],
    ['?scope=global&scope=server', { scopes: ['global', 'server'] }],
    ['?scope=listener', { scopes: ['listener'] }],
    ['?scope=', { scopes: [] }],
  ] as const satisfies readonly (readonly [string, Partial<FamilyOptions>])[])
    test(`the families of /metrics${query} have its order, types, descriptions and labels`, async () => {
      const { theirs, ours } = await families(query, options)
      const common = [...theirs].filter(([name]) => !Object.hasOwn(LEFT_OUT, name))
      assert.deepEqual([...ours.keys()], common.map(([name]) => name)) // prettier-ignore
      for (const [name, family] of common) {
        const isVersion = name === 'haproxy_process_build_info'
        const samples = isVersion ? ['version="0.1.0"'] : family.samples
        assert.deepEqual(ours.get(name), { ...family, samples }, name)
      }
    })

  test('servers in maintenance are like its, and no-maint leaves out theirs', async () => {
    await asked(theirPath, 'disable server replicas/pg2; disable server primary/pg2')
    status = haproxyStatus({ pg2: 'maint' })
    for (const [query, options] of [
      ['?scope=server&scope=backend', { scopes: ['server', 'backend'] }],
      ['?scope=server&scope=backend&no-maint', { scopes: ['server', 'backend'], noMaint: true }],
    ] as const) {
      const { theirs, ours } = await families(query, options)
      for (const [name, { samples }] of ours) assert.deepEqual(samples, theirs.get(name)?.samples, name)
    }
    await asked(theirPath, 'enable server replicas/pg2; enable server primary/pg2')
    await until('pg2 is checked again', async () => /^replicas,pg2,.*,L4OK,/m.test(await asked(theirPath, 'show stat')))
    status = haproxyStatus()
  })

  test('`show stat` has its header, a cell for each column, and values in no other columns', async () => {
    const [theirs = '', ours = ''] = await Promise.all([theirPath, ourPath].map((path) => asked(path, 'show stat')))
    const [header = ''] = ours.split('\n')
    assert.equal(header, theirs.split('\n')[0])
    const columns = header.slice(2).split(',')
    const rows = (stat: string): readonly (readonly string[])[] =>
      stat.split('\n').slice(1).filter((line) => /^(?:primary|replicas),/.test(line)).map((line) => line.split(',')) // prettier-ignore
    assert.deepEqual(
      rows(ours).map(([proxy, server]) => [proxy, server]),
      rows(theirs).map(([proxy, server]) => [proxy, server]),
    )
    rows(ours).forEach((cells, at) => {
      const other = rows(theirs)[at] ?? []
      assert.equal(cells.length, other.length)
      // A check without an answer has no code there.
      const filled = columns.filter((_, n) => (cells[n] ?? '') !== '' && (other[n] ?? '') === '')
      assert.deepEqual(filled.filter((name) => !['check_code', 'last_chk'].includes(name)), []) // prettier-ignore
    })
    assert.ok(ours.endsWith(',\n\n') && theirs.endsWith(',\n\n'))
  })

  test('`show stat` and `show info`, typed and as JSON, have its places, names, tags and types', async () => {
    for (const command of ['show stat typed', 'show stat typed desc', 'show info typed', 'show info typed desc']) {
      const [theirs = '', ours = ''] = await Promise.all([theirPath, ourPath].map((path) => asked(path, command)))
      const known = new Set(theirs.split('\n').map(withoutValue))
      const lines = ours.trimEnd().split('\n')
      assert.ok(lines.length > 50)
      for (const line of lines)
        // A member that refuses connections has no code there, and neither has HAProxy a 503 of it.
        if (!/\.(?:check_code)\./.test(line)) assert.ok(known.has(withoutValue(line)), `${command}: ${line}`)
    }
    for (const command of ['show stat json', 'show info json']) {
      const [theirs, ours] = await Promise.all([theirPath, ourPath].map((path) => asked(path, command)))
      const known = new Set(entriesOf(theirs ?? '').map((entry) => JSON.stringify(entry)))
      const entries = entriesOf(ours ?? '')
      assert.ok(entries.length > 50)
      for (const entry of entries)
        if (entry.field.name !== 'check_code') assert.ok(known.has(JSON.stringify(entry)), JSON.stringify(entry))
    }
  })

  test('`show info` has its fields, but for those that are not measured', async () => {
    const [theirs = [], ours = []] = await Promise.all(
      [theirPath, ourPath].map(async (path) => (await asked(path, 'show info')).split('\n').map((line) => line.split(':')[0])),
    ) // prettier-ignore
    const left = ['Idle_pct', 'BytesOutRate']
    assert.deepEqual(ours, theirs.filter((name = '') => !left.includes(name))) // prettier-ignore
  })

  test('`show servers state` has its table', async () => {
    for (const command of ['show servers state', 'show servers state replicas']) {
      const [theirs = '', ours = ''] = await Promise.all([theirPath, ourPath].map((path) => asked(path, command)))
      const [version, header, ...lines] = ours.split('\n')
      const [theirVersion, theirHeader, ...theirLines] = theirs.split('\n')
      assert.deepEqual([version, header], [theirVersion, theirHeader])
      const places = (line: string): readonly unknown[] => [line.split(' ').slice(0, 4), line.split(' ').length]
      assert.deepEqual(lines.map(places), theirLines.map(places))
    }
  })

  test('`show sess` has its fields in a line', async () => {
    const [theirs = '', ours = ''] = await Promise.all([theirPath, ourPath].map((path) => asked(path, 'show sess')))
    const fields = (answer: string): readonly string[] =>
      [...(answer.split('\n')[0] ?? '').matchAll(/[ [,](\w+)[=[]/g)].map(([, name = '']) => name)
    assert.ok(fields(ours).length > 20)
    assert.deepEqual(fields(ours), fields(theirs))
    const id = /^(0x[\da-f]+): proto=tcpv4 src=[\d.]+:\d+ fe=primary be=primary srv=pg1 /
    assert.match(ours, id)
    assert.match(theirs, id)
  })

  test('commands that are wrong are answered in its words', async () => {
    const commands = [
      ...['set server', 'set server primary', 'set server nope/pg1 state drain', 'set server primary/nope state drain'],
      ...['set server primary/pg1 state', 'set server primary/pg1 state foo', 'set server primary/pg1 weight'],
      ...['enable server', 'enable server primary', 'enable server nope/pg1', 'disable server primary/nope'],
      ...['get weight', 'get weight nope/pg1', 'get weight primary/x', 'set weight', 'set weight primary/pg1'],
      ...['shutdown session', 'shutdown session 0x1', 'shutdown session all', 'shutdown sessions server'],
      ...['shutdown sessions server primary', 'shutdown sessions server x/y', 'shutdown sessions server primary/y'],
      ...['set maxconn frontend', 'set maxconn frontend primary', 'set maxconn frontend nope 3'],
      ...['set maxconn frontend primary -1', 'show sess 0x12', 'show servers state nope', 'show stat nope 1 1'],
      ...['show stat domain nope', 'set timeout cli', 'show stat 99 -1 -1 typed'],
    ]
    for (const command of commands)
      assert.equal(await asked(ourPath, command), await asked(theirPath, command), command)
    assert.deepEqual(acts.calls, [['closeSessions', { id: '0x1' }, 'admin socket']])
  })

  test('commands that succeed are answered with an empty line, several in a line', async () => {
    const commands = [
      'set server replicas/pg2 state drain; set server replicas/pg2 state ready; disable server replicas/pg2',
      'enable server replicas/pg2; shutdown sessions server replicas/pg3; set maxconn frontend replicas 3000',
    ]
    for (const line of commands) assert.equal(await asked(ourPath, line), await asked(theirPath, line), line)
  })
})

/** Returns what a line has before and behind its value. */
function withoutValue(line: string): string {
  const [, before = line, behind = ''] = /^(.*?:\w{3}:\w+:).*?(:".*")?$/.exec(line) ?? []
  return before + behind
}

interface Entry {
  readonly field: { readonly name: string }
}

/** Returns the entries of JSON without their values. */
function entriesOf(json: string): readonly Entry[] {
  const list = JSON.parse(json) as readonly (Entry & { readonly value: { readonly type: string } })[][]
  return list.flat().map(({ value: { type }, ...entry }) => ({ ...entry, value: type }))
}

interface Ports {
  readonly primary: number
  readonly replicas: number
  readonly http: number
  /** Of a server that accepts connections, and of none. */
  readonly port: number
  readonly closed: number
}

function configuration(path: string, { primary, replicas, http, port, closed }: Ports): string {
  const section = (name: string, bind: number) => `
listen ${name}
    bind 127.0.0.1:${bind}
    default-server inter 100ms
${MEMBERS.map((member) => `    server ${member} 127.0.0.1:${member === 'pg3' ? closed : port} check`).join('\n')}
`
  return `global
    stats socket ${path} mode 600 level admin

defaults
    mode tcp
    timeout client 1m
    timeout connect 1s
    timeout server 1m
${section('primary', primary)}${section('replicas', replicas)}
frontend exporter
    mode http
    bind 127.0.0.1:${http}
    http-request use-service prometheus-exporter if { path /metrics }
`
}
