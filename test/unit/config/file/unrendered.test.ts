import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Environment } from '../../../../src/config/env.ts'
import type { ConfigResult } from '../../../../src/config/load.ts'
import { formatProblems } from '../../../../src/config/file/problem.ts'
import { loadConfig } from '../../../support/router/load-config.ts'

function load(text: string, env: Environment = {}): ConfigResult {
  return loadConfig({ file: 'patroni.yml', text, env })
}

function problems(text: string, env: Environment = {}): string {
  const result = load(text, env)
  return result.ok ? '' : formatProblems(result.problems)
}

const BLOCKS = `{% if tags %}\ntags: {{ tags }}\n{% endif %}\n`.repeat(80)

const TEMPLATES: readonly (readonly [what: string, text: string, place: string, marks: string])[] = [
  ['Jinja', `a: 1\nscope: {{ cluster }}\nrestapi:\n  listen: {{ ip }}:8008\n${BLOCKS}`, '2:8', '{{ }}, {% %}'],
  ['names alone', "scope: {{ cluster }}\nname: {{ host }}\netcd3: {hosts: '10.0.0.1:2379'}\n", '1:8', '{{ }}, {% %}'],
  ['a loop', 'scope: a\netcd3:\n  hosts: {% for h in peers %}{{ h }}:2379{% endfor %}\n', '3:10', '{{ }}, {% %}'],
  ['Helm', '{{- if .Values.x }}\nscope: {{ .Values.x | quote }}\n{{- end }}\n', '1:1', '{{ }}, {% %}'],
  ['ERB', '# <%= no %>\n<% if @x -%>\nscope: <%= @x %>\n<% end -%>\n', '2:1', '<% %>'],
  ['envsubst', 'scope: ${SCOPE}\netcd3: {hosts: [${A}:2379, ${B}:2379]}\n', '2:17', '${ }'],
  ['autoconf', 'scope: @SCOPE@\netcd3: {hosts: @HOSTS@}\n', '1:8', '@ @'],
  ['percent signs', 'scope: %SCOPE%\netcd3: {hosts: a}\n', '1:8', '% %'],
  ['a comment of Jinja', 'scope: a\n{# of the cluster #}\netcd3: {hosts: a}\n', '2:1', '{{ }}, {% %}'],
  ['a block after an empty line', '{% if x %}\n\nscope: a\n{% endif %}\n', '1:1', '{{ }}, {% %}'],
  ['two of them', 'scope: {{ a }}\netcd3: {host: ${A}}\n', '1:8', '{{ }}, {% %}, ${ }'],
]

for (const [what, text, place, marks] of TEMPLATES)
  test(`a template that was not rendered is one problem: ${what}`, () => {
    assert.equal(problems(text), `patroni.yml:${place}: this looks like a template that was not rendered (${marks})`)
  })

test('marks of a template that are not what is wrong do not hide what is', () => {
  const base =
    "scope: a\netcd3: {hosts: a}\ntemplates:\n  - source: a\n    destination: /tmp/x\n    check: 'x ${A} {{staged}}'\n"
  assert.equal(problems(base), '')
  assert.match(problems(`${base}\nproxy: [\n`), /^patroni\.yml:9:1: not valid YAML/)
  assert.match(problems('# {{ ansible_managed }}\n\nscope: [\n'), /^patroni\.yml:4:1: not valid YAML/)
  const ours = `${base}    reload: 'z "\${PATRONI_ROUTER_STAGED}"'\n`
  assert.match(problems(`${ours}    env: a: b\n`), /^patroni\.yml:8:10: not valid YAML: a second/)
  assert.match(problems(`${base}\tenv: {}\n`), /^patroni\.yml:7:1: not valid YAML: a tab/)
  assert.match(problems(`${base}    reload: echo "\${A}": b\n`), /^patroni\.yml:7:13: not valid YAML: a second/)
  assert.match(problems(`${base}    reload: \${A}: b\n`), /^patroni\.yml:7:13: not valid YAML: a second/)
  assert.match(problems(`restapi: {password: "{{ a }}"}\nctl: {\nname: x\n`), /^patroni\.yml:3:1: not valid YAML/)
  assert.match(problems(`${base}    reload: [x, {{staged}}]\n`), /templates\.0\.reload\.1: must be text: quote it/)
})

test('mistakes before the first mark that is not rendered are reported as well, and the place is that of this mark', () => {
  const text = 'name: "{{ a }}"\nctl:\n\tx: 1\nscope: {{ b }}\nrestapi: {{ c }}\n'
  assert.equal(
    problems(text),
    [
      'patroni.yml:3:1: not valid YAML: a tab as indentation: use spaces',
      'patroni.yml:4:8: this looks like a template that was not rendered ({{ }}, {% %})',
    ].join('\n'),
  )
})

test('a mapping as a key is an error, as it is for Patroni', () => {
  assert.match(
    problems('scope: a\netcd3: {hosts: a}\n? {a: 1}\n: 2\n'),
    /^patroni\.yml:3:3: not valid YAML: a \{ \} as a key/,
  )
})

const UNFILLED: readonly (readonly [value: string, mark: string])[] = [
  ['{{ cluster }}', '{{ }}, {% %}'],
  ['{% x %}', '{{ }}, {% %}'],
  ['<%= @x %>', '<% %>'],
  ['a-${NODE}', '${ }'],
  ['$(POD_NAME)', '$( )'],
  ['$HOSTNAME', '$'],
  ['/<env>/', '< >'],
  ['<cluster name>', '< >'],
  ['@SCOPE@', '@ @'],
  ['__SCOPE__', '__ __'],
  ['%H', '%'],
  ['@@X@@', '@ @'],
  ['@N1@', '@ @'],
  ['%HOST%', '% %'],
  ['$N', '$'],
  ['a-$N', '$'],
  ['%(host)s', '%( )s'],
  ['#{Octopus.Name}', '#{ }'],
  ['((name))', '(( ))'],
  ['[[ name ]]', '[[ ]]'],
  ['`hostname`', '` `'],
]

for (const [value, mark] of UNFILLED)
  test(`a name with a placeholder is a warning: ${value}`, () => {
    const result = load(`scope: '${value}'\nname: '${value}'\nnamespace: '${value}'\netcd3: {hosts: a}\n`)
    assert.ok(result.ok)
    assert.deepEqual(
      result.warnings,
      ['1:1: scope', '2:1: name', '3:1: namespace'].map(
        (key) => `patroni.yml:${key}: holds a placeholder that was not filled in (${mark})`,
      ),
    )
  })

test('ordinary names, passwords and commands are no placeholders', () => {
  const result = load(`
scope: 15-main_a.b
name: pg1
etcd3: {hosts: a, username: u, password: '\${x}<y>{{z}}'}
ctl: {certfile: /c, keyfile_password: '<x>'}
restapi: {listen: '\${IP}:8008', authentication: {username: u, password: '<p>'}}
postgresql: {parameters: {archive_command: 'cp %p \${X}'}}
state_dir: /s
templates: [{source: a, destination: /b, check: 'x \${A} {{staged}}', reload: 'y $(z) $X', env: {A: '<x>'}}]
`)
  assert.ok(result.ok, result.ok ? '' : formatProblems(result.problems))
  assert.deepEqual(result.warnings, [])
})

test('a placeholder is what is reported of a value that is wrong because of it', () => {
  const unfilled = 'holds a placeholder that was not filled in (${ })'
  assert.equal(
    problems(
      'scope: a\netcd3: {hosts: ["${A}:2379", "b:x"]}\nproxy: {listeners: {p: {bind: "${IP}:5000", route: primary}}}\n',
    ).replace(/; .*/gm, ''),
    [
      `patroni.yml:2:17: etcd3.hosts.0: ${unfilled}`,
      'patroni.yml:2:30: etcd3.hosts.1: must be an address like 10.0.0.1:2379 or [fd00::1]:2379',
      `patroni.yml:3:25: proxy.listeners.p.bind: ${unfilled}`,
    ].join('\n'),
  )
  assert.equal(
    problems('scope: a\n', { PATRONI_ETCD3_HOSTS: '$(ETCD):2379' }),
    'environment: PATRONI_ETCD3_HOSTS: holds a placeholder that was not filled in ($( ))',
  )
})

test('a placeholder from the environment is a warning that names the variable', () => {
  const result = load('scope: a\netcd3: {hosts: a}\n', { PATRONI_NAME: '${HOSTNAME}' })
  assert.ok(result.ok)
  assert.deepEqual(result.warnings, ['environment: PATRONI_NAME: holds a placeholder that was not filled in (${ })'])
})
