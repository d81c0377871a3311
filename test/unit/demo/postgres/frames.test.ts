import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  errorOf,
  type Frame,
  frame,
  int32,
  query,
  readinessOf,
  renameStatement,
  rowsOf,
  splitFrames,
  sqlOf,
  startupParameters,
  withoutContext,
  withSql,
} from '../../../../src/demo/postgres/frames.ts'
import { errorResponse, startupMessage } from '../../../../src/pgwire.ts'

const of = (bytes: Buffer): Frame => ({ type: bytes.toString('latin1', 0, 1), bytes })
const int16 = (value: number) => int32(value).subarray(2)

test('splits messages wherever the stream is cut', () => {
  const stream = Buffer.concat([query('select 1'), frame('S'), query('select 2')])
  for (let cut = 0; cut <= stream.length; cut++) {
    const first = splitFrames(stream.subarray(0, cut))
    assert.ok(first)
    const second = splitFrames(Buffer.concat([first.rest, stream.subarray(cut)]))
    assert.ok(second)
    assert.deepEqual([...first.frames, ...second.frames].map(sqlOf), ['select 1', '', 'select 2'])
    assert.equal(second.rest.length, 0)
  }
})

for (const length of [0, 3, -1, 2 ** 31 - 1])
  test(`takes a length of ${length} for no message`, () => {
    assert.equal(splitFrames(Buffer.concat([Buffer.from('Q'), int32(length)])), null)
  })

test('reads the state of the transaction off the end of an answer', () => {
  const ready = (state: string) => Buffer.concat([frame('C', 'SELECT 1'), frame('Z', Buffer.from(state))])
  assert.deepEqual(
    ['I', 'T', 'E'].map((state) => readinessOf(ready(state))),
    ['I', 'T', 'E'],
  )
  assert.equal(readinessOf(frame('1')), null)
  assert.equal(readinessOf(Buffer.alloc(0)), null)
})

test('reads rows, with NULL and with what is longer than a byte', () => {
  const row = frame('D', int16(3), int32(2), Buffer.from('é'), int32(-1), int32(0))
  assert.deepEqual(rowsOf(Buffer.concat([frame('T', int16(0)), row])), [['é', null, '']])
})

test('finds the message of an error', () => {
  assert.equal(
    errorOf(Buffer.concat([frame('N', 'SNOTICE'), errorResponse('ERROR', '42601', 'syntax error', '')])),
    'syntax error',
  )
  assert.equal(errorOf(frame('C', 'SELECT 1')), null)
})

test('puts the names of prepared statements behind a prefix, and leaves all else as it is', () => {
  const renamed = (bytes: Buffer) => renameStatement(of(bytes), 'p_')
  const parse = frame('P', 'stmt', 'select $1', int16(0))
  assert.deepEqual(renamed(parse), { bytes: frame('P', 'p_stmt', 'select $1', int16(0)), name: 'p_stmt' })
  const bind = frame('B', 'portal', 'stmt', int16(0), int16(0), int16(0))
  assert.deepEqual(renamed(bind).bytes, frame('B', 'portal', 'p_stmt', int16(0), int16(0), int16(0)))
  for (const type of ['D', 'C'])
    assert.deepEqual(renamed(frame(type, Buffer.from('S'), 'stmt')).bytes, frame(type, Buffer.from('S'), 'p_stmt'))
  const unnamed = [
    frame('P', '', 'select 1', int16(0)),
    frame('B', 'portal', '', int16(0), int16(0), int16(0)),
    frame('D', Buffer.from('P'), 'portal'),
    frame('E', 'portal', int32(0)),
    query('select 1'),
  ]
  for (const bytes of unnamed) assert.deepEqual(renamed(bytes), { bytes, name: '' })
})

test('replaces a statement by another one, under the same name', () => {
  assert.deepEqual(withSql(of(query('select 1')), 'select 2').bytes, query('select 2'))
  const parse = frame('P', 'stmt', 'select $1', int16(1), int32(23))
  assert.deepEqual(withSql(of(parse), 'select 2').bytes, frame('P', 'stmt', 'select 2', int16(0)))
})

test('takes out of an error where in a function it came from, and nothing else out of an answer', () => {
  const error = (...more: readonly string[]) => frame('E', 'SERROR', 'C0A000', 'Mno', 'Hso', ...more, '')
  const ready = frame('Z', Buffer.from('E'))
  const context = ['WPL/pgSQL function', 'Fpl_exec.c', 'L1', 'Rx']
  const answer = (...own: readonly Buffer[]) => Buffer.concat([frame('C', 'BEGIN'), ...own, ready])
  const stripped = (bytes: Buffer) => withoutContext(bytes, 'mark')
  assert.deepEqual(stripped(answer(error('smark', ...context))), answer(error()))
  const others = answer(frame('D', 'smark'), error(...context))
  assert.deepEqual(stripped(others), others)
})

test('does not choke on a message that ends too early', () => {
  for (const type of ['P', 'B', 'D', 'C', 'Q'])
    for (const body of ['', 'S', 'abc', '\0', 'a\0', 'S\0']) {
      const bytes = frame(type, Buffer.from(body))
      renameStatement(of(bytes), 'p_')
      sqlOf(of(bytes))
    }
})

test('reads the parameters of a startup packet', () => {
  const parameters = { user: 'bob', database: 'postgres', application_name: '' }
  assert.deepEqual(Object.fromEntries(startupParameters(startupMessage(parameters))), parameters)
})
