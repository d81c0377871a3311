/** Whoever comes from confd translates by the documented mapping, word by word: the same bytes come of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileTemplate } from '../../../src/templates/engine/compile.ts'
import type { Question } from '../../../src/templates/engine/template.ts'
import { inputs } from './engine/sample.ts'
import { GO_TEMPLATES } from './go-templates.ts'

const LOCALHOST: Readonly<Partial<Record<Question['kind'], readonly string[]>>> = {
  ip: ['127.0.0.1', '::1'],
  ipv4: ['127.0.0.1'],
  ipv6: ['::1'],
}

const LOCAL = { answerTo: ({ kind }: Question) => ({ ok: true, value: LOCALHOST[kind] ?? [] }) as const }

for (const { title, keys, go, ours, expected } of GO_TEMPLATES) {
  test(`${title}: the same bytes as Go's template`, () => {
    const compiled = compileTemplate(title, `{{! whitespace: go }}\n${ours}`)
    assert.ok(compiled.ok, JSON.stringify(compiled))
    const env = { HOSTNAME: 'localhost' }
    const result = compiled.template.render({ ...inputs(undefined, keys), env, answers: LOCAL })
    assert.equal(result.kind === 'text' ? result.text : JSON.stringify(result), expected)
  })

  test(`${title}: Go's template as it is means the same, or one thing is wrong with it`, () => {
    const compiled = compileTemplate(title, go)
    assert.equal(compiled.ok ? 0 : compiled.problems.length, go === ours ? 0 : 1)
  })
}
