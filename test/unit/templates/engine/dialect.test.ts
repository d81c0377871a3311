/** A template in another language is one problem, at its first mark. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileTemplate } from '../../../../src/templates/engine/compile.ts'

const CONFD = 'see docs/templates.md, Coming from confd'
const HANDLEBARS = 'here it is Handlebars, see docs/templates.md'

const ROWS: readonly (readonly [text: string, problem: string])[] = [
  [
    'listen primary\n{{range gets "/members/*"}}{{$m := json .Value}}\tserver {{base .Key}}\n{{end}}\n',
    `2:1 this is a Go template ({{range, $m := ..., {{end}}): ${CONFD}`,
  ],
  ['{{with get "/leader"}}{{base .Key}}{{end}}', `1:36 this is a Go template ({{end}}): ${CONFD}`],
  ['{{- if eq .A "b" -}}\n', `1:1 this is a Go template ({{-, -}}): ${CONFD}`],
  ['a\n  {{.Value}}', `2:3 this is a Go template ({{.Value}}): ${CONFD}`],
  ['{{/* a comment */}}', `1:1 this is a Go template ({{/*): ${CONFD}`],
  ['{{getv "/a" | toUpper}}', `1:1 this is a Go template ({{... | ...}}): ${CONFD}`],
  ['{{printf "%s" $x}}', `1:1 this is a Go template ({{printf): ${CONFD}`],
  ['{{key "service/leader"}}', `1:1 this is a Go template ({{key): ${CONFD}`],
  [
    '{{range service "postgres"}}{{.Address}}{{end}}',
    `1:1 this is a Go template ({{range, {{.Address}}, {{end}}): ${CONFD}`,
  ],
  ['a\n{% for m in members %}\nb\n{% endfor %}', `2:1 this is a Jinja template ({% for ... %}): ${HANDLEBARS}`],
  [`port {{ port | default('5432') }}`, `1:6 this is a Jinja template ({{... | default(...)}}): ${HANDLEBARS}`],
  ['a <% members.each do |m| %>\n<%= m.name %>', `1:3 this is an ERB template (<% ... %>): ${HANDLEBARS}`],
]
for (const [text, problem] of ROWS) {
  test(`${JSON.stringify(text)}: ${problem}`, () => assert.deepEqual(problemsOf(text), [problem]))
}

test('what is a template of ours is none of another language', () => {
  const texts = [
    'log-format "%{+Q}r %[src]" # {%\n{{#each members as |m|}}{{m.name}}{{/each}}',
    '{{!-- as confd has it: {{range}} {{end}} {% if a %} --}}{{scope}}',
    '{{#if paused}}{{./scope}}{{/if}} a -}} $x := 1',
  ]
  for (const text of texts) assert.deepEqual(problemsOf(text), [], text)
})

test('a mistake in a template of ours is told as what it is, also beside a comment about Go', () => {
  assert.deepEqual(problemsOf('{{!-- {{range}} {{end}} --}}{{scop}}'), [
    '1:31 there is no "scop" in the cluster: did you mean "scope"?',
  ])
  assert.deepEqual(problemsOf('{{if primary}}a{{/if}}').length, 1)
  assert.doesNotMatch(problemsOf('{{if primary}}').join(), /Go template/)
})

function problemsOf(text: string): readonly string[] {
  const compiled = compileTemplate('t', text)
  return compiled.ok ? [] : compiled.problems.map(({ line, column, message }) => `${line}:${column} ${message}`)
}
