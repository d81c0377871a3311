import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DOCUMENTS } from './markdown.ts'

const README = DOCUMENTS.find(({ path }) => path === 'README.md')?.text ?? ''

test('the README is short', () => {
  const lines = README.split('\n').length
  assert.ok(lines <= 160, `${lines} lines`)
})

test('the README has no figure that is not generated', () => {
  const prose = README.replace(/<!-- ([\w-]+):begin -->[^]*<!-- \1:end -->/g, '').replace(/^```[^]*?^```/gm, '')
  assert.ok(prose.length < README.length)
  const figures = [
    ...prose.matchAll(/\b\d+(?:[.,]\d+)?(?:\s| )?(?:ms|s|seconds|minutes|KiB|MiB|MB|GB|Gbit|tps|%|times)(?!\w)/g),
  ]
  assert.deepEqual(
    figures.map(([figure]) => figure),
    [],
  )
})
