/** Short sessions, begun at a rate that does not wait for the answers. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { startupMessage } from '../../src/pgwire.ts'

/** Connects in a second. */
const RATE = 1_000
const SLOT_MS = 1_500
const STARTUP = startupMessage({ user: 'postgres', database: 'postgres' })

/** Connects at the rate, each time up to the first answer; returns how many have had one. `answered`: called with each time in ms. */
export async function connectAtRate(port: number, answered?: (ms: number) => void, slotMs = SLOT_MS): Promise<number> {
  const since = performance.now()
  const sessions: Promise<void>[] = []
  for (let passed = 0; passed < slotMs; passed = performance.now() - since) {
    const due = Math.floor((passed * RATE) / 1000)
    while (sessions.length < due) sessions.push(session(port, answered))
    await sleep(1)
  }
  await Promise.all(sessions)
  return sessions.length
}

async function session(port: number, answered?: (ms: number) => void): Promise<void> {
  const since = performance.now()
  const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(STARTUP))
  socket.once('data', () => {
    answered?.(performance.now() - since)
    socket.end()
  })
  await once(socket, 'close')
  if (socket.bytesRead === 0) throw new Error('a client had no answer')
}
