/** What is kept of the output of a command. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Output, OUTPUT_BYTES } from '../../../../src/templates/commands/output.ts'

const of = (...chunks: readonly (string | Buffer)[]): string => {
  const output = new Output()
  const write = output.stream()
  for (const chunk of chunks) write(Buffer.from(chunk))
  return output.toString()
}

describe('the output that is kept', () => {
  test('has both streams in the order in which they came, and characters that came in pieces', () => {
    const output = new Output()
    const [out, err] = [output.stream(), output.stream()]
    const euro = Buffer.from('€')
    out(Buffer.from('1 '))
    err(Buffer.from('2 '))
    out(euro.subarray(0, 1))
    err(Buffer.from('3 '))
    out(euro.subarray(1))
    assert.equal(output.toString(), '1 2 3 €')
  })

  test('is fit to be shown, line by line', () => {
    const cases: readonly (readonly [string | Buffer, string])[] = [
      ['a\r\nb\n\n', 'a\nb'],
      ['\x1b[31mred\x1b[0m', 'red'],
      ['\ta', '    a'],
      ['a\x07\u202eb\u2028c', 'a\ufffd\ufffdb\ufffdc'],
      [Buffer.from([0x61, 0xff, 0x62]), 'a\ufffdb'],
    ]
    for (const [text, shown] of cases) assert.equal(of(text), shown)
  })

  test('is the end, of whole characters, of however much there is', () => {
    const text = of(...Array.from({ length: 1000 }, () => '€'.repeat(1000)), 'end')
    assert.ok(Buffer.byteLength(text) <= OUTPUT_BYTES && Buffer.byteLength(text) > OUTPUT_BYTES - 4)
    assert.match(text, /^€+end$/)
    assert.ok(Buffer.byteLength(of('\x01'.repeat(OUTPUT_BYTES))) <= OUTPUT_BYTES)
  })

  test('is as much of it where every word is in colour, and nothing of the colours', () => {
    const words = Array.from({ length: 4000 }, (_item, index) => `w${index}`)
    const text = of(...words.map((word) => `\x1b[1;31m${word}\x1b[0m\n`))
    assert.equal(text, words.join('\n').slice(1 - OUTPUT_BYTES))
  })
})
