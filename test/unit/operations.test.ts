/** Holds docs/operations.md to the source, in both directions. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { findLogEvents } from './source/log-events.ts'

describe('log events', () => {
  const { unclear, nameless } = findLogEvents()

  test('every line of the log has an event, whose name can be told from the source', () => {
    assert.deepEqual(nameless, [])
    assert.deepEqual(unclear, [])
  })
})
