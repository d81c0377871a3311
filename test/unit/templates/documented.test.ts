import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileTemplate } from '../../../src/templates/engine/compile.ts'
import type { TemplateClusters, TemplateContext, TemplateMember } from '../../../src/templates/engine/context.ts'
import { CLUSTERS, CONTEXT, type Shape } from '../../../src/templates/engine/shape.ts'
import { HELPERS } from '../../../src/templates/helpers/registry.ts'
import { rowsIn } from '../documents/markdown.ts'
import { BLOCKS, PAGE } from './page.ts'

function member(name: string, host: string, changes: Partial<TemplateMember>): TemplateMember {
  return {
    name,
    host,
    port: 5432,
    address: `${host}:5432`,
    proxy_host: null,
    proxy_port: null,
    rest_url: `http://${host}:8008`,
    rest_host: host,
    rest_port: 8008,
    role: 'replica',
    member_state: 'streaming',
    replication_state: 'streaming',
    is_leader: false,
    is_primary: false,
    is_sync: false,
    is_replica: false,
    lag: 0,
    timeline: 1,
    version: '4.1.0',
    pending_restart: false,
    override: null,
    tags: {},
    ...changes,
  }
}

const PG1 = member('pg1', '10.0.0.1', { role: 'primary', is_leader: true, is_primary: true })
const PG2 = member('pg2', '10.0.0.2', { is_replica: true, lag: null, tags: { dc: 'a' } })
const CLUSTER: TemplateContext = {
  scope: 'demo',
  namespace: 'service',
  citus_group: null,
  system_id: '7012345678901234567',
  paused: false,
  standby_cluster: false,
  state: 'open',
  leader: PG1,
  primary: PG1,
  members: [PG1, PG2],
  replicas: [PG2],
  sync_standbys: [],
}
const NOBODY: TemplateContext = { ...CLUSTER, state: 'none', leader: null, primary: null, members: [], replicas: [] }

/** The text; or what became of it, with the reason. */
function rendered(template: string, context: TemplateContext | TemplateClusters): string {
  const compiled = compileTemplate('template', template, HELPERS, 'clusters' in context ? CLUSTERS : CONTEXT)
  if (!compiled.ok) return `wrong: ${compiled.problems.map(({ message }) => message).join('; ')}`
  const keys = {
    entries: new Map([
      ['/safe', 'a'],
      ['/unsafe', 'a b'],
    ]),
  }
  const result = compiled.template.render({ context, keys, env: {}, answers: { answerTo: () => null } })
  if (result.kind === 'text') return result.empty === null ? result.text : `empty: ${result.empty}`
  return result.kind === 'asks' ? 'asks' : `${result.kind}: ${result.problem.message}`
}

const PRINTED = BLOCKS.flatMap((block, index) => {
  const next = BLOCKS[index + 1]
  const isOwn = block.info === 'handlebars' && BLOCKS[index - 1]?.info !== 'go'
  return isOwn ? [{ ...block, result: next?.info === 'text' ? next.text : null }] : []
})

test('a template gives the text that the documentation shows', () => {
  assert.ok(PRINTED.length >= 6)
  for (const { heading, text, result } of PRINTED) assert.equal(rendered(text, CLUSTER), result, heading)
})

test('a template about several clusters gives the text that the documentation shows', () => {
  const at = BLOCKS.findIndex(({ info }) => info === 'handlebars clusters')
  const other = { ...CLUSTER, citus_group: 1, members: [member('pg1', '10.0.0.4', {})] }
  const clusters = [
    { name: 'coordinator', ...CLUSTER, citus_group: 0, members: [PG1] },
    { name: 'worker1', ...other },
  ]
  assert.equal(rendered(BLOCKS[at]?.text ?? '', { clusters }), BLOCKS[at + 1]?.text)
})

test('a template about several clusters reads only them, and one about a cluster no other', () => {
  const several = { clusters: [{ name: 'one', ...CLUSTER }] }
  assert.match(
    rendered('{{scope}}', several),
    /^wrong: there is no "scope" in the configuration: valid here: clusters$/,
  )
  assert.match(rendered('{{#each clusters}}{{nam}}{{/each}}', several), /^wrong: .*did you mean "name"/)
  assert.match(rendered('{{#each clusters}}{{@root.clusters.length}}{{/each}}', several), /^1$/)
  assert.match(rendered('{{#each clusters}}{{/each}}', { clusters: [] }), /^empty: clusters$/)
  assert.match(rendered('{{name}}', CLUSTER), /^wrong: there is no "name" in the cluster/)
  assert.match(rendered('{{#each clusters}}{{/each}}', CLUSTER), /^wrong: there is no "clusters" in the cluster/)
})

/** The table of "What is not there", and the others' side remarks. */
const ROWS: readonly (readonly [template: string, context: TemplateContext, result: RegExp])[] = [
  ['{{#each replicas}}{{lag}}{{/each}}', CLUSTER, /^failed: lag of pg2 is not known/],
  ['{{#each replicas}}{{#if lag}}a{{else}}b{{/if}}{{/each}}', CLUSTER, /^b$/],
  ['{{#with primary}}a{{else}}b{{/with}}', NOBODY, /^b$/],
  ['{{#if ""}}a{{else}}b{{/if}}{{#if false}}a{{else}}b{{/if}}{{#if replicas}}a{{else}}b{{/if}}', NOBODY, /^bbb$/],
  ['{{#if 0}}a{{else}}b{{/if}}{{#if 0 includeZero=true}}a{{/if}}{{#with 0}}a{{/with}}', CLUSTER, /^baa$/],
  [
    '{{default citus_group "none"}} {{default "" "x"}} {{default 0 "x"}} {{default false "x"}}',
    CLUSTER,
    /^none x 0 false$/,
  ],
  ['{{eq citus_group null}} {{eq primary.lag null}}', CLUSTER, /^true false$/],
  ['{{lt citus_group 1}}', CLUSTER, /^failed: lt: one of the values is not there/],
  ['{{primary.host}}', NOBODY, /^absent: there is no primary$/],
  ['{{default primary.host "x"}}', NOBODY, /^absent: there is no primary$/],
  ['{{#each replicas}}{{name}}{{/each}}', NOBODY, /^empty: replicas$/],
  ['{{#each replicas}}{{name}}{{else}}none{{/each}}', NOBODY, /^none$/],
  ['{{#each (where members "is_sync" true)}}{{name}}{{/each}}', CLUSTER, /^empty: \(where members "is_sync" true\)$/],
  ['{{getv "/db"}}', CLUSTER, /^failed: getv: there is no key \/db$/],
  ['{{getv "/db" "default"}}', CLUSTER, /^default$/],
  ['{{#each replicas}}{{tags.region}}{{/each}}', CLUSTER, /^failed: pg2 has no tag "region"/],
  ['{{#each replicas}}{{tag tags "region" "none"}}{{/each}}', CLUSTER, /^none$/],
  ['{{getv "/safe"}} {{quote "shell" (getv "/unsafe")}} {{raw (getv "/unsafe")}}', CLUSTER, /^a 'a b' a b$/],
  ['{{getv "/unsafe"}}', CLUSTER, /^failed: the key \/unsafe contains characters/],
  ['{{or (getv "/safe") (getv "/db")}}{{#if (and false (getv "/db"))}}a{{/if}}', CLUSTER, /^a$/],
  ['{{#if (and primary primary.host)}}a{{else}}b{{/if}}', NOBODY, /^b$/],
  ['{{toUpper (getv "/unsafe")}}', CLUSTER, /^failed: the key \/unsafe contains characters/],
  ['{{index (split (getv "/unsafe") " ") 1}}', CLUSTER, /^b$/],
  ['{{len (getv "/unsafe")}} {{base64Encode (getv "/unsafe")}}', CLUSTER, /^3 YSBi$/],
  ['{{#with (first replicas)}}{{name}}{{/with}} {{eq primary.port "5432"}}', CLUSTER, /^pg2 true$/],
  ['{{#with (first replicas)}}{{name}}{{else}}none{{/with}}', NOBODY, /^none$/],
  ['\\{{staged}}', CLUSTER, /^\{\{staged\}\}$/],
  ['{{quote "apache" scope}}', CLUSTER, /^wrong: quote: the target is one of haproxy, /],
  ['{{map "a"}}', CLUSTER, /^wrong: map: the last name has no value$/],
  [
    '{{#each (where members "nam" "x")}}{{name}}{{/each}}',
    CLUSTER,
    /^(failed: where: no item of the list|wrong: where: a member has no "nam")/,
  ],
  ['{{#each (where members "name" "pg1")}}{{nam}}{{/each}}', CLUSTER, /^wrong: .*did you mean "name"/],
  ['{{#with (json "{}") as |data|}}{{data.constructor}}{{/with}}', CLUSTER, /^failed: .*there is no "constructor"/],
]
for (const [template, context, result] of ROWS) {
  test(`${template}${context === NOBODY ? ' of nobody' : ''}: ${result.source}`, () => {
    assert.match(rendered(template, context), result)
  })
}

/** The first word of each code span in the first cells of the tables of a section. */
function namesIn(section: string): string[] {
  const [, text = ''] = PAGE.split(`\n## ${section}\n`)
  return rowsIn(text.split('\n## ')[0] ?? '').flatMap(([first = '']) =>
    [...first.matchAll(/`(\w+)[^`]*`/g)].map(([, name = '']) => name),
  )
}

test('the tables name everything that a template can read, and nothing else', () => {
  const members = CONTEXT.kind === 'record' ? CONTEXT.fields['members'] : undefined
  const fields = [CONTEXT, members?.kind === 'list' ? members.of : undefined].flatMap((shape: Shape | undefined) =>
    shape?.kind === 'record' ? Object.keys(shape.fields) : [],
  )
  assert.deepEqual(namesIn('What a template can read').sort(), fields.sort())
})

test('the tables name every helper, and nothing else', () => {
  assert.deepEqual(namesIn('Helpers').sort(), HELPERS.map(({ name }) => name).sort())
})
