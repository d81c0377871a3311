/** Templates mean what Handlebars makes of them: its own runtime is the judge. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import Handlebars from 'handlebars'
import { context, inputs, replica, textOf } from './sample.ts'

const GIVEN = inputs(
  context([
    replica('pg1', { tags: { dc: 'a', n: 0 }, lagBytes: 0, isSync: true }),
    replica('pg2', { tags: {}, restUrl: null, lagBytes: 12 }),
  ]),
)

/**
 * Without one object in two places: where the item of a list happens to be the very object outside of it, Handlebars
 * counts one `../` less. Neither do two numbers or flags stand side by side in these templates: Handlebars adds them up.
 */
const APART: unknown = JSON.parse(JSON.stringify(GIVEN.context))

function assertAlike(text: string): void {
  const theirs = Handlebars.compile(text, { noEscape: true })(APART)
  assert.equal(textOf(text, GIVEN), theirs, text)
}

const TEMPLATES = [
  'plain\n{{scope}} \\{{scope}} {{{scope}}} {{& scope}} {{! a comment }}{{!-- }} --}}end',
  '{{#each members}}\n  {{name}}\n{{/each}}\nend\n',
  '  {{#each members}}\n{{~name~}}\n  {{/each}}\n',
  'a {{~scope~}} b {{~#if paused~}} c {{~else~}} d {{~/if~}} e',
  '{{#if paused}}a{{else if standby_cluster}}b{{else if scope}}c{{else}}d{{/if}}',
  '{{#if paused}}\na\n{{else if scope}}\nb\n{{else}}\nc\n{{/if}}\n',
  '{{#unless paused}}a{{else}}b{{/unless}}{{^if paused}}c{{else}}d{{/if}}{{#unless scope}}e{{/unless}}',
  '{{#each members}}{{@index}} {{@key}} {{@first}} {{@last}} {{/each}}',
  '{{#each members as |m i|}}{{i}}{{m.name}}{{name}}{{@index}} {{/each}}',
  '{{#each members as |m|}}{{#each ../replicas as |r|}}{{m.name}}-{{r.name}} {{../name}} {{../../scope}} {{@../index}} {{@index}};{{/each}}{{/each}}',
  '{{#each members}}{{#each tags}}{{@key}}={{this}}{{@first}} {{@last}} {{@index}} {{else}}none of {{name}}{{/each}}{{/each}}',
  '{{#each members}}{{#each tags as |value key|}}{{key}}:{{value}}:{{../name}} {{/each}}{{/each}}',
  '{{#with primary}}{{name}} {{../scope}} {{this.host}} {{./port}}{{else}}none{{/with}}',
  '{{#with primary as |p|}}{{p.name}}{{#each ../members}}{{p.port}}{{@root.scope}}{{../name}}{{/each}}{{/with}}',
  '{{#with citus_group}}a{{else}}b{{/with}}{{#with members}}{{length}}{{/with}}'.replace(
    '{{length}}',
    '{{this.length}}',
  ),
  '{{#each members}}{{#if lag}}lag{{else}}none{{/if}}{{#if lag includeZero=true}} or 0{{/if}} {{/each}}',
  '{{#if members}}a{{/if}}{{#if sync_standbys}}b{{/if}}{{#if citus_group}}c{{/if}}{{#if primary}}d{{/if}}',
  '{{#each members}}{{#if tags}}tags{{/if}}{{#if rest_port}}{{rest_port}}{{/if}}{{/each}}',
  '{{members.length}} {{members.[1].name}} {{members.1.name}}',
  '{{#each members}}{{#unless @last}}{{name}}, {{else}}{{name}}{{/unless}}{{/each}}\r\nnext\r\n',
  '{{#each sync_standbys}}a{{else}}b{{/each}}',
  '{{#each members}}{{#with tags}}{{../name}} {{@index}}{{/with}}{{/each}}',
]

for (const text of TEMPLATES) test(`renders ${JSON.stringify(text)} as Handlebars does`, () => assertAlike(text))

test('renders generated templates as Handlebars does', () => {
  let seed = 7
  const pick = <T>(...from: readonly T[]): T => {
    seed = (seed * 48_271) % 2_147_483_647
    return from[seed % from.length] as T
  }
  const tilde = (): string => pick('', '', '', '~')
  const space = (): string => pick('', ' ', '\n', '  \n', '\n  ', 'x')
  const tag = (inner: string): string => `{{${tilde()}${inner}${tilde()}}}`
  // `up`: how to come out again to the cluster.
  const body = (depth: number, up: string, member: boolean): string =>
    Array.from({ length: pick(1, 2, 3) }, () => space() + part(depth, up, member) + space()).join('')
  const part = (depth: number, up: string, member: boolean): string => {
    if (depth === 0)
      return tag(pick(`${up}scope`, '@root.state', member ? 'name' : 'state', member ? 'this.host' : 'this.state'))
    const inner = (isMember: boolean): string => body(depth - 1, `../${up}`, isMember)
    const same = (): string => body(depth - 1, up, member)
    // Another one at each depth: see APART.
    const level = up.length / '../'.length
    const list = `${up}${['sync_standbys', 'replicas', 'members'][level]}`
    const one = `${up}${level % 2 === 0 ? 'primary' : 'leader'}`
    const test = `${up}${pick('paused', 'primary', 'members', 'citus_group', 'scope')}`
    const last = pick('', tag('else') + same())
    return pick(
      () => `${tag(`#each ${list}`)}${inner(true)}${last}${tag('/each')}`,
      () => `${tag(`#with ${one}`)}${inner(true)}${last}${tag('/with')}`,
      () => `${tag(`#if ${test}`)}${same()}${last}${tag('/if')}`,
      () => `${tag(`#if ${test}`)}${same()}${tag(`else if ${up}paused`)}${same()}${tag('/if')}`,
      () => `${tag(`#unless ${test}`)}${same()}${last}${tag('/unless')}`,
    )()
  }
  for (let run = 0; run < 500; run++) assertAlike(body(pick(1, 2, 3), '', false))
})
