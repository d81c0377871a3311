/** Values of any bytes go through templates as text, and come out as they were. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { byteCount, bytesOfText, hasBytes, textOfBytes } from '../../../src/text/binary-text.ts'
import { inputs, render, textOf } from '../templates/engine/sample.ts'

const BINARY = Buffer.from('ff00fe41c3a9c328edb08080f09f9880f4908080c0afe282', 'hex')

test('any bytes come back as they were, and what is UTF-8 is that text', () => {
  const all = Buffer.from(Array.from({ length: 65_536 }, (_byte, at) => [at >> 8, at & 0xff]).flat())
  for (const bytes of [BINARY, all, Buffer.alloc(0), Buffer.from('é\u{1f600}\ufeff\ufffd\0')]) {
    assert.deepEqual(bytesOfText(textOfBytes(bytes)), bytes)
    assert.equal(byteCount(textOfBytes(bytes)), bytes.length)
  }
  assert.equal(textOfBytes(Buffer.from('é\u{1f600}')), 'é\u{1f600}')
  assert.equal(textOfBytes(Buffer.from('a\xff', 'latin1')), 'a\udcff')
  assert.deepEqual([hasBytes('é\u{1f600}\ud800'), hasBytes('a\udc80')], [false, true])
})

const GIVEN = inputs(undefined, { '/bin': textOfBytes(BINARY), '/json': `"\\udc80"` })

test('a template writes the bytes of a key, and their base64', () => {
  assert.deepEqual(bytesOfText(textOf('{{raw (getv "/bin")}}', GIVEN)), BINARY)
  assert.equal(textOf('{{base64Encode (getv "/bin")}}', GIVEN), BINARY.toString('base64'))
  assert.equal(textOf('{{raw (base64Decode (base64Encode (getv "/bin")))}}', GIVEN), textOfBytes(BINARY))
  assert.equal(textOf('{{len (getv "/bin")}}', GIVEN), String(BINARY.length))
})

test('bytes are written nowhere that cannot have them, and the error names the key', () => {
  const rows = [
    ['{{getv "/bin"}}', /^the key \/bin contains characters/],
    [
      '{{quote "haproxy" (getv "/bin")}}',
      /^quote: haproxy cannot be given bytes that are not UTF-8 \(the key \/bin\)$/,
    ],
    ['{{quote "json" (getv "/bin")}}', /^quote: JSON cannot be given bytes that are not UTF-8 \(the key \/bin\)$/],
    ['{{json (getv "/bin")}}', /^json: the text is not JSON: it holds bytes that are not UTF-8/],
  ] as const
  for (const [text, message] of rows) {
    const result = render(text, GIVEN)
    assert.match(result.kind === 'failed' ? result.problem.message : result.kind, message)
  }
})

test('half a character that JSON spells out is no byte', () => {
  assert.equal(textOf('{{raw (json (getv "/json"))}}', GIVEN), '\ufffd')
})
