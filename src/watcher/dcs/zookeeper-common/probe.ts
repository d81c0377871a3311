/** Finds out what listens where a ZooKeeper does not answer. */
import type { Socket } from 'node:net'
import { dial, type DialTarget } from '../dial.ts'

export type ZooKeeperListener = 'serving' | 'not-serving' | 'tls' | 'plain' | 'unknown'

/** Each of its at most two attempts may take that long. Milliseconds. */
const TIMEOUT_MS = 600

/** More than the answer to `srvr`. Bytes. */
const MAX_ANSWER = 4096

/** Asks with the word `srvr`, which servers answer without a session, as configured, then the other way round. Never rejects. */
export async function probeZooKeeper(target: DialTarget, signal: AbortSignal): Promise<ZooKeeperListener> {
  const answer = await ask(target, 'srvr', signal)
  if (answer !== null && /not currently serving/i.test(answer)) return 'not-serving'
  if (answer !== null && answer !== '') return 'serving'
  if (target.certificates === null) return (await speaksTls(target, signal)) ? 'tls' : 'unknown'
  const plain = await ask({ ...target, certificates: null }, 'srvr', signal)
  return plain === null || plain === '' ? 'unknown' : 'plain'
}

/** Resolves with all that a server answers to a word; null: it cannot be asked. */
async function ask(target: DialTarget, word: string, signal: AbortSignal): Promise<string | null> {
  let answer = ''
  const isAsked = await converse(target, signal, (socket) => {
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      answer += text
      if (answer.length > MAX_ANSWER) socket.destroy()
    })
    socket.write(word)
  })
  return isAsked ? answer : null
}

/** The first bytes of a handshake: the record of a ClientHello without anything in it. A server with TLS answers with an alert. */
const HELLO = Buffer.from([0x16, 0x03, 0x01, 0x00, 0x04, 0x01, 0x00, 0x00, 0x00])
const ALERT = 0x15

async function speaksTls(target: DialTarget, signal: AbortSignal): Promise<boolean> {
  const answer: Buffer[] = []
  await converse(target, signal, (socket) => {
    socket.on('data', (bytes: Buffer) => {
      answer.push(bytes)
      socket.destroy()
    })
    socket.write(HELLO)
  })
  return answer[0]?.[0] === ALERT
}

/** Connects and resolves when the connection has ended, which it does in time; says whether there was one. */
async function converse(
  target: DialTarget,
  signal: AbortSignal,
  onConnected: (socket: Socket) => void,
): Promise<boolean> {
  const giveUp = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)])
  const { promise, resolve } = Promise.withResolvers<boolean>()
  let isConnected = false
  const socket = dial(target, [], (error) => {
    if (error !== null) return
    isConnected = true
    onConnected(socket)
  })
  const onAbort = (): void => void socket.destroy()
  giveUp.addEventListener('abort', onAbort, { once: true })
  // It says nothing but that there was no answer.
  socket.on('error', () => undefined)
  socket.once('close', () => {
    giveUp.removeEventListener('abort', onAbort)
    resolve(isConnected)
  })
  return promise
}
