/** The first line of a template says whose rules for white space it follows. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileTemplate } from '../../../../src/templates/engine/compile.ts'
import { inputs, textOf } from './sample.ts'

const BODY = 'a\n  {{#if true}}\n b{{/if}}\n{{~! c }}\nend\n'

test("the line that asks for Go's white space leaves nothing, however it is written", () => {
  for (const first of [
    '{{! whitespace: go }}\n',
    '\ufeff{{!whitespace:go}}\r\n',
    '{{!-- whitespace: go --}} \n',
    '{{! whitespace: go }}',
  ]) {
    assert.equal(textOf(`${first}${BODY}`, inputs()), 'a\n  \n b\nend\n', first)
  }
})

test('without it, or further down, the rules are those of Handlebars', () => {
  assert.equal(textOf(BODY, inputs()), 'a\n bend\n')
  assert.equal(textOf(`{{! a }}\n{{! whitespace: go }}\n${BODY}`, inputs()), 'a\n bend\n')
})

test('a white space that is not known is an error, and places are counted with that line', () => {
  const problems = (text: string): unknown => {
    const compiled = compileTemplate('t', text)
    return compiled.ok ? [] : compiled.problems.map(({ line, column, message }) => `${line}:${column} ${message}`)
  }
  assert.deepEqual(problems('{{! whitespace: golang }}\n'), ['1:1 whitespace is "go", or not given, not "golang"'])
  assert.deepEqual(problems('{{! whitespace: go }}\n{{scop}}'), [
    '2:3 there is no "scop" in the cluster: did you mean "scope"?',
  ])
})
