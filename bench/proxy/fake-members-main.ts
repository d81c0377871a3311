// Members whose PostgreSQL takes thousands of sessions: `node bench/proxy/fake-members-main.ts COUNT`, with IPC.
import { createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { FakeMember } from '../../test/integration/watcher/fake-member.ts'
import { freePort } from '../../test/support/net/ports.ts'

/** The message to the process: the only primary from now on, and how long each PostgreSQL takes for its first answer. */
export interface Roles {
  /** null: all are replicas. */
  readonly primary: number | null
  readonly timeline: number
  readonly answerMs: number
}

/** The first message of the process. */
export interface FakeAddress {
  readonly name: string
  readonly pgPort: number
  readonly restPort: number
  readonly key: string
}

/** AuthenticationOk and ReadyForQuery. */
const WELCOME = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49])
const roles = { primary: null as number | null, timeline: 1, answerMs: 0 }

async function answer(socket: Socket): Promise<void> {
  if (roles.answerMs > 0) await sleep(roles.answerMs)
  socket.write(WELCOME)
  socket.resume()
}

async function startMember(index: number): Promise<{ readonly member: FakeMember; readonly pgPort: number }> {
  const member = await FakeMember.start(`pg${index}`, 'replica')
  const pgPort = await freePort()
  const postgres = createServer({ noDelay: true }, (socket) => {
    socket.once('data', () => {
      socket.pause()
      void answer(socket)
    })
    socket.on('error', () => undefined) // 'close' follows
  })
  await new Promise<void>((resolve) => postgres.listen({ port: pgPort, host: '127.0.0.1', backlog: 4096 }, resolve))
  return { member, pgPort }
}

const members: { readonly member: FakeMember; readonly pgPort: number }[] = []
for (let index = 0; index < Number(process.argv[2]); index++) members.push(await startMember(index))

function apply(): void {
  for (const [index, { member }] of members.entries()) {
    member.mode = index === roles.primary ? 'primary' : 'replica'
    member.timeline = roles.timeline
    member.cluster = {
      members: members.map((other, at) =>
        other.member.entry(at === roles.primary ? 'leader' : 'replica', { port: other.pgPort }),
      ),
    }
  }
}

apply()
const addresses = members.map(({ member, pgPort }): FakeAddress => {
  const conn_url = `postgres://127.0.0.1:${pgPort}/postgres`
  return { name: member.name, pgPort, restPort: Number(new URL(member.url).port), key: member.key({ conn_url }) }
})
process.send?.(addresses)
process.on('message', (message: Roles) => {
  Object.assign(roles, message)
  apply()
  process.send?.('done')
})
process.once('disconnect', () => process.exit())
