/** Keeps one session (lan-session.ts) busy: a line with the member's name for each answer, until it ends. */
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

const [host = '', port = ''] = process.argv.slice(2)
const client = new pg.Client({ host, port: Number(port), user: 'postgres', database: 'postgres' })
client.on('error', (error) => {
  console.error(error)
  process.exit(1)
})
await client.connect()
for (;;) {
  const { rows } = await client.query<{ member: string }>("SELECT current_setting('demo.member') AS member")
  console.log(rows[0]?.member)
  await sleep(20)
}
