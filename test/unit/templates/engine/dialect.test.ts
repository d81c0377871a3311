/** A template in another language is one problem, at its first mark. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileTemplate } from '../../../../src/templates/engine/compile.ts'

const CONFD = 'see docs/migrating-from-confd.md'
const HANDLEBARS = 'here it is Handlebars, see docs/templates.md'

const ROWS: readonly (readonly [text: string, problem: string])[] = [
  [
    'listen primary\n{{range gets "/members/*"}}{{$m := json .Value}}\tserver {{base .Key}}\n{{end}}\n',
    `2:1 this is a Go template ({{range, $m := ..., {{... .Key): ${CONFD}`,
  ],
  ['{{with get "/leader"}}{{base .Key}}{{end}}', `1:23 this is a Go template ({{... .Key, {{end}}): ${CONFD}`],
  ['{{- if eq .A "b" -}}\n', `1:1 this is a Go template ({{-, -}}, {{... .A): ${CONFD}`],
  ['a\n  {{.Value}}', `2:3 this is a Go template ({{.Value}}): ${CONFD}`],
  ['{{/* a comment */}}', `1:1 this is a Go template ({{/*): ${CONFD}`],
  ['{{getv "/a" | toUpper}}', `1:1 this is a Go template ({{... | ...}}): ${CONFD}`],
  ['{{printf "%s" $x}}', `1:1 this is a Go template ({{printf, {{... $x): ${CONFD}`],
  ['{{key "service/leader"}}', `1:1 this is a Go template ({{key): ${CONFD}`],
  [
    '{{range service "postgres"}}{{.Address}}{{end}}',
    `1:1 this is a Go template ({{range, {{.Address}}, {{end}}): ${CONFD}`,
  ],
  ['{{ls "/a" | len | eq 2}}', `1:1 this is a Go template ({{... | ...}}): ${CONFD}`],
  ['{{(get "/a").Value}}', `1:1 this is a Go template ({{(...).Value): ${CONFD}`],
  ['{{(json (getv "/a")).ip}}', `1:1 this is a Go template ({{(...).ip): ${CONFD}`],
  ['{{`raw`}}', `1:1 this is a Go template ({{\`...\`): ${CONFD}`],
  ['{{$.Release.Name}}', `1:1 this is a Go template ({{$.Release.Name}}): ${CONFD}`],
  ['{{if $data.port}}', `1:1 this is a Go template ({{... $data.port): ${CONFD}`],
  ['{{$x = 1}}', `1:1 this is a Go template ($x := ...): ${CONFD}`],
  ['{{break}}', `1:1 this is a Go template ({{break}}): ${CONFD}`],
  ['{{ template "x" . }}\n{{ template "y" . }}', `1:1 this is a Go template ({{template): ${CONFD}`],
  ['{{ include "x" . }}', `1:1 this is a Go template ({{include): ${CONFD}`],
  [`{{ hosts | join(',') | trim }}`, `1:1 this is a Jinja template ({{... | join(...)}}): ${HANDLEBARS}`],
  ['a\n{% for m in members %}\nb\n{% endfor %}', `2:1 this is a Jinja template ({% for ... %}): ${HANDLEBARS}`],
  [`port {{ port | default('5432') }}`, `1:6 this is a Jinja template ({{... | default(...)}}): ${HANDLEBARS}`],
  ['a <% members.each do |m| %>\n<%= m.name %>', `1:3 this is an ERB template (<% ... %>): ${HANDLEBARS}`],
]
for (const [text, problem] of ROWS) {
  test(`${JSON.stringify(text)}: ${problem}`, () => assert.deepEqual(problemsOf(text), [problem]))
}

test('a template of the router is not taken for another language', () => {
  const texts = [
    'log-format "%{+Q}r %[src]" # {%\n{{#each members as |m|}}{{m.name}}{{/each}}',
    '{{!-- as confd has it: {{range}} {{end}} {% if a %} --}}{{scope}}',
    '{{#if paused}}{{./scope}}{{/if}} a -}} $x := 1',
    '{{concat "| default(1) {% if a %} <% b %>"}}',
    '{{#if paused}}{{else with primary as |p|}}{{p.name}}{{/if}}',
  ]
  for (const text of texts) assert.deepEqual(problemsOf(text), [], text)
})

const SCOP = 'there is no "scop" in the cluster: did you mean "scope"?'

const SLIPS: readonly (readonly [text: string, problem: string])[] = [
  ['{{!-- {{range}} {{end}} --}}{{scop}}', `1:31 ${SCOP}`],
  ['\\{{range}} \\{{end}} {{scop}}', `1:23 ${SCOP}`],
  ['<?php\n$db_host = "{{scop}}";', `2:15 ${SCOP}`],
  [
    'set $upstream = x;\n{{#each membrs}}a{{/each}}',
    '2:9 there is no "membrs" in the cluster: did you mean "members"?',
  ],
  [`my $h = '{{scope}}'; my $p = {{scop}};`, `1:32 ${SCOP}`],
  ['$2 = 3 {{scop}}', `1:10 ${SCOP}`],
  ['foo=$bar=x {{scop}} | cat', `1:14 ${SCOP}`],
  ['server -}} {{scop}}', `1:14 ${SCOP}`],
  ['{{join (split "a,b" ",") "|"}} {{scop}}', `1:34 ${SCOP}`],
  ['{{concat "`$x` .Key (a).b $y = 1" \'|\'}} {{scop}}', `1:43 ${SCOP}`],
  ['{{#if paused}}{{else with primary as |p|}}{{/if}} {{scop}}', `1:53 ${SCOP}`],
  ['{{~#each members as |m|}}{{/each}} {{scop}}', `1:38 ${SCOP}`],
  ['{{#each members}}{{../scop}}{{/each}}', `1:20 ${SCOP}`],
  ['{{#let $x=1}}{{/let}}', '1:1 {{#let}}: "$x" is no name'],
]
for (const [text, problem] of SLIPS) {
  test(`${JSON.stringify(text)}: ${problem}`, () => assert.deepEqual(problemsOf(text), [problem]))
}

for (const piece of ['{{!--', '{{!', '{{!-- --', '{{[', '{{x "\\', '{% if ', '<% ', '{{ x | y']) {
  test(`half a megabyte of ${JSON.stringify(piece)} is looked through in no time`, () => {
    const before = process.cpuUsage()
    assert.ok(problemsOf(piece.repeat(500_000 / piece.length)).length <= 1)
    const { user, system } = process.cpuUsage(before)
    assert.ok(user + system < 3_000_000)
  })
}

test('a block of ours without its # is no template of another language', () => {
  assert.deepEqual(problemsOf('{{if primary}}a{{/if}}').length, 1)
  assert.doesNotMatch(problemsOf('{{if primary}}').join(), /Go template/)
})

function problemsOf(text: string): readonly string[] {
  const compiled = compileTemplate('t', text)
  return compiled.ok ? [] : compiled.problems.map(({ line, column, message }) => `${line}:${column} ${message}`)
}
