/** From a connection of a real Postgres to its client, by the commands of docs/operations.md. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import pg from 'pg'
import { logText } from '../../../src/text/log-text.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'
import { Postgres } from './support/postgres.ts'
import { Scene } from './support/scene.ts'
import { openView } from './support/views.ts'

const DOCUMENT = readFileSync(join(import.meta.dirname, '../../../docs/operations.md'), 'utf8')
const [, RECIPE = ''] = DOCUMENT.split('### Which client is it?\n')
const COMMANDS = [...(RECIPE.split('\n### ')[0]?.matchAll(/^```sh\n(.*?)^```/gms) ?? [])].map(([, text = '']) => text)

/** Returns the command with the values of this test for those of the document. */
function withValues(command: string, values: Readonly<Record<string, string>>): string {
  return Object.entries(values).reduce((text, [before, value]) => {
    assert.ok(text.includes(before), `${before} in ${text}`)
    return text.replaceAll(before, value)
  }, command)
}

test('client_port of a TLS session leads to its client, among others at other times', async () => {
  await using dir = TempDir.create('connlog')
  await using postgres = await Postgres.create({ tls: true })
  const scene = new Scene()
  await using stack = new AsyncDisposableStack()
  stack.defer(() => scene.clear())
  const rig = await scene.proxy()
  rig.connectionLog.switch(true)
  rig.proxy.apply(openView('pg1', postgres.address, 1))
  const where = { host: '127.0.0.1', port: rig.port(), user: 'postgres', database: 'postgres' }
  const client = new pg.Client({ ...where, ssl: { rejectUnauthorized: false } })
  await client.connect()
  const socket: unknown = Reflect.get(Reflect.get(client, 'connection'), 'stream')
  assert.ok(socket instanceof Socket)
  const { localPort: clientPort } = socket
  const { rows } = await client.query<{ pid: string; ssl: boolean; now: string }>(
    `SELECT pid::text, ssl, to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS now FROM pg_stat_ssl WHERE pid = pg_backend_pid()`,
  )
  const { pid = '', ssl, now: at = '' } = rows[0] ?? {}
  assert.equal(ssl, true)
  const [activity = '', byJq = '', byGrep = ''] = COMMANDS
  const sql = withValues(/'(SELECT [^']*)'/.exec(activity)?.[1] ?? '', { 4711: pid })
  const { rows: found } = await client.query<{ client_addr: string; client_port: number }>(sql)
  const { client_addr: address, client_port: port } = found[0] ?? { client_addr: '', client_port: 0 }
  await client.end()
  await until('there is a line', () => rig.connections.length === 1)

  const [line] = rig.connections
  assert.ok(line)
  const { localAddress, localPort, client: from, reason, termination } = line.fields
  assert.deepEqual([localAddress, localPort, from], [address, port, '127.0.0.1'])
  assert.deepEqual([line.fields['clientPort'], reason, termination], [clientPort, 'client-closed', '--'])

  const json = (shiftMs: number, changes: object = {}): string =>
    JSON.stringify({
      ...{ level: 'info', time: new Date(line.at + shiftMs).toISOString() },
      ...{ ...line.fields, ...changes, msg: line.message },
    })
  const hour = 3_600_000
  const other = { clientPort: 1 }
  const all = [json(-hour, other), json(0, { ...other, localPort: port - 1 }), json(0), 'no JSON', json(hour, other)]
  const [file, textFile] = [join(dir.path, 'json'), join(dir.path, 'text')]
  writeFileSync(file, `${all.join('\n')}\n`)
  writeFileSync(textFile, all.map((each) => logText(each, false)).join(''))
  const sh = (command: string): string[] => execFileSync('sh', ['-c', command], { encoding: 'utf8' }).trim().split('\n')
  const reader = { 'journalctl -u patroni-router -o cat': `cat ${file}`, 41234: String(port) }
  const answers = sh(withValues(byJq, { ...reader, '2026-11-20T03:12:40Z': at })).map(
    (each) => JSON.parse(each) as object,
  )
  assert.equal(answers.length, 1)
  assert.deepEqual(
    { ...answers[0], durationMs: 0 },
    {
      ...{ client: '127.0.0.1', clientPort, listener: 'primary', member: 'pg1' },
      ...{ time: new Date(line.at).toISOString(), durationMs: 0, reason: 'client-closed' },
    },
  )
  const [inJson = '', inText = ''] = byGrep.trim().split('\n')
  assert.equal(sh(withValues(inJson, reader)).length, 3)
  const text = sh(withValues(inText, { ...reader, 'journalctl -u patroni-router -o cat': `cat ${textFile}` }))
  assert.equal(
    text.filter((each) => each.includes(` 127.0.0.1:${clientPort} to pg1`) || each.includes(`clientPort=1 `)).length,
    3,
  )
})
