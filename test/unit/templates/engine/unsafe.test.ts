/** Text of strangers in rendered files. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isSafe } from '../../../../src/templates/engine/unsafe.ts'
import type { LeftOut, RenderInputs } from '../../../../src/templates/engine/template.ts'
import { context, inputs, problemOf, render, replica, textOf } from './sample.ts'

const EACH = '{{#each members}}{{name}} {{host}};{{/each}}'

const SAFE = [
  ...['pg-1_a.example.com', '10.0.0.1', 'fe80::1%eth0', '[2001:db8::1]:5432', '[fe80::1%eth0]:5432', ''],
  ...['http://10.0.0.1:8008', 'https://[::1]:8008', 'us-east-1', '4.1.0+local~1', 'a=b', 'x?y', 'a,b', 'user@host'],
  ...['in archive recovery'.replaceAll(' ', '-'), 'größe', '東京', '100%'],
]
const UNSAFE = [
  ...[
    ' ',
    'a b',
    'a\tb',
    'a\nb',
    'a\r',
    'a\u0000b',
    '\u007f',
    'a\u00a0b',
    'a\u2028b',
    'a\u200bb',
    '\u202eabc',
    '\ufeff',
  ],
  ...["a'b", 'a"b', 'a`b', '{a', 'a}', '[db]', 'a[0]', '%[env(HOME)]', '[::1] x', 'a;b', '#a', 'a\\b', '$a', '$(id)'],
  ...['a|b', 'a&b', 'a<b', 'a>b', 'f(x)', '\ufffd', '\ud800', '\ue000'],
]

for (const text of SAFE) test(`${JSON.stringify(text)} may be written`, () => assert.equal(isSafe(text), true))
for (const text of UNSAFE) test(`${JSON.stringify(text)} may not be written`, () => assert.equal(isSafe(text), false))

function leftOut(text: string, given: RenderInputs): readonly LeftOut[] {
  const result = render(text, given)
  return result.kind === 'asks' ? [] : result.leftOut
}

describe('a member that cannot be written', () => {
  const bad = replica('pg1', { host: 'a b' })

  test('is left out of the text, and is reported with the field and without its value', () => {
    const given = inputs(context([bad, replica('pg2')]))
    assert.equal(textOf(EACH, given), 'pg0 pg0.example.com;pg2 pg2.example.com;')
    assert.deepEqual(leftOut(EACH, given), [
      { member: 'pg1', reason: 'host contains characters that could be taken for syntax (line 1)' },
    ])
  })

  test('is left out of every list', () => {
    const given = inputs(context([replica('pg1', { host: 'a b', isSync: true }), replica('pg2', { isSync: true })]))
    const lists = '{{#each replicas}}{{name}}{{/each}} {{#each sync_standbys}}{{name}}{{/each}} {{members.length}}'
    assert.equal(textOf(`${lists} {{#each members}}{{address}} {{/each}}`, given).slice(0, 10), 'pg2 pg2 2 ')
  })

  test('stays where nothing of it is written that is not safe', () => {
    assert.equal(textOf('{{#each members}}{{name}} {{/each}}', inputs(context([bad]))), 'pg0 pg1 ')
    assert.equal(
      textOf('{{#each members}}{{#if (eq host "a b")}}{{name}}{{/if}}{{/each}}', inputs(context([bad]))),
      'pg1',
    )
    assert.equal(textOf('{{#each members}}{{len host}} {{/each}}', inputs(context([bad]))), '15 3 ')
  })

  test('is there where its text is quoted for its target', () => {
    assert.equal(textOf('{{#each replicas}}{{quote "shell" host}}{{/each}}', inputs(context([bad]))), "'a b'")
  })

  test('cannot hide behind a helper', () => {
    for (const call of [
      'toUpper host',
      'join (split host "x") "-"',
      'concat "x" host',
      'default host "b"',
      'replace host "a" "c"',
    ]) {
      const text = `{{#each members}}{{${call}}} {{/each}}`
      assert.deepEqual(
        leftOut(text, inputs(context([bad]))).map(({ member }) => member),
        ['pg1'],
        call,
      )
    }
  })

  test('may be as harmless as any once a helper has taken the harm out of it', () => {
    assert.equal(textOf('{{#each replicas}}{{replace host " " "-"}}{{/each}}', inputs(context([bad]))), 'a-b')
  })

  test('counts as absent when it is the primary', () => {
    const { primary, ...others } = context()
    assert.ok(primary !== null)
    const hostile = inputs({ ...others, primary: { ...primary, host: 'x;y' } })
    assert.equal(problemOf('host={{primary.host}}', hostile), 'absent 1:8: there is no primary')
    assert.equal(leftOut('host={{primary.host}}', hostile)[0]?.member, 'pg0')
    assert.equal(textOf('{{#if primary}}{{primary.host}}{{else}}none{{/if}}', hostile), 'none')
  })

  test('is reported with a name that can be shown', () => {
    const given = inputs(context([replica('pg\u0007"1')]))
    assert.equal(leftOut(EACH, given)[0]?.member, 'pg\ufffd"1')
  })

  test('is left out for its tags, by name and by value', () => {
    const tags = '{{#each members}}{{name}}{{#each tags}} {{@key}}={{this}}{{/each}};{{/each}}'
    const given = inputs(
      context([
        replica('pg1', { tags: { dc: 'a;b' } }),
        replica('pg2', { tags: { 'a b': 'x' } }),
        replica('pg3', { tags: { dc: 'c' } }),
      ]),
    )
    assert.equal(textOf(tags, given), 'pg0;pg3 dc=c;')
    assert.deepEqual(leftOut(tags, given), [
      { member: 'pg1', reason: 'tag dc contains characters that could be taken for syntax (line 1)' },
      { member: 'pg2', reason: 'the name of a tag contains characters that could be taken for syntax (line 1)' },
    ])
  })

  test('does not keep others from being written when all but one are hostile', () => {
    const many = Array.from({ length: 200 }, (_item, index) => replica(`pg${index + 1}`, { host: 'a\nb' }))
    assert.equal(textOf(EACH, inputs(context(many))), 'pg0 pg0.example.com;')
    assert.equal(
      textOf('{{#with (first replicas) as |m|}}{{m.host}}{{else}}none{{/with}}', inputs(context(many))),
      'none',
    )
  })

  test('cannot cause endless rewrites', () => {
    const many = Array.from({ length: 2000 }, (_item, index) => replica(`pg${index + 1}`, { tags: { x: 'a b' } }))
    const text = '{{#with (first replicas)}}{{tag tags "x" ""}}{{/with}}'
    assert.match(problemOf(text, inputs(context(many))), /^failed .*too much work for one rendering$/)
  })

  test('hides a failure that is its own', () => {
    const given = inputs(context([replica('pg1', { host: 'a b', restUrl: null })]))
    assert.equal(textOf('{{#each members}}{{host}}:{{rest_port}} {{/each}}', given), 'pg0.example.com:8008 ')
  })
})

describe('a key that cannot be written', () => {
  const keys = { '/a': 'x;y', '/b': 'ok', '/j': '{"h":"10.0.0.1","x":"a b","n":{"k k":1}}', '/d/a b': '1' }
  const given = inputs(context(), keys)

  test('ends the rendering, and is named', () => {
    const message = 'contains characters that could be taken for syntax: write it with (quote TARGET ...)'
    assert.equal(problemOf('{{getv "/b"}}\n {{getv "/a"}}', given), `failed 2:2: the key /a ${message}`)
    assert.equal(problemOf('{{toUpper (getv "/a")}}', given), `failed 1:1: the key /a ${message}`)
    assert.equal(problemOf('{{#each (gets "/*")}}{{value}}{{/each}}', given), `failed 1:22: the key /a ${message}`)
    assert.equal(problemOf('{{#each (ls "/d")}}{{this}}{{/each}}', given), `failed 1:20: the key /d/a b ${message}`)
  })

  test('is written where it is quoted, and is compared as any', () => {
    assert.equal(textOf('{{quote "shell" (getv "/a")}}', given), "'x;y'")
    assert.equal(textOf('{{#if (eq (getv "/a") "x;y")}}yes{{/if}}', given), 'yes')
  })

  test('may hold JSON, of which what is safe is written', () => {
    const within = (text: string): string => `{{#with (json (getv "/j"))}}${text}{{/with}}`
    assert.equal(textOf(within('{{h}}'), given), '10.0.0.1')
    assert.match(problemOf(within('{{x}}'), given), /the key \/j contains/)
    assert.match(problemOf(within('{{#each n}}{{@key}}{{/each}}'), given), /the key \/j contains/)
  })

  test('cannot be brought in as base64', () => {
    const coded = inputs(context(), { '/a': btoa('a; b'), '/b': btoa('ab') })
    assert.match(problemOf('{{base64Decode (getv "/a")}}', coded), /^failed 1:1: the result of base64Decode contains/)
    assert.match(problemOf('{{concat "x" (base64Decode (getv "/a"))}}', coded), /the result of base64Decode contains/)
    assert.equal(textOf('{{base64Decode (getv "/b")}}', coded), 'ab')
    assert.equal(textOf('{{quote "shell" (base64Decode (getv "/a"))}}', coded), "'a; b'")
    assert.equal(textOf('{{raw (base64Decode (getv "/a"))}}', coded), 'a; b')
  })

  test('costs little more than one that can, where there are thousands and all are quoted', () => {
    const many = Object.fromEntries(Array.from({ length: 30_000 }, (_item, index) => [`/x/${index} x`, '1']))
    const before = process.cpuUsage()
    const text = textOf('{{#each (ls "/x")}}{{quote "shell" this}}{{/each}}', inputs(context(), many))
    assert.equal(text.length, Object.keys(many).join('').length - 30_000)
    const { user, system } = process.cpuUsage(before)
    assert.ok(user + system < 10_000_000)
  })

  test('costs no more where there are thousands in a text of many lines', () => {
    const many = Object.fromEntries(Array.from({ length: 100_000 }, (_item, index) => [`/x/${index}`, `${index} x`]))
    const before = process.cpuUsage()
    const text = textOf('{{#each (gets "/x/*")}}{{quote "shell" value}}\n{{/each}}', inputs(context(), many))
    assert.equal(text.split('\n').length, 100_001)
    const { user, system } = process.cpuUsage(before)
    assert.ok(user + system < 10_000_000)
  })

  test('is named whatever reads it, alone among others', () => {
    const other = inputs(context(), { '/d/a': 'ok', '/d/b': 'x y', '/d/cc c/e': 'ok', '/d/f': 'x z' })
    const rows: readonly (readonly [string, string])[] = [
      ['{{#with (get "/d/b")}}{{value}}{{/with}}', '/d/b'],
      ['{{#each (getvs "/d/*")}}{{this}}{{/each}}', '/d/b'],
      ['{{last (getvs "/d/*")}}', '/d/f'],
      ['{{index (sortKVByLength (gets "/d/*")) 2 "value"}}', '/d/f'],
      ['{{#each (lsdir "/d")}}{{this}}{{/each}}', '/d/cc c/e'],
      ['{{index (sortByLength (getvs "/d/*")) 2}}', '/d/f'],
      ['{{#with (map "v" (getv "/d/b") "w" (getv "/d/f"))}}{{w}}{{/with}}', '/d/f'],
      ['{{default "" (getv "/d/f")}}', '/d/f'],
    ]
    for (const [text, key] of rows) assert.match(problemOf(text, other), new RegExp(`the key ${key} contains`), text)
    assert.equal(textOf('{{index (getvs "/d/*") 0}}', other), 'ok')
  })

  test('does not make suspicious what the template itself says', () => {
    assert.equal(textOf('{{join (split "a,b" ",") "; "}} {{concat "{" scope ";}"}}', given), 'a; b {demo;}')
    assert.equal(textOf('{{getv "/none" "a; b"}}', given), 'a; b')
  })
})
