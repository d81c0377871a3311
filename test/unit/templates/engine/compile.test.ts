/** What templates are rendered to, and what their rendering depends on. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Helper, HelperError } from '../../../../src/templates/engine/helper.ts'
import type { Question } from '../../../../src/templates/engine/template.ts'
import { ANY, CLUSTERS, NUMBER, TEXT } from '../../../../src/templates/engine/shape.ts'
import { compileTemplate } from '../../../../src/templates/engine/compile.ts'
import {
  compiled,
  context,
  inputs,
  isSame,
  isSameResult,
  problemOf,
  problemsOf,
  render,
  replica,
  textOf,
} from './sample.ts'

const NOBODY = context([], { leader: null, primary: { ...PRIMARY(), state: 'none', member: null }, members: [] })

function PRIMARY() {
  return {
    state: 'none',
    member: null,
    address: null,
    place: null,
    reason: '',
    since: 1,
    epoch: 1,
    silences: 0,
    basis: '',
  } as const
}

describe('a member that is not there', () => {
  const nobody = inputs(NOBODY)

  test('is distinguished from a failure, with the place', () => {
    assert.equal(problemOf('\n {{primary.host}}', nobody), 'absent 2:4: there is no primary')
    assert.equal(problemOf('{{leader.tags.dc}}', nobody), 'absent 1:3: there is no leader')
    assert.equal(problemOf('{{toUpper primary.host}}', nobody), 'absent 1:11: there is no primary')
    assert.equal(problemOf('{{#if primary.is_sync}}{{/if}}', nobody), 'absent 1:7: there is no primary')
    assert.equal(problemOf('{{members.[0].name}}', nobody), 'absent 1:3: members.0.name: the list has no item 0')
    assert.match(
      problemOf('{{#with (json "[1]")}}{{this.nam}}{{/with}}', nobody),
      /^failed 1:25: .* a list has no "nam"/,
    )
  })

  test('can be tested for', () => {
    const text = '{{#if primary}}{{primary.host}}{{else}}none{{/if}} {{#with leader}}{{host}}{{else}}none{{/with}}'
    assert.equal(textOf(text, nobody), 'none none')
    assert.equal(textOf(text), 'pg0.example.com pg0.example.com')
  })
})

describe('an empty list', () => {
  const nobody = inputs(NOBODY)
  const emptyOf = (text: string): string | null => {
    const result = render(text, nobody)
    return result.kind === 'text' ? result.empty : assert.fail(result.kind)
  }

  test('that was written is named, the first of them', () => {
    assert.equal(emptyOf('{{#each replicas}}{{name}}{{/each}}{{#each members}}{{name}}{{/each}}'), 'replicas')
    assert.equal(emptyOf('{{#each (gets "/db/*")}}{{value}}{{/each}}'), '(gets "/db/*")')
  })

  test('is no fault where the template handles it, or does not write it', () => {
    assert.equal(emptyOf('{{#each replicas}}{{name}}{{else}}nobody{{/each}}'), null)
    assert.equal(emptyOf('{{#if replicas}}{{#each replicas}}{{name}}{{/each}}{{/if}}'), null)
  })

  test('a member without tags is none', () => {
    const result = render('{{#each members}}{{#each tags}}{{@key}}{{/each}}{{/each}}')
    assert.equal(result.kind === 'text' && result.empty, null)
  })
})

describe('an unknown value', () => {
  const given = inputs(context([replica('pg1', { restUrl: null, timeline: null, tags: { dc: 'a', no: false } })]))

  test('is an error where it is written, with the member and the remedy', () => {
    const text = '{{#each replicas}}\n{{rest_port}}{{/each}}'
    const advice = (name: string): string => `is not known: use (default ${name} VALUE) or {{#if ${name}}}`
    assert.equal(problemOf(text, given), `failed 2:1: rest_port of pg1 ${advice('rest_port')}`)
    assert.equal(
      problemOf('{{#each replicas as |m|}}{{m.lag}}{{/each}}', given),
      `failed 1:26: m.lag of pg1 ${advice('m.lag')}`,
    )
    assert.equal(problemOf('{{citus_group}}', given), `failed 1:1: citus_group ${advice('citus_group')}`)
    assert.match(
      problemOf('{{#each replicas}}{{default lag null}}{{/each}}', given),
      /^failed 1:19: \(default lag null\) \(pg1\) gives nothing/,
    )
  })

  test('can be tested and be given a default', () => {
    assert.equal(
      textOf('{{#each replicas}}{{#if rest_port}}yes{{else}}no{{/if}} {{default rest_port 8008}}{{/each}}', given),
      'no 8008',
    )
  })

  test('a tag that is not there is an error wherever it stands, with the member', () => {
    const advice = '(where it may be missing: (tag tags "dcc" DEFAULT))'
    for (const [text, place] of [
      ['{{tags.dcc}}', '1:21'],
      ['{{#if tags.dcc}}{{/if}}', '1:25'],
      ['{{#each tags.dcc}}{{/each}}', '1:27'],
      ['{{toUpper tags.dcc}}', '1:29'],
      ['{{#if (eq tags.dcc "a")}}{{/if}}', '1:29'],
    ] as const) {
      assert.equal(
        problemOf(`{{#each replicas}}${text}{{/each}}`, given),
        `failed ${place}: pg1 has no tag "dcc" ${advice}`,
      )
    }
    assert.equal(
      textOf('{{#each replicas}}{{tags.dc}} {{tags.no}} {{tag tags "dcc" "-"}}{{/each}}', given),
      'a false -',
    )
  })

  test('nothing is found in a prototype', () => {
    const json = inputs(context(), {
      '/j': '{"a":{"b":[1]},"__proto__":{"x":1},"constructor":"own"}',
      '/e': '{"a":[]}',
    })
    const within = (text: string, key = '/j'): string => `{{#with (json (getv "${key}"))}}${text}{{/with}}`
    for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'a.constructor']) {
      assert.match(problemOf(within(`{{${name}}}`, '/e'), json), /^failed|^absent/, name)
      assert.match(problemOf(within(`{{#if ${name}}}{{/if}}`, '/e'), json), /^failed|^absent/, name)
    }
    assert.equal(textOf(within('{{constructor}} {{[__proto__].x}} {{a.b.length}} {{a.b.[0]}}'), json), 'own 1 1 1')
    for (const name of ['constructor', 'toString', '__proto__']) {
      assert.match(problemOf(`{{#each replicas}}{{tags.${name}}}{{/each}}`, given), /^failed .* pg1 has no tag/)
    }
  })

  test('JSON is an error where its values have no text', () => {
    const json = inputs(context(), { '/j': '{"a":{"b":[1]},"n":null,"t":"x"}' })
    const within = (text: string): string => `{{#with (json (getv "/j"))}}\n${text}{{/with}}`
    assert.equal(
      problemOf(within('{{hsot}}'), json),
      'failed 2:3: hsot: there is no "hsot" (where it may be missing: (default (index this "hsot") VALUE))',
    )
    assert.equal(problemOf(within('{{a}}'), json), 'failed 2:1: a is a record: it has no text')
    assert.equal(problemOf(within('{{a.b}}'), json), 'failed 2:1: a.b is a list: it has no text')
    assert.match(problemOf(within('{{n}}'), json), /^failed 2:1: n is not known/)
    assert.equal(
      problemOf(within('{{t.x}}'), json),
      'failed 2:3: t.x: there is neither a list nor a record that could have a "x"',
    )
    assert.equal(problemOf(within('{{#each t}}{{/each}}'), json), 'failed 2:9: t is neither a list nor a record')
  })
})

describe('helpers', () => {
  const helper = (run: Helper['run'], changes: Partial<Helper> = {}): Helper => ({
    name: 'try',
    usage: 'try VALUE...',
    arity: { min: 0, max: 9 },
    returns: () => ANY,
    unsafe: 'carries',
    run,
    ...changes,
  })
  const result = (text: string, run: Helper['run']): unknown => {
    const end = compiled(text, [helper(run)]).render(inputs())
    return end.kind === 'text' ? end.text : end.kind === 'asks' ? end.questions : end.problem
  }

  test('see lists and records that are like any others', () => {
    const seen = result('{{#each members}}{{/each}}{{try members primary}}', ([members, primary]) => {
      assert.ok(Array.isArray(members))
      const list = members as { name: string }[]
      const copy = [...list]
      assert.equal(copy.length, 2)
      assert.deepEqual(list.map(({ name }) => name).sort(), ['pg0', 'pg1'])
      assert.deepEqual(list.toSorted((a, b) => (a.name < b.name ? 1 : -1)).at(0)?.name, 'pg1')
      assert.equal((JSON.parse(JSON.stringify(list)) as typeof list)[1]?.name, 'pg1')
      assert.deepEqual(Object.keys(list), ['0', '1'])
      assert.deepEqual(list.concat([]).length, 2)
      assert.equal(2 in list, false)
      assert.equal(list[7], undefined)
      const record = primary as Record<string, unknown>
      assert.equal(record['host'], 'pg0.example.com')
      assert.equal({ ...record }['port'], 5432)
      assert.equal(Object.hasOwn(record, 'constructor'), false)
      assert.equal(record['constructor'], undefined)
      assert.equal(Object.getPrototypeOf(record), null)
      assert.equal(record, list[0] === undefined ? null : record)
      return 'seen'
    })
    assert.equal(seen, 'seen')
  })

  test('cannot change what they are given', () => {
    const failed = { line: 1, column: 1, message: 'try: an error of the router (TypeError)' }
    assert.deepEqual(
      result('{{try members}}', ([members]) => (members as unknown[]).sort()),
      failed,
    )
    assert.deepEqual(
      result('{{try primary}}', ([primary]) => Object.assign(primary as object, { host: 'x' })),
      failed,
    )
  })

  test('have their mistakes shown with the place and the member, and errors of theirs without the message', () => {
    const text = '\n{{#each replicas}}{{try name}}{{/each}}'
    const refuse = (): never => {
      throw new HelperError('not that')
    }
    const fail = (): never => {
      throw new Error('a secret')
    }
    assert.deepEqual(result(text, refuse), { line: 2, column: 19, message: 'try (pg1): not that' })
    assert.deepEqual(result(text, fail), { line: 2, column: 19, message: 'try (pg1): an error of the router (Error)' })
    assert.deepEqual(
      result('{{try}}', () => Number.NaN),
      { line: 1, column: 1, message: 'try: the result is not a number' },
    )
    assert.match(JSON.stringify(result('{{try}}', () => () => 1)), /an error of the router/)
  })

  test('ask all their questions at once', () => {
    const ask: Helper['run'] = ([name], call) => {
      const answer = call.ask({ kind: 'ip', name: name as string })
      return answer.ok ? (answer.value as string[])[0] : 'no'
    }
    const text = '{{try "a"}}{{#if (try "b")}}x{{/if}}{{#each members}}{{try name}}{{/each}}'
    const template = compiled(text, [helper(ask)])
    const first = template.render(inputs())
    assert.deepEqual(first.kind === 'asks' && first.questions.map(({ name }) => name), ['a', 'b', 'pg0', 'pg1'])
    const answered = (end: string) => ({
      answers: { answerTo: ({ name }: Question) => ({ ok: true, value: [`${name}${end}`] }) as const },
    })
    const second = template.render(inputs(context(), {}, answered('1')))
    assert.equal(second.kind === 'text' && second.text, 'a1xpg01pg11')
    assert.equal(second.kind === 'text' && second.used.isSame(inputs(context(), {}, answered('1'))), true)
    assert.equal(second.kind === 'text' && second.used.isSame(inputs(context(), {}, answered('2'))), false)
    assert.equal(second.kind === 'text' && second.used.isSame(inputs()), false)
  })

  test('that make too much end the rendering', () => {
    const big = helper(() => 'x'.repeat(9 * 1024 * 1024), { returns: () => TEXT })
    const end = compiled('{{try}}\n{{try}}', [big]).render(inputs())
    assert.deepEqual(end.kind === 'failed' && end.problem, {
      line: 2,
      column: 1,
      message: 'the text is larger than 16 MiB',
    })
    const long = helper(() => Array.from({ length: 3000 }, () => 1), { returns: () => ({ kind: 'list', of: NUMBER }) })
    const loop = compiled('{{#each (try)}}{{#each (try)}}{{/each}}{{/each}}', [long]).render(inputs())
    assert.equal(loop.kind === 'failed' && loop.problem.message, 'too much work for one rendering')
    const text = `{{#each (seq 1 1000)}}${'x'.repeat(20_000)}{{/each}}`
    assert.equal(problemOf(text), 'failed 1:9: the text is larger than 16 MiB')
  })

  test('that repeat a large piece end the rendering before the memory', () => {
    const given = inputs(context(), { '/large': ','.repeat(1_000_000) })
    const text = '{{#each (seq 1 10000)}}{{len (split (getv "/large") ",")}}{{/each}}'
    assert.equal(problemOf(text, given), 'failed 1:30: too much work for one rendering')
  })

  test('put a question once, however often it is asked, and of the same keys never again', () => {
    let asked = 0
    const ask = helper((_args, call) =>
      call.read('x', ({ keys }) => {
        asked++
        return keys?.entries.size ?? 0
      }),
    )
    const given = inputs(context(), { '/a': '1' })
    const result = compiled('{{try}}{{try}}{{#each members}}{{try}}{{/each}}', [ask]).render(given)
    assert.deepEqual([result.kind === 'text' && result.text, asked], ['1111', 1])
    assert.ok(result.kind === 'text')
    assert.equal(result.used.isSame({ ...given, context: context() }), true)
    assert.equal(asked, 1)
    assert.equal(result.used.isSame(inputs(context(), {})), false)
  })
})

describe('the record of what was used', () => {
  const two = (changes: Parameters<typeof replica>[1] = {}): ReturnType<typeof inputs> =>
    inputs(context([replica('pg1'), replica('pg2', changes)]))
  const servers = '{{#each members}}server {{name}} {{host}}:{{port}}\n{{/each}}'
  const sorted = '{{#each (sortBy members "name")}}{{name}} {{host}}{{/each}}'

  for (const [what, text] of [
    ['{{#each}}', servers],
    ['a helper', sorted],
  ] as const) {
    test(`through ${what} is the same while only the lag changes`, () => {
      assert.equal(isSame(text, two(), two({ lagBytes: 5 })), true)
      assert.equal(isSame(text, two({ lagBytes: 5 }), two({ lagBytes: 6 })), true)
    })

    test(`through ${what} gives the same text while only other fields change`, () => {
      const changed = two({ lagBytes: 5, role: 'x', timeline: 2, tags: { a: 'b' } })
      assert.equal(isSameResult(text, two(), changed), true)
      assert.equal(isSame(text, two(), changed), false)
    })

    test(`through ${what} is another when a member comes, goes, moves or is renamed`, () => {
      assert.equal(isSame(text, two(), two({ host: 'elsewhere' })), false)
      assert.equal(isSame(text, two(), inputs(context([replica('pg1')]))), false)
      assert.equal(isSame(text, two(), inputs(context([replica('pg1'), replica('pg2'), replica('pg3')]))), false)
      assert.equal(isSame(text, two(), inputs(context([replica('pg1'), replica('pg3')]))), false)
    })
  }

  test('is the same for every lag while a member is only tested for', () => {
    for (const text of ['(not leader)', '(and leader replicas)', '(or leader primary)', '(len (first replicas))']) {
      assert.equal(isSame(`{{#if ${text}}}a{{/if}}`, two({ lagBytes: 1 }), two({ lagBytes: 2 })), true)
      const lag = (lagBytes: number) => inputs(context([replica('pg1', { lagBytes })]))
      assert.equal(isSame(`{{#if ${text}}}a{{/if}}`, lag(1), lag(2)), true)
    }
  })

  test('is the same whatever the lag, but not whatever a tag of that name', () => {
    const text = '{{#each members}}{{name}} {{tag tags "lag" "-"}}{{/each}}'
    assert.equal(isSame(text, two({ tags: { lag: 'a' } }), two({ tags: { lag: 'a' }, lagBytes: 1 })), true)
    assert.equal(isSame(text, two({ tags: { lag: 'a' } }), two({ tags: { lag: 'b' } })), false)
  })

  test('is another when the lag changes that a helper has read', () => {
    for (const call of ['index (last members) "lag"', 'quote "json" members', 'len (where members "lag" 1)'])
      assert.equal(isSame(`{{${call}}}`, two({ lagBytes: 1 }), two({ lagBytes: 2 })), false, call)
    const sorted = '{{#each (sortBy members "lag")}}{{name}}{{/each}}'
    assert.equal(isSame(sorted, two({ lagBytes: 1 }), two({ lagBytes: 2 })), false)
  })

  test('is the same while one of several clusters has another lag, and another when it has another member', () => {
    const text = '{{#each clusters}}{{#each members}}{{name}}{{/each}}{{/each}}'
    const compiledText = compileTemplate('t', text, undefined, CLUSTERS)
    assert.ok(compiledText.ok)
    const one = context()
    const several = (...other: Parameters<typeof context>) =>
      inputs({
        clusters: [
          { name: 'a', ...one },
          { name: 'b', ...context(...other) },
        ],
      })
    const result = compiledText.template.render(several())
    assert.ok(result.kind === 'text')
    assert.equal(result.used.isSame(several([replica('pg1', { lagBytes: 4 })])), true)
    assert.equal(result.used.isSame(several([replica('pg2')])), false)
  })

  test('is another when the lag changes that was written', () => {
    assert.equal(
      isSame('{{#each members}}{{default lag 0}}{{/each}}', two({ lagBytes: 1 }), two({ lagBytes: 2 })),
      false,
    )
    assert.equal(isSame('{{#each members}}{{default lag 0}}{{/each}}', two({ lagBytes: 1 }), two()), false)
  })

  test('notes whether a member is there', () => {
    for (const text of ['{{#if primary}}a{{/if}}', '{{#with primary}}a{{else}}b{{/with}}', '{{primary.port}}']) {
      assert.equal(isSame(text, inputs(), inputs(NOBODY)), false)
      assert.equal(isSame(text, inputs(NOBODY), inputs()), false)
      assert.equal(isSame(text, inputs(NOBODY), inputs(NOBODY)), true)
    }
    assert.equal(isSame('{{#if replicas}}a{{/if}}', inputs(), inputs(NOBODY)), false)
    assert.equal(isSame('{{#if replicas}}a{{/if}}', inputs(), two({ host: 'x' })), false)
  })

  test('holds the tags that were read, and the names where all were', () => {
    const tagged = (tags: Record<string, string>): ReturnType<typeof inputs> => two({ tags })
    const one = '{{#each members}}{{tag tags "dc" "-"}}{{/each}}'
    assert.equal(isSameResult(one, tagged({ dc: 'a' }), tagged({ dc: 'a', x: '1' })), true)
    assert.equal(isSame(one, tagged({ dc: 'a' }), tagged({})), false)
    assert.equal(isSame(one, tagged({}), tagged({ dc: 'a' })), false)
    const all = '{{#each members}}{{#each tags}}{{@key}}{{/each}}{{/each}}'
    assert.equal(isSame(all, tagged({ dc: 'a' }), tagged({ dc: 'a' })), true)
    assert.equal(isSame(all, tagged({ dc: 'a' }), tagged({ dc: 'a', x: '1' })), false)
  })

  test('holds the keys, where any were read', () => {
    const keyed = (keys: Record<string, string>): ReturnType<typeof inputs> => inputs(context(), keys)
    const given = keyed({ '/a': '1' })
    const later = { ...given, context: context([replica('pg1', { lagBytes: 3 })]) }
    for (const text of ['{{getv "/a" "-"}}', '{{#each (gets "/*")}}{{key}}{{/each}}']) {
      assert.equal(isSame(text, given, later), true)
      assert.equal(isSame(text, given, keyed({ '/a': '2' })), false)
      assert.equal(isSame(text, keyed({}), given), false)
    }
    assert.equal(isSame('{{scope}}', given, keyed({ '/b': '2' })), true)
    const [none, one] = ['{{getv "/a"}}', '{{getv "/a" "-"}}']
    assert.equal(isSameResult(one, given, keyed({ '/a': '1', '/b': '2' })), true)
    assert.equal(isSameResult(none, keyed({}), keyed({ '/b': '2' })), true)
    const below = '{{#each (gets "/d/*")}}{{key}}{{/each}}'
    assert.equal(isSameResult(below, keyed({ '/d/a': '1' }), keyed({ '/d/a': '1', '/e': '' })), true)
    assert.equal(isSame(below, keyed({ '/d/a': '1' }), keyed({ '/d/b': '1' })), false)
    const env = (HOME: string) => inputs(context(), {}, { env: { HOME, OTHER: HOME } })
    assert.equal(isSameResult('{{getenv "HOME"}}', env('a'), env('a')), true)
    assert.equal(isSame('{{getenv "HOME"}}', env('a'), env('b')), false)
  })

  test('notes the members that a text left out', () => {
    const text = '{{#each members}}{{host}} {{/each}}'
    assert.equal(isSame(text, two({ host: 'a b' }), two({ host: 'a b', lagBytes: 3 })), true)
    assert.equal(isSame(text, two({ host: 'a b' }), two({ host: 'a c' })), false)
    assert.equal(
      isSame(text, two({ host: 'a b' }), inputs(context([replica('pg1'), replica('pg3', { host: 'a b' })]))),
      false,
    )
  })

  test('of a text that failed is what led to it', () => {
    const text = '{{#each members}}{{rest_port}}{{host}}{{/each}}'
    assert.equal(isSame(text, two({ restUrl: null }), two({ restUrl: null, lagBytes: 1 })), true)
    assert.equal(isSameResult(text, two({ restUrl: null }), two({ restUrl: null, host: 'x' })), true)
    assert.equal(isSame(text, two({ restUrl: null }), two()), false)
  })
})

test('the same inputs give the same text, numbers as JavaScript writes them', () => {
  const given = inputs(context(), { '/n': '{"a":1234567.5,"b":1e21,"c":-0.5}' })
  assert.equal(textOf('{{#with (json (getv "/n"))}}{{a}} {{c}}{{/with}}', given), '1234567.5 -0.5')
})

test('a map is gone through by name, however it was written', () => {
  const text = '{{#each (json (getv "/m"))}}{{@key}}{{this}} {{/each}}'
  const [one, other] = ['{"b":1,"a":2}', '{"a":2,"b":1}'].map((map) => inputs(context(), { '/m': map }))
  assert.equal(textOf(text, one), 'a2 b1 ')
  assert.equal(textOf(text, other), 'a2 b1 ')
  const tags = '{{#each members}}{{#each tags}}{{@key}}{{/each}}{{/each}}'
  const tagged = (names: Record<string, string>) => inputs(context([replica('pg1', { tags: names })]))
  assert.equal(isSame(tags, tagged({ y: '1', x: '2' }), tagged({ x: '2', y: '1' })), true)
})

test('a message about a long name is short', () => {
  const [problem = ''] = problemsOf(`{{${'../'.repeat(10_000)}x}}`)
  assert.ok(problem.length < 1100)
  const deep = `{{#with (json "{}") as |d|}}{{d.${'x'.repeat(10_000)}}}{{/with}}`
  assert.ok(problemOf(deep).length < 1100)
})

test('a byte order mark of an editor is not in the file', () => {
  assert.equal(textOf('\ufeff{{scope}}\n'), 'demo\n')
})

test('a literal holds line breaks as they are, and no number that would be written as another', () => {
  assert.equal(textOf('{{join (split "a b" " ") "\n"}} {{concat "a\\n" "\\""}}'), 'a\nb a\\n"')
  assert.deepEqual(problemsOf('{{concat 7123456789012345678}}'), ['1:10: the number is too large: quote it'])
})

test('nothing is escaped, with two braces or with three', () => {
  assert.equal(textOf('"<{{concat "&" scope}}>" {{{scope}}} {{&scope}} \\{{scope}}'), '"<&demo>" demo demo {{scope}}')
})

test('a thousand members are rendered, and a thousand hostile ones are not', () => {
  const members = (host: string) => Array.from({ length: 1000 }, (_item, index) => replica(`pg${index + 1}`, { host }))
  const text = '{{#each members}}server {{name}} {{address}} check port {{rest_port}}\n{{/each}}'
  assert.equal(textOf(text, inputs(context(members('h')))).split('\n').length, 1002)
  assert.equal(textOf(text, inputs(context(members('h h')))).split('\n').length, 2)
})
