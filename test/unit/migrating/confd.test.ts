/** The beginning of docs/migrating-from-confd.md: what Patroni and autobase have. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { TemplateContext } from '../../../src/templates/engine/context.ts'
import { loadConfig } from '../../support/router/load-config.ts'
import { context, inputs, replica, textOf } from '../templates/engine/sample.ts'
import { GO_TEMPLATES } from '../templates/go-templates.ts'
import { blockOf, read, rowsOf } from './page.ts'

const PAGE = read('migrating-from-confd.md')
const example = (path: string): string => readFileSync(new URL(`../../../examples/${path}`, import.meta.url), 'utf8')

/** The members of the keys that Go's templates were given. */
function cluster(): TemplateContext {
  const found = context([
    replica('pg1', { host: '10.0.0.1', port: 5432 }),
    replica('pg2', { host: '10.0.0.2', port: 5433 }),
  ])
  const members = found.members.filter(({ name }) => name !== 'pg0')
  const [pg1 = null] = members
  return { ...found, members, leader: pg1, primary: pg1 }
}

function patroni(file: string): { readonly go: string; readonly expected: string } {
  const found = GO_TEMPLATES.find(({ title }) => title === `Patroni: ${file}`)
  assert.ok(found !== undefined)
  return found
}

const render = (template: string): string => textOf(template, inputs(cluster()))

test("Patroni's haproxy.tmpl with the lines of the document is the same file as confd's", () => {
  const { go, expected } = patroni('haproxy.tmpl')
  const lines = blockOf(PAGE, 'handlebars patroni-haproxy')
  const ours = go.replaceAll(/^\{\{range [^]*?^\{\{end\}\}\n/gm, `${lines}\n`)
  assert.equal(ours.split(lines).length, 3)
  assert.equal(render(ours), expected)
})

test("Patroni's pgbouncer.tmpl with the line of the document is the same file as confd's", () => {
  const { go, expected } = patroni('pgbouncer.tmpl')
  const ours = go.replace(/^\{\{with .*\n/m, blockOf(PAGE, 'handlebars patroni-pgbouncer'))
  assert.equal(render(ours), expected)
})

test("the example has every line of what confd writes, and only the document's more", () => {
  const linesOf = (text: string): string[] =>
    text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('#'))
  const theirs = linesOf(patroni('haproxy.tmpl').expected)
  const ours = linesOf(render(example('haproxy/haproxy.cfg.hbs'))).map((line) =>
    line.replace(' init-addr last,libc,none', ''),
  )
  assert.deepEqual(
    ours.filter((line) => !['user haproxy', 'group haproxy', 'hard-stop-after 30m'].includes(line)),
    theirs,
  )
  assert.equal(ours.length - theirs.length, 3)
})

test("the tables quote Patroni's templates and the examples", () => {
  const tables = [
    ["Patroni's | here | difference", 'haproxy.tmpl', 'haproxy/haproxy.cfg.hbs'],
    ["Patroni's `haproxy-citus.tmpl` | here", 'haproxy-citus.tmpl', 'haproxy-citus/haproxy.cfg.hbs'],
  ] as const
  const tagsIn = (cell = ''): string[] =>
    [...cell.matchAll(/`([^`]*\{\{[^`]*)`/g)].map(([, tag = '']) => tag.replaceAll('\\|', '|'))
  for (const [heading, file, path] of tables) {
    const rows = rowsOf(PAGE, heading)
    assert.ok(rows.length > 2)
    for (const [theirs, ours] of rows) {
      for (const tag of tagsIn(theirs)) assert.ok(patroni(file).go.includes(tag), `${file}: ${tag}`)
      for (const tag of tagsIn(ours)) assert.ok(example(path).includes(tag), `${path}: ${tag}`)
    }
  }
})

/** What autobase's template makes of the same members with these settings, by section: the lines that matter to clients. */
const AUTOBASE: Readonly<Record<string, readonly string[]>> = {
  master: ['*:5000', 'OPTIONS /primary', 'rise 4'],
  replicas: ['*:5001', 'OPTIONS /replica?lag=100MB', ''],
  replicas_sync: ['*:5002', 'OPTIONS /sync', ''],
  replicas_async: ['*:5003', 'OPTIONS /async?lag=100MB', ''],
}

test("autobase's sections have the same addresses, checks and servers", () => {
  const sections = render(blockOf(PAGE, 'handlebars autobase')).split(/^(?=listen )/m)
  const found = sections.slice(1).filter((section) => !section.startsWith('listen stats'))
  const lineOf = (section: string, words: string): string =>
    new RegExp(`^ +${words} (.*)$`, 'm').exec(section)?.[1] ?? ''
  assert.deepEqual(
    Object.fromEntries(
      found.map((section) => [
        /^listen (\S+)/.exec(section)?.[1],
        ['bind', 'option httpchk', 'default-server'].map((words) => lineOf(section, words)),
      ]),
    ),
    AUTOBASE,
  )
  for (const section of found) {
    assert.deepEqual(
      [...section.matchAll(/^ +(server .*)$/gm)].map(([, line]) => line),
      ['server pg1 10.0.0.1:6432 check port 8008', 'server pg2 10.0.0.2:6432 check port 8008'],
    )
  }
})

test('the trial writes elsewhere and reloads nothing', () => {
  const [, from = '', to = ''] =
    /sed -e 's#(.*?)#(.*?)#' -e '\/reload:\/d' \S+config\.yml > \S+trial\.yml/.exec(PAGE) ?? []
  const lines = blockOf(PAGE, 'yaml').split('\n')
  const text = lines
    .filter((line) => !line.includes('reload:'))
    .map((line) => line.replace(from, to))
    .join('\n')
  const loaded = loadConfig({ file: '/etc/patroni-router/trial.yml', text, env: {} })
  assert.ok(loaded.ok, JSON.stringify(loaded))
  assert.deepEqual(
    loaded.config.templates.map(({ destination, reload }) => [destination, reload]),
    [['/var/tmp/haproxy.cfg', null]],
  )
})
