/** Whether a template reads anything of its cluster is known when it is compiled. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileFor } from '../../../../src/templates/engine/compile.ts'
import { compiled } from './sample.ts'

test('a template of keys, names of its own and the environment reads nothing of a cluster', () => {
  const texts = [
    'text {{getv "/a"}}',
    '{{#each (gets "/*") as |kv|}}{{kv.key}} {{value}} {{@index}} {{#let x=this}}{{x.key}}{{/let}}{{/each}}',
    '{{#let a=(getenv "A") b=a}}{{b}}{{#if a}}{{/if}}{{/let}}{{#with (get "/a")}}{{key}}{{/with}}',
  ]
  for (const text of texts) assert.equal(compiled(text).readsContext, false, text)
})

test('a template that names any part of it, anywhere, does', () => {
  const texts = [
    '{{scope}}',
    '{{getv (concat "/" scope)}}',
    '{{#each (gets "/*")}}{{../scope}}{{/each}}',
    '{{#each (gets "/*")}}{{@root.scope}}{{/each}}',
    '{{#if false}}{{#each members}}{{/each}}{{/if}}',
    '{{#let x=primary}}{{/let}}',
    '{{#with this}}{{/with}}',
  ]
  for (const text of texts) assert.equal(compiled(text).readsContext, true, text)
})

test('without a cluster its names are an error that says so', () => {
  const result = compileFor({ subject: { kind: 'clusters', clusters: [] }, keys: ['/'] }, 't', '{{getv "/a"}}{{scope}}')
  assert.deepEqual(result.ok ? [] : result.problems.map(({ message }) => message), [
    'there is no "scope" in the configuration, which has no scope: valid here: nothing',
  ])
})
