/** Answers that are read line by line. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { eachLine } from '../../../../../src/watcher/dcs/http/lines.ts'

async function lines(parts: readonly (string | Buffer)[], maxLine = 100): Promise<string[]> {
  const found: string[] = []
  async function* body(): AsyncGenerator<Buffer> {
    for (const part of parts) yield await Promise.resolve(Buffer.from(part))
  }
  await eachLine(body(), (line) => void found.push(line), maxLine)
  return found
}

describe('the lines of an answer', () => {
  test('are whole however they are cut into pieces', async () => {
    assert.deepEqual(await lines(['a\nb', 'c\n', '\n', 'd', 'e', '\nf']), ['a', 'bc', 'de', 'f'])
    assert.deepEqual(await lines([]), [])
    const text = Buffer.from('Zürich 🐘\n')
    assert.deepEqual(await lines([...text].map((byte) => Buffer.of(byte))), ['Zürich 🐘'])
  })

  test('are not read on when one is longer than it may be', async () => {
    for (const parts of [['a'.repeat(101)], ['x\n', 'a'.repeat(60), 'a'.repeat(60), '\nb\n'], [`${'a'.repeat(101)}\n`]])
      await assert.rejects(lines(parts), /it sends a line that is longer than/)
    assert.deepEqual(await lines(['a'.repeat(100), '\n']), ['a'.repeat(100)])
  })

  test('end with what takes them', async () => {
    async function* body(): AsyncGenerator<Buffer> {
      yield await Promise.resolve(Buffer.from('a\nb\n'))
    }
    const refuse = (): never => {
      throw new Error('refused')
    }
    await assert.rejects(eachLine(body(), refuse, 10), /refused/)
  })
})
