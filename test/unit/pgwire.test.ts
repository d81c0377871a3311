import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  fatalError,
  firstAnswer,
  firstPacket,
  isEncryptionRefused,
  startupMessage,
  TERMINATE,
  type FirstPacket,
} from '../../src/pgwire.ts'

function packet(length: number, code: number, ...rest: number[]): Buffer {
  const head = Buffer.alloc(8)
  head.writeInt32BE(length, 0)
  head.writeInt32BE(code, 4)
  return Buffer.concat([head, Buffer.from(rest)])
}

const SSL = 80877103
const GSSENC = 80877104
const CANCEL = 80877102
const V3 = 3 << 16
const startup = startupMessage({ user: 'alice', database: 'shop' })

describe('firstPacket', () => {
  const rows: readonly (readonly [string, Buffer, FirstPacket['kind']])[] = [
    ['nothing', Buffer.alloc(0), 'incomplete'],
    ['seven bytes', packet(8, SSL).subarray(0, 7), 'incomplete'],
    ['a startup packet', startup, 'startup'],
    ['a startup packet without its last byte', startup.subarray(0, -1), 'incomplete'],
    ['a startup packet and more', Buffer.concat([startup, Buffer.from('Q')]), 'startup'],
    ['protocol 3.2', packet(9, V3 + 2, 0), 'startup'],
    ['protocol 3.9999', packet(9, V3 + 9999, 0), 'startup'],
    ['protocol 2', packet(9, 2 << 16, 0), 'opaque'],
    ['protocol 4', packet(9, 4 << 16, 0), 'opaque'],
    ['a protocol with the sign bit', packet(9, -1, 0), 'opaque'],
    ['SSLRequest', packet(8, SSL), 'encryption-request'],
    ['GSSENCRequest', packet(8, GSSENC), 'encryption-request'],
    ['SSLRequest and more', packet(8, SSL, 0x16), 'opaque'],
    ['SSLRequest with another length', packet(9, SSL), 'opaque'],
    ['CancelRequest', packet(16, CANCEL, 0, 0, 0, 1, 0, 0, 0, 2), 'cancel'],
    ['CancelRequest with a longer key', packet(44, CANCEL, ...Array<number>(36).fill(7)), 'cancel'],
    ['CancelRequest without its key', packet(16, CANCEL, 0, 0, 0, 1), 'incomplete'],
    ['length 7', packet(7, V3), 'opaque'],
    ['length 0', packet(0, V3), 'opaque'],
    ['the longest length', packet(10_004, V3), 'incomplete'],
    ['a length beyond that', packet(10_005, V3), 'opaque'],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n'), 'opaque'],
    ['the first byte of TLS', Buffer.from([0x16]), 'opaque'],
    ['a negative length', Buffer.from([0xff]), 'opaque'],
  ]
  for (const [what, bytes, kind] of rows) {
    test(`takes ${what} for ${kind}`, () => assert.equal(firstPacket(bytes).kind, kind))
  }

  test('never changes its mind about a startup packet that comes byte by byte', () => {
    const kinds = Array.from({ length: startup.length }, (_, n) => firstPacket(startup.subarray(0, n)).kind)
    assert.deepEqual(new Set(kinds), new Set(['incomplete']))
  })
})

describe('firstAnswer', () => {
  const error = (code: string, message: string): Buffer => fatalError(code, message, '')
  for (const code of ['57P01', '57P02', '57P03']) {
    test(`${code} means down, and says so`, () => {
      assert.deepEqual(firstAnswer(error(code, 'why')), { kind: 'down', message: `why (${code})` })
    })
  }
  const rows: readonly (readonly [string, Buffer, string])[] = [
    ['nothing', Buffer.alloc(0), 'incomplete'],
    ['AuthenticationOk', Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0]), 'up'],
    ['the first byte of an authentication request', Buffer.from('R'), 'up'],
    ['NegotiateProtocolVersion', Buffer.from('v'), 'up'],
    ['a wrong password', error('28P01', 'no'), 'up'],
    ['too many connections', error('53300', 'no'), 'up'],
    ['a database that was dropped', error('57P04', 'no'), 'up'],
    ['a cancelled query', error('57014', 'no'), 'up'],
    ['an error without a code', Buffer.from('E\0\0\0\x09Mno\0\0', 'latin1'), 'up'],
    ['half an error', error('57P03', 'no').subarray(0, -1), 'incomplete'],
    ['the type of an error', Buffer.from('E'), 'incomplete'],
    ['an error of protocol 2', Buffer.from('Ecould not fork new process for connection\0'), 'up'],
    ['an error with a length below that of a length', Buffer.from([0x45, 0, 0, 0, 3, 0]), 'up'],
    ['an error with a negative length', Buffer.from([0x45, 0xff, 0xff, 0xff, 0xff]), 'up'],
    ['an error longer than any that is waited for', error('57P03', 'x'.repeat(5000)), 'up'],
  ]
  for (const [what, bytes, kind] of rows) {
    test(`takes ${what} for ${kind}`, () => assert.equal(firstAnswer(bytes).kind, kind))
  }

  test("makes one line of bounded length of the server's message", () => {
    const answer = firstAnswer(error('57P03', `a\x1b[2J\r\n\u202eb${'x'.repeat(2000)}`))
    assert.ok(answer.kind === 'down')
    assert.match(answer.message, /^a \[2J b?/)
    assert.ok(answer.message.length < 220)
    assert.ok(!/[\p{Cc}\p{Cf}]/u.test(answer.message))
  })
})

test('encryption is refused by N alone, and only to a client that requests it', () => {
  const no = Buffer.from('N')
  assert.equal(isEncryptionRefused(packet(8, SSL), no), true)
  assert.equal(isEncryptionRefused(packet(8, GSSENC), no), true)
  assert.equal(isEncryptionRefused(packet(8, SSL), Buffer.from('S')), false)
  assert.equal(isEncryptionRefused(packet(8, SSL), Buffer.from('NE')), false)
  assert.equal(isEncryptionRefused(packet(8, SSL), Buffer.alloc(0)), false)
  assert.equal(isEncryptionRefused(startup, no), false)
  assert.equal(isEncryptionRefused(Buffer.alloc(0), no), false)
})

test('a startup message is laid out as the manual says', () => {
  assert.deepEqual(startupMessage({ user: 'alice' }), packet(20, V3, ...Buffer.from('user\0alice\0\0')))
  assert.deepEqual(startupMessage({}), packet(9, V3, 0))
})

test('a FATAL error is laid out as the manual says, with a hint only where there is one', () => {
  const fields = (bytes: Buffer): string[] => bytes.subarray(5).toString().split('\0')
  const bytes = fatalError('57P03', 'no server', 'wait')
  assert.equal(bytes.toString('latin1', 0, 1), 'E')
  assert.equal(bytes.readInt32BE(1), bytes.length - 1)
  assert.deepEqual(fields(bytes), ['SFATAL', 'VFATAL', 'C57P03', 'Mno server', 'Hwait', '', ''])
  assert.deepEqual(fields(fatalError('57P03', 'no server', '')), ['SFATAL', 'VFATAL', 'C57P03', 'Mno server', '', ''])
  assert.equal(fatalError('57P03', 'größer', '').readInt32BE(1), fatalError('57P03', 'größer', '').length - 1)
})

test('Terminate is five bytes', () => assert.deepEqual(TERMINATE, Buffer.from([0x58, 0, 0, 0, 4])))
