import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lineOf, type Message } from '../../../src/systemd/message.ts'

const message = (parts: Partial<Message>): Message => ({ phase: null, status: null, ping: false, ...parts })

test('a message is one line of assignments', () => {
  const cases: readonly (readonly [Partial<Message>, string])[] = [
    [{ ping: true }, 'WATCHDOG=1'],
    [{ phase: { type: 'ready' } }, 'READY=1'],
    [{ phase: { type: 'ready' }, status: 'it serves', ping: true }, 'READY=1\tSTATUS=it serves\tWATCHDOG=1'],
    [{ phase: { type: 'reloading', sinceUsec: 12_345_678_901n } }, 'RELOADING=1\tMONOTONIC_USEC=12345678901'],
  ]
  for (const [parts, line] of cases) assert.equal(lineOf(message(parts)), line)
})

test('systemd is asked to wait for the drain and 5 s more', () => {
  const phase = { type: 'stopping', drainMs: 30_000 } as const
  assert.equal(lineOf(message({ phase })), 'STOPPING=1\tEXTEND_TIMEOUT_USEC=35000000')
})

test('a status cannot add a line or an assignment, nor be longer than systemd takes', () => {
  const status = 'a\nREADY=1\tWATCHDOG=1\u001b[2J\u2028b\ud800'
  assert.equal(lineOf(message({ status })), String.raw`STATUS=a\x0aREADY=1\x09WATCHDOG=1\x1b[2J\u2028b\ud800`)
  assert.equal(lineOf(message({ status: 'x'.repeat(20_000) })), `STATUS=${'x'.repeat(997)}...`)
  assert.equal(lineOf(message({ status: '$(id) `id` "\'* \\n ä' })), 'STATUS=$(id) `id` "\'* \\n ä')
})
