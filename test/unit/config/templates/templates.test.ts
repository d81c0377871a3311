import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Config, TemplateConfig } from '../../../../src/config/config.ts'
import type { ConfigResult } from '../../../../src/config/load.ts'
import { formatProblems } from '../../../../src/config/file/problem.ts'
import { loadConfig } from '../../../support/router/load-config.ts'

const BASE = 'scope: demo\netcd3: {hosts: a}\nstate_dir: /var/lib/router\n'
const FILE = '/etc/router/config.yml'
/** Where the first key of the first template is. */
const FIRST = `${BASE}templates:\n  - {source: a.hbs, destination: /a, `

function load(text: string, file: string | null = FILE): ConfigResult {
  return loadConfig({ file, text, env: { HOME: '/home/router' } })
}

function valid(text: string): Config {
  const result = load(text)
  assert.ok(result.ok, result.ok ? '' : formatProblems(result.problems))
  return result.config
}

function templates(text: string): readonly TemplateConfig[] {
  return valid(`${BASE}templates:\n${text}`).templates
}

/** Of one that has only this besides source and destination. */
function template(keys: string): TemplateConfig {
  const [first] = templates(`  - {source: a.hbs, destination: /a, ${keys}}\n`)
  assert.ok(first)
  return first
}

/** Without the name of the file. */
function problems(text: string): string[] {
  const result = load(text)
  assert.ok(!result.ok, 'the configuration was accepted')
  return formatProblems(result.problems).replaceAll(`${FILE}:`, '').split('\n')
}

function warnings(text: string): string[] {
  const result = load(text)
  assert.ok(result.ok, result.ok ? '' : formatProblems(result.problems))
  return result.warnings.map((warning) => warning.replaceAll(`${FILE}:`, ''))
}

const DEFAULTS: TemplateConfig = {
  subject: { kind: 'cluster', cluster: 'demo' },
  source: '/etc/router/a.hbs',
  destination: '/a',
  owner: null,
  group: null,
  mode: null,
  check: null,
  reload: null,
  debounce: { minMs: 200, maxMs: 2000 },
  intervalMs: 60_000,
  onEmpty: 'keep',
  backup: false,
  reloadGroup: null,
  prefix: '',
  keys: [],
}

test('everything of a template besides source and destination has a default', () => {
  assert.deepEqual(templates('  - {source: a.hbs, destination: /a}\n'), [DEFAULTS])
  const empty = 'owner: , group: , mode: , check: , reload: , timeout: , env: , working_dir: , debounce: , interval: '
  assert.deepEqual(template(`${empty}, on_empty: , backup: , reload_group: , prefix: , keys: `), DEFAULTS)
})

test('every key of a template is used', () => {
  const [first] = templates(`
  - source: ../share/haproxy.cfg.hbs
    destination: /etc//haproxy/./haproxy.cfg
    owner: haproxy
    group: 118
    mode: '0640'
    check: haproxy -c -f {{staged}}
    reload: [systemctl, reload, haproxy, '{{ destination }}']
    timeout: 5s
    env: {PGUSER: router, EMPTY: ''}
    working_dir: /run/haproxy/
    debounce: {min: 1s, max: 3s}
    interval: 0
    on_empty: render
    backup: yes
    reload_group: lb
    prefix: myapp//live/
    keys: [db, /pool/, /db, /]
`)
  const how = { timeoutMs: 5000, env: { PGUSER: 'router', EMPTY: '' }, workingDir: '/run/haproxy/' }
  assert.deepEqual(first, {
    subject: { kind: 'cluster', cluster: 'demo' },
    source: '/etc/share/haproxy.cfg.hbs',
    destination: '/etc/haproxy/haproxy.cfg',
    owner: 'haproxy',
    group: '118',
    mode: 0o640,
    check: { command: 'haproxy -c -f {{staged}}', ...how },
    reload: { command: ['systemctl', 'reload', 'haproxy', '{{ destination }}'], ...how },
    debounce: { minMs: 1000, maxMs: 3000 },
    intervalMs: 0,
    onEmpty: 'render',
    backup: true,
    reloadGroup: 'lb',
    prefix: '/myapp/live',
    keys: ['/db', '/pool', '/'],
  })
})

test('commands have 30 s, and run where the configuration file is', () => {
  const { check, reload } = template(`check: 'a {{staged}}', reload: b`)
  const how = { timeoutMs: 30_000, env: {}, workingDir: '/etc/router' }
  assert.deepEqual(
    [check, reload],
    [
      { command: 'a {{staged}}', ...how },
      { command: 'b', ...how },
    ],
  )
})

test('paths of a configuration file that is named relatively are absolute, too', () => {
  const result = load(`${BASE}templates: [{source: a.hbs, destination: /a}]`, 'conf/router.yml')
  assert.ok(result.ok)
  assert.equal(result.config.templates[0]?.source, `${process.cwd()}/conf/a.hbs`)
})

for (const [written, mode] of [
  [`'0644'`, 0o644],
  [`'644'`, 0o644],
  [`'0o600'`, 0o600],
  ['0644', 0o644],
  ['0600', 0o600],
  ['0755', 0o755],
  ['0440', 0o440],
  [`'4755'`, 0o4755],
] as const)
  test(`the mode ${written} is ${mode.toString(8)}`, () => {
    assert.equal(template(`mode: ${written}`).mode, mode)
  })

for (const written of [
  '644',
  '600',
  '640',
  '440',
  '400',
  '500',
  '755',
  '0',
  '0999',
  '-1',
  'u=rw',
  `'0844'`,
  'yes',
  '[0644]',
])
  test(`the mode ${written} is refused instead of being read as something else`, () => {
    const [problem, ...others] = problems(`${FIRST}mode: ${written}}\n`)
    assert.match(problem ?? '', /^5:38: templates\.0\.mode: .* is not how permissions are written: .* '0644'$/)
    assert.deepEqual(others, [])
  })

const LISTENERS: readonly (readonly [title: string, text: string, listeners: readonly string[]])[] = [
  ['there are no listeners beside templates', 'templates: [{source: a, destination: /a}]\n', []],
  ['an empty list of templates leaves the proxy on', 'templates: []\n', ['primary', 'replicas']],
  ['hooks alone leave the proxy on', 'hooks: [{on: open, command: a}]\n', ['primary', 'replicas']],
  [
    'a proxy section beside templates has the default listeners',
    'proxy: {trust: proof}\ntemplates: [{source: a, destination: /a}]\n',
    ['primary', 'replicas'],
  ],
  ['an empty proxy section is none', 'proxy:\ntemplates: [{source: a, destination: /a}]\n', []],
  [
    'beside templates the proxy can be turned off and its checks be set',
    'proxy: {listeners: {}, check: {interval: 5s}}\ntemplates: [{source: a, destination: /a}]\n',
    [],
  ],
  ['beside hooks the proxy can be turned off', 'proxy: {listeners: {}}\nhooks: [{on: open, command: a}]\n', []],
  [
    'listeners go with templates',
    `proxy: {listeners: {p: {bind: ':1', route: any}}}\ntemplates: [{source: a, destination: /a}]\n`,
    ['p'],
  ],
]

for (const [title, text, listeners] of LISTENERS)
  test(title, () => {
    const names = valid(`${BASE}${text}`).clusters[0]?.proxy.listeners.map(({ name }) => name)
    assert.deepEqual(names, listeners)
  })

const WITHOUT_STATE = 'scope: demo\netcd3: {hosts: a}\n'
const A_CHECK = 'templates.0.check: names the destination, which is still the old file at that time: use {{staged}}'
const BRACES = 'there are {{staged}} and {{destination}}; a command with other braces in it belongs into a script'

const ONE_KEY: readonly (readonly [title: string, keys: string, problem: string])[] = [
  ['an unknown key', 'chekc: x', 'templates.0.chekc: unknown key; did you mean "check"?'],
  ["confd's src", 'src: x', 'templates.0.src: unknown key; did you mean "source"?'],
  ["confd's dest", 'dest: x', 'templates.0.dest: unknown key; did you mean "destination"?'],
  ["confd's check_cmd", 'check_cmd: x', 'templates.0.check_cmd: unknown key; did you mean "check"?'],
  ["confd's reload_cmd", 'reload_cmd: x', 'templates.0.reload_cmd: unknown key; did you mean "reload"?'],
  ["confd's uid", 'uid: 0', 'templates.0.uid: unknown key; did you mean "owner"?'],
  ["confd's gid", 'gid: 0', 'templates.0.gid: unknown key; did you mean "group"?'],
  ["consul-template's perms", 'perms: 0644', 'templates.0.perms: unknown key; did you mean "mode"?'],
  ["consul-template's wait", 'wait: 1s', 'templates.0.wait: unknown key; did you mean "debounce"?'],
  ['an unknown key of debounce', 'debounce: {mn: 1s}', 'templates.0.debounce.mn: unknown key; did you mean "min"?'],
  ['an owner that is yes', 'owner: yes', 'templates.0.owner: must be the name or the number of a user: quote it'],
  ['a negative owner', 'owner: -1', 'templates.0.owner: must be the name or the number of a user'],
  ['an owner and a group in one', `owner: 'a:b'`, 'templates.0.owner: must be the name or the number of a user'],
  ['a list of groups', 'group: [a]', 'templates.0.group: must be the name or the number of a group'],
  ['no time for a command', 'timeout: 0', 'templates.0.timeout: must be longer than 0'],
  ['a time without a unit', 'timeout: 30', 'templates.0.timeout: 30 needs a unit: ms, s, m or h, like 3s'],
  ['a directory that is not absolute', 'working_dir: x', 'templates.0.working_dir: "x" is not an absolute path'],
  [
    'an unknown answer to nothing',
    'on_empty: kep',
    'templates.0.on_empty: "kep" is not one of keep, render; did you mean "keep"?',
  ],
  ['a backup in quotes', `backup: 'no'`, 'templates.0.backup: must be true or false, without quotes'],
  ['no debounce', 'debounce: {min: 0}', 'templates.0.debounce.min: must be longer than 0'],
  [
    'a debounce upside down',
    'debounce: {min: 3s, max: 1s}',
    'templates.0.debounce.min: the minimum of 3s is longer than the maximum of 1s',
  ],
  [
    'a debounce longer than the default maximum',
    'debounce: {min: 3s}',
    'templates.0.debounce.min: the minimum of 3s is longer than the maximum of 2s',
  ],
  [
    'a debounce shorter than the default minimum',
    'debounce: {max: 100ms}',
    'templates.0.debounce.max: the minimum of 200ms is longer than the maximum of 100ms',
  ],
  [
    'a strange name of a group',
    'reload_group: /lb',
    'templates.0.reload_group: the name of a reload group is made of letters, digits, _, . and -, beginning with a letter or digit',
  ],
  ['a check of nothing', `check: ' '`, 'templates.0.check: is empty: a command is needed'],
  [
    'a reload that is a number',
    'reload: 5',
    `templates.0.reload: must be text, which goes to the shell, or a list of text, the program and its arguments`,
  ],
  [
    'an empty list as a command',
    'reload: []',
    'templates.0.reload: is an empty list: the program comes first, then its arguments',
  ],
  ['an argument that is a number', 'reload: [sleep, 5]', 'templates.0.reload.1: must be text: quote it'],
  [
    'a placeholder without quotes',
    'check: [a, {{staged}}]',
    `templates.0.check.1: must be text: quote it, like '{{staged}}'`,
  ],
  ['a misspelt placeholder', `check: 'a {{stagd}}'`, 'templates.0.check: {{stagd}} is not known: write {{staged}}'],
  ["confd's placeholder", `check: 'a {{.src}}'`, 'templates.0.check: {{.src}} is not known: write {{staged}}'],
  [
    "confd's placeholder with blanks",
    `check: [a, '-f={{ .src }}']`,
    'templates.0.check.1: {{.src}} is not known: write {{staged}}',
  ],
  [
    "confd's other placeholder",
    `reload: 'a {{.dest}}'`,
    'templates.0.reload: {{.dest}} is not known: write {{destination}}',
  ],
  ['another placeholder', `reload: 'a {{primary}}'`, `templates.0.reload: {{primary}} is not known: ${BRACES}`],
  [
    'half a placeholder',
    `check: 'a {{staged} {{staged}}'`,
    `templates.0.check: {{ begins something else than a name: ${BRACES}`,
  ],
  ['a check of the destination', `check: 'a {{destination}} {{staged}}'`, A_CHECK],
  ['a check of the destination by its path', `check: 'a -f /a'`, A_CHECK],
  ['a check of the destination as an option', `check: [a, -f/a]`, A_CHECK],
  ['a check of the destination in quotes', `check: 'a -f="/a"; b {{staged}}'`, A_CHECK],
  ['a check of the destination with two slashes', `check: 'a -f //a {{staged}}'`, A_CHECK],
  ['a check of the destination by a detour', `check: 'a -f /x/../a'`, A_CHECK],
  ['a check of the destination from the configuration', `check: 'a -f ../../a'`, A_CHECK],
  ['a check of the destination from where it runs', `working_dir: /x, check: [a, -f../a]`, A_CHECK],
  ['a check of the destination as a URL', `check: 'a file:///a'`, A_CHECK],
  ['a check of the destination from home', `check: 'a ~/../../a "$HOME"/b'`, A_CHECK],
  ['a check of the destination by its variable', `check: 'a "$PATRONI_ROUTER_DESTINATION"'`, A_CHECK],
  ['keys that are numbers', 'keys: [1]', 'templates.0.keys.0: 1 is not the name of a key, like /db (all: /)'],
  [
    'a prefix without keys',
    'prefix: /app',
    'templates.0.prefix: has no keys beside it, so nothing is read; keys: [/] reads everything below it',
  ],
  ['a variable that is a number', 'env: {PORT: 5}', 'templates.0.env.PORT: must be text: quote it'],
  [
    'a variable of ours',
    'env: {PATRONI_ROUTER_STATE: a}',
    'templates.0.env.PATRONI_ROUTER_STATE: is set by patroni-router: use another name',
  ],
  ['a variable with a strange name', 'env: {A-B: a}', 'templates.0.env.A-B: is not the name of a variable'],
]

for (const [title, keys, problem] of ONE_KEY)
  test(`${title} is refused with its place and its remedy`, () => {
    const [found, ...others] = problems(`${FIRST}${keys}}\n`)
    assert.match(found ?? '', /^5:\d+: /)
    assert.equal(found?.replace(/^[\d:]+ /, ''), problem)
    assert.deepEqual(others, [])
  })

const WHOLE: readonly (readonly [title: string, text: string, problem: string])[] = [
  [
    'templates that are a mapping',
    `${BASE}templates: {}`,
    '4:1: templates: must be a list, each of its entries behind a dash, not a mapping',
  ],
  ['a template that is text', `${BASE}templates:\n  - a.hbs`, '5:5: templates.0: must be a mapping, not text'],
  [
    'a template without a source',
    `${BASE}templates:\n  - destination: /a`,
    '5:5: templates.0.source: is required: the path of the template, relative to the configuration file',
  ],
  [
    'a template without a destination',
    `${BASE}templates:\n  - source: a`,
    '5:5: templates.0.destination: is required: the absolute path of the file to write',
  ],
  [
    'a relative destination',
    `${BASE}templates:\n  - {source: a, destination: a.cfg}`,
    '5:17: templates.0.destination: "a.cfg" is not an absolute path',
  ],
  [
    'a destination that is a directory',
    `${BASE}templates:\n  - {source: a, destination: /etc/}`,
    '5:17: templates.0.destination: "/etc/" is a directory: a file name is needed, too',
  ],
  [
    'a destination that is a directory by a detour',
    `${BASE}templates:\n  - {source: a, destination: /etc/a/..}`,
    '5:17: templates.0.destination: "/etc/a/.." is a directory: a file name is needed, too',
  ],
  [
    'a template in the place of a backup',
    `${BASE}templates:\n  - {source: a, destination: /a, backup: yes}\n  - {source: a, destination: /a.bak}`,
    '6:17: templates.1.destination: is where the backup of templates.0 is kept',
  ],
  [
    'a destination on two lines',
    `${BASE}templates:\n  - {source: a, destination: "/a\\nb"}`,
    '5:17: templates.0.destination: holds a control character',
  ],
  [
    'two templates of one destination',
    `${BASE}templates:\n  - {source: a, destination: /etc/a}\n  - {source: b, destination: /etc/x/../a}`,
    '6:17: templates.1.destination: is the destination of templates.0 already',
  ],
  [
    'a template that writes itself',
    `${BASE}templates:\n  - {source: a, destination: /etc/router/a}`,
    '5:17: templates.0.destination: is its own source',
  ],
  [
    'a template that writes another',
    `${BASE}templates:\n  - {source: a, destination: /etc/router/b}\n  - {source: b, destination: /c}`,
    '5:17: templates.0.destination: is the source of templates.1',
  ],
  [
    'a template that writes the configuration',
    `${BASE}templates:\n  - {source: a, destination: ${FILE}}`,
    '5:17: templates.0.destination: is the configuration file',
  ],
  [
    'a template that writes into state_dir',
    `${BASE}templates:\n  - {source: a, destination: /var/lib/router/x/a}`,
    '5:17: templates.0.destination: is in state_dir',
  ],
  [
    'a template in the place of the default admin socket',
    `${BASE}templates:\n  - {source: a, destination: /run/patroni-router/admin.sock}`,
    '5:17: templates.0.destination: is the admin socket (admin.socket)',
  ],
  [
    'a template in the place of the admin socket',
    `${BASE}templates:\n  - {source: a, destination: /x}\nadmin: {socket: /x}`,
    '5:17: templates.0.destination: is the admin socket (admin.socket)',
  ],
  [
    'a template that writes the cluster',
    'scope: demo\nfile: {path: cluster.yml}\ntemplates:\n  - {source: a, destination: /etc/router/cluster.yml}',
    '4:17: templates.0.destination: is the description of the cluster (file.path)',
  ],
  [
    'keys by rest',
    `scope: demo\nrest: {urls: ['http://a:8008']}\ntemplates:\n  - {source: a, destination: /a, keys: [/]}`,
    '4:34: templates.0.keys: needs etcd3, etcd, consul, zookeeper or exhibitor: rest has no other keys than the cluster',
  ],
  [
    'keys with a file',
    'scope: demo\nfile: {path: b}\ntemplates:\n  - {source: a, destination: /a, prefix: /x, keys: [/]}',
    '4:46: templates.0.keys: needs etcd3, etcd, consul, zookeeper or exhibitor: file has no other keys than the cluster',
  ],
  [
    'a key that is written twice',
    `${BASE}templates:\n  - {source: a, source: b, destination: /a}`,
    '5:17: templates.0.source: is written twice',
  ],
  [
    'no listener and no template',
    `${BASE}proxy: {listeners: {}}\ntemplates: []`,
    '4:9: proxy.listeners: at least one listener is needed where there are no templates, hooks and track files',
  ],
]

for (const [title, text, problem] of WHOLE)
  test(`${title} is refused with its place and its remedy`, () => {
    assert.deepEqual(problems(text), [problem])
  })

test('a check of a destination with a blank in it is refused', () => {
  const text = `${BASE}templates:\n  - {source: a, destination: /my app, check: `
  for (const check of [`[a, /my app, b]`, `'a "/my app" {{staged}}'`])
    assert.deepEqual(problems(`${text}${check}}\n`), [`5:39: ${A_CHECK}`])
})

test('a program that is called like a destination is none', () => {
  const text = `${BASE}templates:\n  - {source: a, destination: /etc/router/lint, check: 'lint {{staged}}'}\n`
  assert.deepEqual(warnings(text), [])
})

for (const check of [
  'a {{staged}} /a/b',
  'a {{staged}} /chroot/a',
  'a {{ staged }} --x=/a.d',
  'a {{staged}} | grep -q a',
])
  test(`the check ${check} does not name the destination /a`, () => {
    assert.deepEqual(warnings(`${FIRST}check: '${check}'}\n`), [])
  })

test('a check that cannot know its file is warned of', () => {
  const warning =
    'does not use {{staged}}, the file to check: unless it reads PATRONI_ROUTER_STAGED, it passes whatever the file contains'
  assert.deepEqual(warnings(`${FIRST}check: ./check.sh}\n`), [`5:38: templates.0.check: ${warning}`])
  for (const check of [
    `'a "$PATRONI_ROUTER_STAGED"'`,
    `[sh, -c, 'a "\${PATRONI_ROUTER_STAGED}"']`,
    `[a, '{{staged}}']`,
  ])
    assert.deepEqual(warnings(`${FIRST}check: ${check}}\n`), [])
})

test('a reload without state_dir is warned of once', () => {
  const text = `${WITHOUT_STATE}templates:\n  - {source: a, destination: /a}\n  - {source: b, destination: /b, reload: x}\n  - {source: c, destination: /c, reload: x}\n`
  assert.deepEqual(warnings(text), [
    '5:34: templates.1.reload: without state_dir a pending reload is lost at a restart',
  ])
})

/** Two templates of the group lb. */
function pair(one: string, other: string, base = BASE): string {
  const end = (keys: string): string => (keys === '' ? '}' : `, ${keys}}`)
  const line = (name: string, keys: string): string =>
    `  - {source: ${name}, destination: /${name}, reload_group: lb${end(keys)}\n`
  return `${base}templates:\n${line('a', one)}${line('b', other)}`
}

test('a setting that a group shares is written at one of its templates, and all have it', () => {
  const found = valid(pair('interval: 5s', 'reload: x, timeout: 3s, debounce: {max: 4s}')).templates
  const how = { timeoutMs: 3000, env: {}, workingDir: '/etc/router' }
  for (const { reload, debounce, intervalMs } of found)
    assert.deepEqual([reload, debounce, intervalMs], [{ command: 'x', ...how }, { minMs: 200, maxMs: 4000 }, 5000])
  assert.equal(found.length, 2)
})

test('a setting that a group shares can be written at each of its templates alike', () => {
  const same = 'reload: [x], interval: 1m, debounce: {min: 1s}'
  const found = valid(pair(same, same.replace('1m', '60s'))).templates
  assert.deepEqual(
    found.map(({ reload, intervalMs }) => [reload?.command, intervalMs]),
    [
      [['x'], 60_000],
      [['x'], 60_000],
    ],
  )
})

test('a template of another group shares nothing', () => {
  const [, other] = templates(
    '  - {source: a, destination: /a, reload: x, interval: 5s}\n  - {source: b, destination: /b}\n',
  )
  assert.deepEqual([other?.reload, other?.intervalMs], [null, 60_000])
})

const DIFFERENT = 'differs from that of templates.0, which is in the same reload group (lb)'
for (const [one, other, key] of [
  ['reload: x', 'reload: [x]', 'reload'],
  ['reload: x', 'reload: x, timeout: 5s', 'reload'],
  ['reload: x', 'reload: x, env: {A: b}', 'reload'],
  ['interval: 5s', 'interval: 6s', 'interval'],
  ['debounce: {min: 1s}', 'debounce: {min: 2s}', 'debounce.min'],
  ['debounce: {max: 3s}', 'debounce: {max: 4s}', 'debounce.max'],
] as const)
  test(`a group with ${one} and ${other} is refused`, () => {
    const [problem, ...others] = problems(pair(one, other))
    assert.equal(problem?.replace(/^6:\d+: /, ''), `templates.1.${key}: ${DIFFERENT}`)
    assert.deepEqual(others, [])
  })

test('the minimum of one and the maximum of another template of a group have to go together', () => {
  const [problem] = problems(pair('debounce: {min: 3s}', 'debounce: {max: 1s}'))
  assert.match(problem ?? '', /templates\.\d\.debounce\.\w+: the minimum of 3s is longer than the maximum of 1s$/)
  assert.equal(valid(pair('debounce: {min: 3s}', 'debounce: {max: 5s}')).templates[0]?.debounce.minMs, 3000)
})

test('a reload of several files cannot name one of them', () => {
  const message = 'runs once for all files of lb: it cannot name one of them'
  assert.deepEqual(problems(pair(`reload: 'x {{destination}}'`, '')), [`5:52: templates.0.reload: ${message}`])
  assert.deepEqual(problems(pair('', `reload: [x, '{{staged}}']`)), [`6:52: templates.1.reload: ${message}`])
  assert.equal(template(`reload_group: lb, reload: 'x {{destination}}'`).reload?.command, 'x {{destination}}')
})

test('a group of several templates needs a state_dir, one of a single template does not', () => {
  assert.deepEqual(problems(pair('', '', WITHOUT_STATE)), [
    '4:34: templates.0.reload_group: needs state_dir: without it a change of lb that is interrupted stays incomplete',
  ])
  assert.deepEqual(warnings(`${WITHOUT_STATE}templates:\n  - {source: a, destination: /a, reload_group: lb}\n`), [])
})

test('all problems of all templates are reported at once, in the order of the file', () => {
  const text = `${BASE}templates:
  - source: a
    destination: a
    mode: 644
  - src: a
    destination: /a
    check: x /a
  - source: b
    destination: /a
    debounce: {min: x, max: 0}
    env: {A: 1}
`
  const result = load(text)
  assert.ok(!result.ok)
  assert.deepEqual(
    result.problems.map(({ line, path }) => [line, path]),
    [
      [6, 'templates.0.destination'],
      [7, 'templates.0.mode'],
      [8, 'templates.1.source'],
      [8, 'templates.1.src'],
      [10, 'templates.1.check'],
      [12, 'templates.2.destination'],
      [13, 'templates.2.debounce.min'],
      [13, 'templates.2.debounce.max'],
      [14, 'templates.2.env.A'],
    ],
  )
})

test('no problem and no warning shows what a command or a variable holds', () => {
  const mark = 'h0rse_battery'
  const keys = [
    `check: '{{${mark} x}}'`,
    `check: 'x --password=${mark} /a'`,
    `check: 'x ${mark}'`,
    `check: [${mark}, /a]`,
    `reload: {x: ${mark}}`,
    `reload: [{x: ${mark}}, 5]`,
    `reload: '{{ ${mark}'`,
    `env: {A: [${mark}], B: {x: ${mark}}, PATRONI_ROUTER_X: ${mark}, 'A:${mark}': x, '${mark} ': x}`,
    `env: ${mark}`,
    `env: [${mark}]`,
    `env: {A: "${mark}\\0"}`,
    `environment: {A: ${mark}}`,
    `chekc: ${mark}`,
  ]
  for (const each of keys) {
    const result = load(`${FIRST}${each}}\n`)
    const shown = JSON.stringify(result.ok ? result.warnings : result.problems)
    assert.match(shown, /templates\.0\./)
    assert.ok(!shown.includes(mark), `${each} -> ${shown}`)
  }
  const shown = JSON.stringify(load(pair(`reload: ${mark}, env: {A: ${mark}}`, `reload: x, env: {A: ${mark}2}`)))
  assert.match(shown, /differs from that of templates\.0/)
  assert.ok(!shown.includes(mark), shown)
})
