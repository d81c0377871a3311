import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { check } from '../../../../src/cli/check/check.ts'
import { TempDir } from '../../../support/files/temp.ts'
import { FakeIo } from '../../../support/router/fake-io.ts'

const BASE = "scope: demo\netcd3: {hosts: 'etcd1:2379'}\nstate_dir: DIR/state\n"
let dir: TempDir
before(() => {
  dir = TempDir.create('check-templates')
  writeFileSync(join(dir.path, 'good.hbs'), 'scope {{scope}}\n{{#each members}}{{name}}\n{{/each}}\n')
  writeFileSync(join(dir.path, 'bad.hbs'), '{{scope}}\n{{#each membres}}{{name}}{{/each}}\n  {{scop}}\n')
  writeFileSync(join(dir.path, 'keys.hbs'), '{{scope}}\n{{#if (exists "/a")}}a{{/if}}\n')
  writeFileSync(join(dir.path, 'open.hbs'), '{{#each members}}\n')
  writeFileSync(join(dir.path, 'large.hbs'), 'x'.repeat(1024 * 1024 + 1))
  writeFileSync(join(dir.path, 'latin1.hbs'), '# caf\u00e9 {{scope}}\n', 'latin1')
  writeFileSync(join(dir.path, 'utf16.hbs'), '\ufeff{{scope}}\n', 'utf16le')
  execFileSync('mkfifo', [join(dir.path, 'pipe')])
  writeFileSync(join(dir.path, 'file'), '')
  writeFileSync(join(dir.path, 'program'), '#!/bin/sh\ntouch run\n')
  chmodSync(join(dir.path, 'program'), 0o755)
  mkdirSync(join(dir.path, 'out'))
  mkdirSync(join(dir.path, 'bin'))
  symlinkSync('../program', join(dir.path, 'bin', 'reloader'))
  symlinkSync('missing/file', join(dir.path, 'out', 'dangling'))
  symlinkSync('out', join(dir.path, 'same'))
  symlinkSync('../good.hbs', join(dir.path, 'out', 'source'))
})
after(() => dir.remove())

interface Checked {
  readonly code: number
  readonly stdout: string
  readonly stderr: readonly string[]
}

/** `check` of this besides the base; `DIR` is the temporary directory, in what is printed as well. */
async function checked(text: string): Promise<Checked> {
  const config = join(dir.path, 'router.yml')
  writeFileSync(config, `${BASE}${text}`.replaceAll('DIR', dir.path))
  const io = new FakeIo({ PATH: `${join(dir.path, 'bin')}:/bin` })
  const code = await check({ config }, io)
  const [stdout, stderr] = [io.stdout, io.stderr].map((output) => output.replaceAll(dir.path, 'DIR'))
  return { code, stdout: stdout ?? '', stderr: stderr?.split('\n').filter((line) => line !== '') ?? [] }
}

const TEMPLATE = 'source: good.hbs, destination: DIR/out/a'

test('tells what templates and hooks would do, of their commands the program alone', async () => {
  const { code, stdout, stderr } = await checked(`templates:
  - {source: good.hbs, destination: DIR/out/a, check: 'reloader -f {{staged}} s3cret', reload: [reloader, s3cret], reload_group: lb}
  - {source: DIR/good.hbs, destination: DIR/out/b, reload: PASSWORD=s3cret reloader, prefix: app, keys: [db, /x]}
  - {source: good.hbs, destination: DIR/out/c, reload: ./program}
hooks:
  - {on: [none, open], command: 'reloader s3cret', after: lb}
  - {name: say, on: any, command: [./program], env: {A: s3cret}}
`)
  assert.deepEqual([code, stderr], [0, []])
  const lines = stdout.split('\n').filter((line) => /^ {2}(template|hook|listener) /.test(line))
  assert.deepEqual(lines, [
    '  listener  none: the proxy is off',
    '  template  DIR/good.hbs -> DIR/out/a, check: reloader ..., reload: reloader ..., reload group lb',
    '  template  DIR/good.hbs -> DIR/out/b, keys /app/db and /app/x, reload: a shell command',
    '  template  DIR/good.hbs -> DIR/out/c, reload: ./program',
    '  hook      hooks[0] on open, none: reloader ..., after lb',
    '  hook      say on open, switching, promoting, unconfirmed, unreachable, unverified, unlocked, none: ./program',
  ])
  assert.doesNotMatch(stdout, /s3cret/)
})

const FOUND: readonly (readonly [title: string, text: string, problems: readonly (string | RegExp)[]])[] = [
  [
    'every misspelt name of a template with line and column',
    'templates: [{source: bad.hbs, destination: DIR/out/a}]',
    [/^DIR\/bad\.hbs:2:9: .*membres/, /^DIR\/bad\.hbs:3:\d: .*scop/],
  ],
  [
    'keys that the configuration does not ask for',
    'templates: [{source: keys.hbs, destination: DIR/out/a}, {source: keys.hbs, destination: DIR/out/b, keys: [/]}]',
    ['DIR/keys.hbs:2:7: exists: the template has no `keys` in the configuration'],
  ],
  [
    'a block that is not closed',
    'templates: [{source: open.hbs, destination: DIR/out/a}]',
    [/^DIR\/open\.hbs:\d:\d+: /],
  ],
  [
    'a template that is not there',
    'templates: [{source: missing.hbs, destination: DIR/out/a}]',
    ['DIR/missing.hbs: no such file: source of a template (templates.0.source)'],
  ],
  [
    'a template that is a directory',
    'templates: [{source: out, destination: DIR/a}]',
    ['DIR/out: is not a file: source of a template (templates.0.source)'],
  ],
  [
    'a template that is a pipe, a device, too large or not in UTF-8, as a start finds it',
    `templates: [${['pipe', '/dev/zero', 'large.hbs', 'latin1.hbs', 'utf16.hbs']
      .map((source, index) => `{source: ${source}, destination: DIR/out/${index}}`)
      .join(', ')}]`,
    [
      'DIR/pipe: is not a file: source of a template (templates.0.source)',
      '/dev/zero: is not a file: source of a template (templates.1.source)',
      'DIR/large.hbs: is larger than 1048576 bytes: source of a template (templates.2.source)',
      'DIR/latin1.hbs: is not in UTF-8: source of a template (templates.3.source)',
      'DIR/utf16.hbs: is not in UTF-8: source of a template (templates.4.source)',
    ],
  ],
  [
    'what is wrong with a template that is used twice only once',
    'templates: [{source: open.hbs, destination: DIR/out/a}, {source: open.hbs, destination: DIR/out/b}]',
    [/^DIR\/open\.hbs:\d:\d+: /],
  ],
  [
    'a destination without its directory',
    'templates: [{source: good.hbs, destination: DIR/missing/a}]',
    ['templates.0.destination: the directory of DIR/missing/a is not there'],
  ],
  [
    'a destination that is a link to nowhere',
    'templates: [{source: good.hbs, destination: DIR/out/dangling}]',
    [/^templates\.0\.destination: .*DIR\/out\/dangling/],
  ],
  [
    'a destination that is a directory',
    'templates: [{source: good.hbs, destination: DIR/out}]',
    ['templates.0.destination: DIR/out is a directory'],
  ],
  [
    'one file that is written by two names',
    `templates: [{${TEMPLATE}}, {source: good.hbs, destination: DIR/same/a}, {source: good.hbs, destination: DIR/out/source}]`,
    [
      'templates.1.destination: DIR/same/a is a link to the destination of templates.0',
      'templates.2.destination: DIR/out/source is a link to the source of templates.0',
    ],
  ],
  [
    'a check of the destination by another name',
    `templates: [{source: good.hbs, destination: DIR/same/a, check: 'grep x {{staged}} DIR/out/a'}]`,
    ['templates.0.destination: DIR/same/a is a link to what its check names, which is still the old file then'],
  ],
  [
    'users and groups that are not there',
    `templates: [{${TEMPLATE}, owner: nobody-like-that, group: 'no-group-like-that'}]`,
    ['templates.0.destination: DIR/out/a: there is no user nobody-like-that, and there is no group no-group-like-that'],
  ],
  [
    'programs that are not there',
    `templates: [{${TEMPLATE}, check: [missing, '{{staged}}'], reload: [./missing]}]\nhooks: [{on: open, command: [DIR/file]}]`,
    [
      'templates.0.check: missing: no such program in PATH',
      'templates.0.reload: ./missing: not a program that can be run',
      'hooks.0.command: DIR/file: not a program that can be run',
    ],
  ],
  [
    'a whole command in the first entry of a list, and shows nothing of it',
    `templates: [{${TEMPLATE}, check: ['PASSWORD=s3cret a {{staged}}'], reload: ["sh -c 'T=s3cret x'"]}]\n` +
      "hooks: [{on: open, command: ['curl -u bot:s3cret http://chat.local/hook']}]",
    ['templates.0.check', 'templates.0.reload', 'hooks.0.command'].map(
      (key) =>
        `${key}: the first entry of the list does not look like a program: each word of a command is an entry of its ` +
        'own, or all of it is text, which goes to the shell',
    ),
  ],
  [
    'the reload of a group only once',
    `templates: [{${TEMPLATE}, reload: [missing], reload_group: lb}, {source: good.hbs, destination: DIR/out/b, reload_group: lb}]`,
    ['reload of lb: missing: no such program in PATH'],
  ],
  [
    'a program that is not in the PATH of the command',
    `templates: [{${TEMPLATE}, reload: [reloader], env: {PATH: DIR/out}}]`,
    ['templates.0.reload: reloader: no such program in PATH'],
  ],
  [
    'a working directory that is not there',
    `templates: [{${TEMPLATE}, check: 'a {{staged}}', working_dir: DIR/missing}]\nhooks: [{on: open, command: a, working_dir: DIR/file}]`,
    [
      'templates.0.check: its working directory DIR/missing: no such directory',
      'hooks.0.command: its working directory DIR/file: no such directory',
    ],
  ],
]

for (const [title, text, problems] of FOUND)
  test(`reports ${title}`, async () => {
    const { code, stdout, stderr } = await checked(`${text}\n`)
    assert.deepEqual([code, stdout], [2, ''])
    assert.equal(stderr.length, problems.length, stderr.join('\n'))
    for (const [index, problem] of problems.entries())
      if (typeof problem === 'string') assert.equal(stderr[index], problem)
      else assert.match(stderr[index] ?? '', problem)
  })

test('programs in a text for a shell are not looked for', async () => {
  const { code } = await checked(
    `templates: [{${TEMPLATE}, check: 'missing {{staged}}', reload: 'missing && other'}]\n`,
  )
  assert.equal(code, 0)
})

test('nothing is run and nothing is written', async () => {
  const entries = readdirSync(dir.path, { recursive: true }).toSorted()
  const { code } = await checked(
    `templates: [{${TEMPLATE}, check: './program {{staged}}', reload: [./program], owner: root, mode: 0600}]\n` +
      'hooks: [{on: any, command: ./program}]\n',
  )
  assert.equal(code, 0)
  const ours = readdirSync(dir.path, { recursive: true }).filter((name) => name !== 'router.yml')
  assert.deepEqual(
    ours.toSorted(),
    entries.filter((name) => name !== 'router.yml'),
  )
})

test('names a template as it is reached from where one is', async () => {
  const io = new FakeIo()
  const relative = join('..', '..', '..', '..', '..', '..', '..', '..', dir.path)
  writeFileSync(
    join(dir.path, 'relative.yml'),
    `${BASE}templates: [{source: open.hbs, destination: DIR/out/a}]`.replaceAll('DIR', dir.path),
  )
  assert.equal(await check({ config: join(relative, 'relative.yml') }, io), 2)
  assert.ok(io.stderr.startsWith(`${join(relative, 'open.hbs')}:`), io.stderr)
})

test('a destination or a track file that is a file of a configuration directory by another name is an error', async () => {
  const conf = join(dir.path, 'conf')
  mkdirSync(conf)
  for (const link of ['conf-link', 'conf-other']) symlinkSync('conf', join(dir.path, link))
  symlinkSync('../real.yml', join(conf, '20.yml'))
  const file = (name: string, text: string): void =>
    writeFileSync(join(dir.path, name), text.replaceAll('DIR', dir.path))
  file('conf/10.yml', BASE)
  file(
    'real.yml',
    `templates:
  - {source: DIR/good.hbs, destination: DIR/conf-link/10.yml}
  - {source: DIR/good.hbs, destination: DIR/real.yml}
  - {source: DIR/good.hbs, destination: DIR/out/a}
track: {files: [{path: DIR/conf-other/10.yml, when: primary}, {path: DIR/same/a, when: primary}]}
`,
  )
  const io = new FakeIo()
  assert.equal(await check({ config: conf }, io), 2)
  assert.deepEqual(io.stderr.replaceAll(dir.path, 'DIR').trimEnd().split('\n'), [
    'templates.0.destination: DIR/conf-link/10.yml is a link to the configuration file',
    'templates.1.destination: DIR/real.yml is a link to the configuration file',
    'track.files.0.path: DIR/conf-other/10.yml is a link to the destination of templates.0',
    'track.files.0.path: DIR/conf-other/10.yml is a link to the configuration file',
    'track.files.1.path: DIR/same/a is a link to the destination of templates.2',
  ])
})

test('a template of another kind, without a single tag, is a warning that names what is not filled in', async () => {
  writeFileSync(join(dir.path, 'envsubst.hbs'), 'listen 5000\nserver ${NAME} $HOST\n')
  writeFileSync(join(dir.path, 'plain.hbs'), 'listen 5000\n')
  const { code, stderr } = await checked(`templates:
  - {source: envsubst.hbs, destination: DIR/out/a}
  - {source: plain.hbs, destination: DIR/out/b}
  - {source: good.hbs, destination: DIR/out/c}
`)
  assert.equal(code, 0)
  assert.deepEqual(stderr, [
    'warning: DIR/envsubst.hbs: there is no {{ }} in this template, and nothing fills in ${NAME}: it is written as it is',
  ])
})
