// Run inside a LAN by VipProbe: asks the members for their role, and comes as a client to an address. Prints JSON lines.
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { codeOf } from '../clients/sql.ts'
import { clock } from '../until.ts'
import type { ClientAnswer, ProbeTask, RoleAnswer } from './vip-probe.ts'

const task = JSON.parse(process.argv[2] ?? '') as ProbeTask

function print(answer: ClientAnswer | RoleAnswer): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}

async function connect(host: string, port: number): Promise<pg.Client> {
  const timeouts = { connectionTimeoutMillis: task.timeoutMs, query_timeout: task.timeoutMs }
  const client = new pg.Client({ host, port, user: 'postgres', database: 'postgres', ...timeouts })
  client.on('error', () => undefined) // The next statement fails with it.
  await client.connect()
  return client
}

/** Over a session that it keeps as long as it lasts. */
async function askForRole(member: string, host: string): Promise<never> {
  let client: pg.Client | null = null
  for (;;) {
    const asked = clock()
    try {
      client ??= await connect(host, 5432)
      const { rows } = await client.query<{ primary: boolean }>('SELECT NOT pg_is_in_recovery() AS primary')
      print({ kind: 'role', member, asked, at: clock(), primary: rows[0]?.primary === true })
    } catch {
      void client?.end().catch(() => undefined)
      client = null
    }
    await sleep(task.everyMs)
  }
}

/** A new connection each time. */
async function comeAsClient(): Promise<void> {
  const asked = clock()
  let client: pg.Client | null = null
  try {
    client = await connect(task.address, task.port)
    const query = "SELECT current_setting('demo.member') AS member, NOT pg_is_in_recovery() AS primary"
    const { rows } = await client.query<{ member: string; primary: boolean }>(query)
    print({ kind: 'client', asked, at: clock(), error: null, member: null, primary: false, ...rows[0] })
  } catch (error) {
    print({ kind: 'client', asked, at: clock(), error: codeOf(error), member: null, primary: false })
  } finally {
    void client?.end().catch(() => undefined)
  }
}

for (const [member, host] of task.members) void askForRole(member, host)
setInterval(() => void comeAsClient(), task.everyMs)
