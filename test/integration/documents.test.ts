/** The shell blocks of the documents. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { blocksOf } from '../unit/documents/markdown.ts'

test('every shell block is one that bash parses', () => {
  const blocks = blocksOf('sh')
  assert.ok(blocks.length > 30)
  for (const { place, text } of blocks) {
    const { status, stderr } = spawnSync('bash', ['-n'], { input: text, encoding: 'utf8' })
    assert.equal(status, 0, `${place}: ${stderr}`)
    assert.equal(stderr, '', place)
  }
})
