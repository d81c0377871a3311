import { once } from 'node:events'
import { connect } from 'node:net'
import { STARTUP } from '../failover/bare-sessions.ts'

/** Terminate, by which a client ends its session. */
const TERMINATE = Buffer.from([0x58, 0, 0, 0, 4])

/** Connects, and returns after how many milliseconds the first bytes of the server were there. */
export async function firstAnswer(port: number): Promise<number> {
  const begun = performance.now()
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  socket.write(STARTUP)
  await once(socket, 'data')
  const took = performance.now() - begun
  socket.resume().end(TERMINATE)
  await once(socket, 'close')
  return took
}
