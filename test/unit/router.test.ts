import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'

test('is loaded without what only templates need', async () => {
  const loads = (): boolean => Object.keys(createRequire(import.meta.url).cache).some((file) => /handlebars/.test(file))
  await import('../../src/router.ts')
  assert.equal(loads(), false)
  await import('../../src/templates/templates.ts')
  assert.equal(loads(), true)
})
