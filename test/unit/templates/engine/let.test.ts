/** {{#let}}: a name for a value, whatever it is. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileTemplate } from '../../../../src/templates/engine/compile.ts'
import type { RenderResult } from '../../../../src/templates/engine/template.ts'
import { context, inputs, replica, textOf } from './sample.ts'

const GIVEN = inputs(context([replica('pg1'), replica('pg2')]), { '/empty': '', '/a': 'v' })

const NOBODY = context([], {
  leader: null,
  primary: {
    state: 'none',
    member: null,
    address: null,
    place: null,
    reason: '',
    since: 1,
    epoch: 1,
    silences: 0,
    basis: '',
  },
  members: [],
})

test('the body is written whatever the value is', () => {
  const values = ['""', 'false', '0', '(gets "/none/*")', 'null', '(getv "/empty")', 'citus_group']
  for (const value of values) assert.equal(textOf(`{{#let x=${value}}}written{{/let}}`, GIVEN), 'written', value)
})

test('a value can be read by its name, by those after it, and further in', () => {
  assert.equal(textOf('{{#let x=(getv "/a") y=(concat x "w")}}{{x}} {{y}}{{/let}}', GIVEN), 'v vw')
  const nested = '{{#let x="out"}}{{#each replicas}}{{#let y=name}}{{x}}{{y}} {{/let}}{{/each}}{{/let}}'
  assert.equal(textOf(nested, GIVEN), 'outpg1 outpg2 ')
})

test('names around it keep their meaning: this, ../ and @index', () => {
  const text =
    '{{#each replicas}}{{#let a=1 b=2}}{{name}} {{this.name}} {{../state}} {{@index}} {{#unless @last}}| {{/unless}}{{/let}}{{/each}}'
  assert.equal(textOf(text, GIVEN), 'pg1 pg1 open 0 | pg2 pg2 open 1 ')
  const inner =
    '{{#each replicas}}{{#let a=name}}{{#with ../primary}}{{name}} {{../name}} {{../../state}} {{a}};{{/with}}{{/let}}{{/each}}'
  assert.equal(textOf(inner, GIVEN), 'pg0 pg1 open pg1;pg0 pg2 open pg2;')
})

test('the inner of two names counts, and a name before a field or a helper', () => {
  assert.equal(textOf('{{#let x=1}}{{#let x=(add x 1)}}{{x}}{{/let}}{{x}}{{/let}}', GIVEN), '21')
  assert.equal(
    textOf('{{#let state="mine" len="too"}}{{state}} {{len}} {{this.state}}{{/let}}', GIVEN),
    'mine too open',
  )
})

test('a name with arguments is the helper that has it', () => {
  const text =
    '{{#let base="x" index=0}}{{base "/a/b"}} {{concat (base "/c/d") base}} {{index (split base "") index}}{{/let}}'
  assert.equal(textOf(text, GIVEN), 'b dx x')
  assert.equal(textOf('{{#each replicas as |len|}}{{len "abc"}}{{len.name}} {{/each}}', GIVEN), '3pg1 3pg2 ')
})

test('a list under a name is empty like the list itself, and an absent member is absent', () => {
  const result = render('{{#let all=(gets "/none/*")}}{{#each all}}{{key}}{{/each}}{{/let}}')
  assert.equal(result.kind === 'text' ? result.empty : result.kind, 'all')
  const absent = render('{{#let p=primary}}{{p.host}}{{/let}}')
  assert.equal(absent.kind === 'absent' ? absent.problem.message : absent.kind, 'there is no primary')
})

test('faults in it are reported at their place', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['{{#let}}{{/let}}', '1:1 {{#let}} takes values with names: {{#let x=(getv "/x")}}'],
    ['{{#let "a" x=1}}{{/let}}', '1:1 {{#let}} takes values with names: {{#let x=(getv "/x")}}'],
    ['{{#let x=1}}{{else}}{{/let}}', '1:1 {{#let}} has no {{else}}: what is in it is always written'],
    ['{{#let x=1 as |y|}}{{/let}}', '1:1 {{#let x=...}} gives its names without as |...|'],
    ['{{#let x=1 x=2}}{{/let}}', '1:1 {{#let}} gives the same name twice'],
    ['{{#let this=1}}{{/let}}', '1:1 {{#let}}: "this" is no name'],
    ['{{#let x=(gett "/a")}}{{/let}}', '1:11 there is no helper "gett": did you mean "get"?'],
    ['{{#let x=primary}}{{x.nam}}{{/let}}', '1:21 there is no "nam" in the member: did you mean "name"?'],
    [
      '{{#let x=1}}{{../state}}{{/let}}',
      '1:15 "../state" leads out of the template: only {{#each}} and {{#with}} lead into one',
    ],
    ['{{let x=1}}', '1:3 let is a block: write {{#let ...}}'],
  ]
  for (const [text, expected] of rows) {
    const compiled = compileTemplate('t', text)
    const problems = compiled.ok ? [] : compiled.problems
    assert.deepEqual(
      problems.map(({ line, column, message }) => `${line}:${column} ${message}`),
      [expected],
      text,
    )
  }
})

function render(text: string): RenderResult {
  const compiled = compileTemplate('t', text)
  assert.ok(compiled.ok)
  return compiled.template.render({ ...GIVEN, context: NOBODY })
}
