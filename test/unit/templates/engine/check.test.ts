/** What is wrong with a template is found when it is compiled: all of it, and where. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileTemplate } from '../../../../src/templates/engine/compile.ts'
import type { Helper } from '../../../../src/templates/engine/helper.ts'
import { TEXT } from '../../../../src/templates/engine/shape.ts'
import { problemsOf } from './sample.ts'

/** A misspelt name, wherever it stands: line:column and the right one. */
const MISSPELT: readonly [string, string, string][] = [
  ['{{membres}}', '1:3', 'members'],
  ['a\n  {{ scpe }}', '2:6', 'scope'],
  ['{{#each membres}}{{/each}}', '1:9', 'members'],
  ['{{#if prmary}}{{/if}}', '1:7', 'primary'],
  ['{{#if paused}}{{else if pausd}}{{/if}}', '1:25', 'paused'],
  ['{{#unless pausd}}{{/unless}}', '1:11', 'paused'],
  ['{{#with prmary}}{{/with}}', '1:9', 'primary'],
  ['{{toUpper scpe}}', '1:11', 'scope'],
  ['{{toUpper (toLower scpe)}}', '1:20', 'scope'],
  ['{{#if (eq scpe "a")}}{{/if}}', '1:11', 'scope'],
  ['{{#each members}}{{hsot}}{{/each}}', '1:20', 'host'],
  ['{{#each members}}{{this.hsot}}{{/each}}', '1:20', 'host'],
  ['{{#each members}}{{./hsot}}{{/each}}', '1:20', 'host'],
  ['{{#each members as |m|}}{{m.hsot}}{{/each}}', '1:27', 'host'],
  ['{{#each members as |m|}}{{#each ../members}}{{m.hsot}}{{/each}}{{/each}}', '1:47', 'host'],
  ['{{#each members}}{{../scpe}}{{/each}}', '1:20', 'scope'],
  ['{{#each members}}{{#with ../primary}}{{../hsot}}{{../../scpe}}{{/with}}{{/each}}', '1:40', 'host'],
  ['{{#each members}}{{@root.scpe}}{{/each}}', '1:20', 'scope'],
  ['{{#each members}}{{@indx}}{{/each}}', '1:20', 'index'],
  ['{{#with primary as |p|}}{{p.prot}}{{/with}}', '1:27', 'port'],
  ['{{primary.hsot}}', '1:3', 'host'],
  ['{{members.[0].hsot}}', '1:3', 'host'],
  ['{{tuUpper scope}}', '1:3', 'toUpper'],
  ['{{toUpper (tuLower scope)}}', '1:12', 'toLower'],
  ['{{#each (sortBy members "name")}}{{hsot}}{{/each}}', '1:36', 'host'],
  ['{{#each members}}{{else}}{{scpe}}{{/each}}', '1:28', 'scope'],
  ['{{#each members}}{{scope}}{{/each}}', '1:20', '../scope'],
  ['{{#with (and leader primary)}}{{hsot}}{{/with}}', '1:33', 'host'],
  ['{{#if (index members 0 "is_ladder")}}{{/if}}', '1:7', 'is_leader'],
]

for (const [text, place, right] of MISSPELT) {
  test(`finds what is misspelt in ${JSON.stringify(text)}`, () => {
    const [first = ''] = problemsOf(text)
    assert.equal(first.split(': ', 1)[0], place)
    assert.match(first, new RegExp(`did you mean "${right.replaceAll('.', '\\.')}"\\?`))
  })
}

test('finds everything that is wrong at once, in the order of the text', () => {
  const text = '{{#each members}}\n{{hsot}} {{prot}}\n{{/each}}\n{{foo 1}} {{scpe}}'
  const places = problemsOf(text).map((problem) => problem.split(': ', 1)[0])
  assert.deepEqual(places, ['2:3', '2:12', '4:3', '4:13'])
})

/** What is no template of ours: where, and what is said about it. */
const REFUSED: readonly [string, RegExp][] = [
  ['{{members}}', /^1:1: members is a list: write \{\{#each members\}\}$/],
  ['{{primary}}', /^1:1: primary is a member/],
  ['{{primary.tags}}', /^1:1: primary\.tags is a map/],
  ['{{#each scope}}{{/each}}', /^1:9: scope is a text, not a list/],
  ['{{#each primary}}{{/each}}', /^1:9: primary is a member, not a list/],
  ['{{scope.x}}', /^1:3: a text has no "x"/],
  ['{{members.constructor}}', /^1:3: a list has no "constructor"/],
  ['{{members.map}}', /^1:3: a list has no "map"/],
  ['{{constructor}}', /^1:3: there is no "constructor"/],
  ['{{__proto__}}', /^1:3: there is no "__proto__"/],
  ['{{toString}}', /^1:3: there is no "toString"/],
  ['{{primary.__proto__}}', /^1:3: there is no "__proto__"/],
  ['{{lookup members "0"}}', /^1:3: there is no helper "lookup"/],
  ['{{log "a"}}', /^1:3: there is no helper "log"/],
  ['{{../scope}}', /^1:3: "\.\.\/scope" leads out of the template/],
  ['{{@index}}', /^1:3: @index is known only within \{\{#each\}\}/],
  ['{{#each members}}{{@../index}}{{/each}}', /^1:20: @index is known only within 2 nested \{\{#each\}\}/],
  ['{{#with primary}}{{@first}}{{/with}}', /^1:20: @first is known only/],
  ['{{#members}}{{/members}}', /^1:1: there is no block "members": write \{\{#each members\}\}/],
  ['{{^members}}{{/members}}', /^1:1: there is no block "members"/],
  ['{{#toUpper scope}}{{/toUpper}}', /^1:1: there is no block "toUpper"/],
  ['{{> part}}', /^1:1: there are no partials/],
  ['{{#> part}}{{/part}}', /^1:1: there are no partials/],
  ['{{#*inline "a"}}{{/inline}}', /^1:1: there are no decorators/],
  ['{{* a}}', /^1:1: there are no decorators/],
  ['{{{{raw}}}} {{{{/raw}}}}', /^1:1: there is no block "raw"/],
  ['{{"text"}}', /^1:3: a value by itself/],
  ['{{toUpper}}', /^1:1: toUpper takes 1 value, not 0: toUpper/],
  ['{{toUpper scope scope}}', /^1:1: toUpper takes 1 value, not 2/],
  ['{{toUpper scope x=1}}', /^1:1: toUpper takes no named values/],
  ['{{#each members x=1}}{{/each}}', /^1:1: \{\{#each\}\} takes no named values/],
  ['{{#if paused x=1}}{{/if}}', /^1:1: \{\{#if\}\} takes no named value but includeZero/],
  ['{{#if}}{{/if}}', /^1:1: \{\{#if\}\} takes 1 value, not 0/],
  ['{{#if paused scope}}{{/if}}', /^1:1: \{\{#if\}\} takes 1 value, not 2/],
  ['{{#if paused as |x|}}{{/if}}', /^1:1: \{\{#if\}\} gives 0 names/],
  ['{{#each members as |a b c|}}{{/each}}', /^1:1: \{\{#each\}\} gives 2 names/],
  ['{{#each members as |a a|}}{{/each}}', /^1:1: the names in as \|\.\.\.\| are the same/],
  ['{{if paused}}', /^1:3: if is a block: write \{\{#if \.\.\.\}\}/],
  ['{{toUpper toLower}}', /^1:11: "toLower" is a helper: write \(toLower/],
  ['{{toUpper undefined}}', /^1:11: this is no value/],
  ['a\n{{#if paused}}', /^2:15: the template ends here/],
  ['{{foo', /^1:3: this cannot stand here/],
  ['a\n{{scope}}\0', /^2:10: a NUL byte: a template is text in UTF-8$/],
  ['{{! \0 }}', /^1:5: a NUL byte/],
  ['a\n{{#if paused}}\n{{/each}}', /^2:4: if doesn't match each$/],
  ['a {{else}}', /^1:3: \{\{else\}\} is in no block/],
]

for (const [text, problem] of REFUSED) {
  test(`refuses ${JSON.stringify(text)}`, () => {
    assert.match(problemsOf(text)[0] ?? 'no problem', problem)
  })
}

test('lets a helper check its literals', () => {
  const picky: Helper = {
    name: 'pick',
    usage: 'pick A B',
    arity: { min: 2, max: 2 },
    returns: () => TEXT,
    unsafe: 'carries',
    checkLiterals: ([a, b]) => (a === 'good' && b === undefined ? null : `A is ${a}`),
    run: ([a]) => a,
  }
  assert.deepEqual(problemsOf('{{pick "good" scope}}', [picky]), [])
  assert.deepEqual(problemsOf('{{pick "bad" scope}}', [picky]), ['1:1: pick: A is bad'])
})

test('a block parameter hides a helper of the same name', () => {
  assert.deepEqual(problemsOf('{{#each members as |first|}}{{first.name}}{{/each}}'), [])
  assert.match(problemsOf('{{#each members as |first|}}{{first}}{{/each}}')[0] ?? '', /first is a member/)
})

test('blocks within blocks have an end', () => {
  const nested = (depth: number): string => '{{#if paused}}'.repeat(depth) + '{{/if}}'.repeat(depth)
  assert.deepEqual(problemsOf(nested(100)), [])
  assert.match(problemsOf(nested(101))[0] ?? '', /more than 100 blocks within each other/)
  assert.deepEqual(problemsOf(nested(50_000)), ['nested too deeply'])
  const chained = `{{#if paused}}${'{{~ else if paused}}'.repeat(50_000)}{{/if}}`
  assert.deepEqual(problemsOf(chained), ['nested too deeply'])
  assert.deepEqual(problemsOf('{{#if paused}}{{^}}{{/if}}'.repeat(600)), [])
  const chain = `{{#if paused}}${'{{else if paused}}'.repeat(50)}{{else}}{{/if}}`
  assert.deepEqual(problemsOf(chain.repeat(50)), [])
  assert.deepEqual(problemsOf(`{{not ${'(not '.repeat(20_000)}paused${')'.repeat(20_000)}}}`), ['nested too deeply'])
})

test('compiling never throws, whatever the text', () => {
  const parts = [
    '{{',
    '}}',
    '{{#',
    '{{/',
    'each',
    'if',
    ' ',
    '|',
    'as',
    '"',
    '(',
    ')',
    '.',
    '..',
    '/',
    '@',
    'x',
    '=',
    '{{{',
    '~',
    '!',
    '\n',
    '[',
    ']',
    '\\',
    '\u0000',
    '\ud800',
    '{{else}}',
    '&',
    '>',
    '*',
    '^',
  ]
  let seed = 1
  const next = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed % below
  }
  for (let run = 0; run < 3000; run++) {
    const text = Array.from({ length: next(14) }, () => parts[next(parts.length)]).join('')
    const result = compileTemplate('t', text)
    if (!result.ok)
      assert.ok(
        result.problems.every(({ message }) => !message.includes('\n')),
        text,
      )
  }
})
