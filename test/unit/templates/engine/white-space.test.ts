/** The first line of a template says whose rules for white space it follows. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileTemplate } from '../../../../src/templates/engine/compile.ts'
import { inputs, textOf } from './sample.ts'

const BODY = 'a\n  {{#if true}}\n b{{/if}}\n{{~! c }}\nend\n'

test("the line that turns on Go's white space leaves nothing, however it is written", () => {
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

test('a line of nothing but {{/let}} leaves nothing, and another keeps what it has', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['{{#let x=1}}a\n{{/let}}\n', 'a\n'],
    ['{{#let x=1}}a\r\n  {{/let}} \r\nb\r\n', 'a\r\nb\r\n'],
    ['{{#let x=1}}{{#let y=2}}\na\n {{/let}}\n\n{{/let}} {{#let z=3}}\nb{{/let}}\n', '\na\n\n \nb\n'],
    ['{{#let x=1}}{{#let y=2}}a\n{{/let}} {{/let}}\nb', 'a\nb'],
    ['{{#let x=1}}a {{/let}}\nb\n', 'a \nb\n'],
    ['{{#let x=1}}a\n  {{/let}}  {{scope}}\n', 'a\n    demo\n'],
    ['{{#if true}}{{#let x=1}}a\n\n{{/let}}\n{{~/if}}\nb', 'a\nb'],
    ['{{#if true}}{{#let x=1}}a \n{{/let}}{{~else}}{{/if}}b', 'ab'],
    ['{{#let x=1}}{{scope~}} \n{{/let}}\n\nb', 'demob'],
  ]
  for (const [body, text] of rows) assert.equal(textOf(`{{! whitespace: go }}\n${body}`, inputs()), text, body)
})
