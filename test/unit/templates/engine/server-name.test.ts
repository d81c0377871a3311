/** A name that HAProxy refuses costs its member a place in the file, and nobody else. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { context, inputs, render, replica, textOf } from './sample.ts'

const ODD = ['c@east', 'c,east', 'узел-3', 'c/east', 'c%east', 'c e']
const GIVEN = inputs(context(['a', 'b', ...ODD].map((name) => replica(name))))

/** The text, and who is not in it. */
function rendered(text: string, given = GIVEN): readonly [text: string, leftOut: readonly string[], reason: string] {
  const result = render(text, given)
  assert.ok(result.kind === 'text', JSON.stringify(result))
  return [result.text, result.leftOut.map(({ member }) => member).sort(), result.leftOut[0]?.reason ?? '']
}

test('a member with such a name is left out where it is the name of a server', () => {
  const names = ODD.filter((name) => name !== 'c/east').sort()
  for (const name of ['name', '(quote "haproxy" name)', '(concat name "")']) {
    const tag = name.startsWith('(') ? name.slice(1, -1) : name
    const [text, leftOut, reason] = rendered(
      `{{#each replicas}}\n\tserver x{{${tag}}} {{address}}\n{{/each}}`,
      without('c/east'),
    )
    assert.deepEqual(leftOut, names, name)
    assert.equal(text.split('\n').length, 3)
    if (name === 'name')
      assert.match(
        reason,
        /^(?:HAProxy accepts no "." in a server name: write \{\{serverName name\}\} \(line 2\)|name holds)/,
      )
  }
})

test('in other places such a name is written as it is', () => {
  const given = inputs(context([replica('c@east')]))
  const texts = ['; {{name}}', 'server_name {{name}}', 'server a {{name}}', 'use-server {{name}}', 'my server {{name}}']
  for (const text of texts) {
    const whole = `{{#each replicas}}${text}{{/each}}`
    assert.equal(textOf(whole, given), text.replace('{{name}}', 'c@east'))
  }
  const v6 = inputs(context([replica('a', { host: 'fd00::1' })]))
  assert.equal(textOf('{{#each replicas}}server {{address}};{{/each}}', v6), 'server [fd00::1]:5432;')
})

test('the primary with such a name is left out as a whole', () => {
  const given = inputs(context([]))
  const odd = JSON.parse(JSON.stringify(given.context).replaceAll('"pg0"', '"pg@0"')) as typeof given.context
  const [text, leftOut] = rendered('{{#if primary}}server {{primary.name}} x{{else}}nobody{{/if}}', {
    ...given,
    context: odd,
  })
  assert.deepEqual([text, leftOut], ['nobody', ['pg@0']])
})

test('serverName makes a name that HAProxy takes, of each text another one', () => {
  const names = [
    'a',
    'B_1.x-y',
    'c@east',
    'c:40east',
    'c:east',
    'c::east',
    'узел-3',
    'c east',
    "c'",
    'a:',
    ':a',
    '\u{1f600}',
  ]
  const made = names.map((name) => textOf('{{serverName (getv "/n")}}', inputs(undefined, { '/n': name })))
  assert.deepEqual(made.slice(0, 4), ['a', 'B_1.x-y', 'c:40east', 'c:3A40east'])
  for (const name of made) assert.match(name, /^[A-Za-z0-9_.:-]+$/)
  assert.equal(new Set(made).size, names.length)
})

function without(name: string): typeof GIVEN {
  return inputs(context(['a', 'b', ...ODD].filter((each) => each !== name).map((each) => replica(each))))
}
