/** A brace of the text right behind a tag is no part of it, as a line of JSON wants it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileTemplate } from '../../../../src/templates/engine/compile.ts'
import { disguiseBraces } from '../../../../src/templates/engine/parse.ts'
import { textOf } from './sample.ts'

const WRITTEN: readonly (readonly [template: string, text: string])[] = [
  ['{"scope":{{scope}}}', '{"scope":demo}'],
  ['{"a":{"scope":{{scope}}}}', '{"a":{"scope":demo}}'],
  ['{{{scope}}}}', 'demo}'],
  ['{{{scope}}}', 'demo'],
  ['{{#if scope}}}{{else}}}}{{/if}}}', '}}'],
  ['{{#if paused}}}{{else}}}}{{/if}}}', '}}}'],
  ['{ {{~scope~}} }}} {{scope~}}}', '{demo}}} demo}'],
  ['{{concat "}}}" scope}}}', '}}}demo}'],
  [`{{concat '"' scope "}}}"}}}`, '"demo}}}}'],
  ['{{! }}}{{!-- }}} --}}}{{scope}}}', '}}demo}'],
  ['\\{{scope}}} {{scope}}}', '{{scope}}} demo}'],
  ['\ufdd0{{scope}}}', '\ufdd0demo}'],
]
for (const [template, text] of WRITTEN) {
  test(`${JSON.stringify(template)} gives ${JSON.stringify(text)}`, () => {
    assert.equal(textOf(template), text)
    assert.equal(textOf(`{{! whitespace: go }}\n${template}`), text)
  })
}

test('a fault behind such a brace is reported at its place, and the text is shown as it is', () => {
  const compiled = compileTemplate('t', '{"a":{{scope}}} {{scop}}}\n{{getv "/a"}}} {{if}}}')
  assert.deepEqual(compiled.ok ? [] : compiled.problems.map(({ line, column }) => `${line}:${column}`), [
    '1:19',
    '2:18',
  ])
})

test('a text without such a brace is left alone, also one that is never closed', () => {
  for (const text of ['{{a}} }}}', '{{{a}}}', '{{{{a}}}} }}}', '{{a', '{{"a']) {
    assert.equal(disguiseBraces(text).text, text)
  }
})
