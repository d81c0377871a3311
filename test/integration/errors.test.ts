import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { failureOf } from '../../src/errors.ts'

test("understands what Node's own sockets say", async () => {
  const error = await new Promise((resolve) => connect({ host: 'localhost', port: 1 }).on('error', resolve))
  assert.equal(failureOf(error), 'refused')
})
