import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { afterEach, describe, mock, test } from 'node:test'
import { DroppedLines } from '../../../src/cli/dropped-lines.ts'

describe('lines that are dropped', () => {
  afterEach(() => mock.restoreAll())

  /** An output, of which each report is recorded; `isFull`: it drops the report as well. */
  function outputWith(): {
    output: EventEmitter
    dropped: DroppedLines
    reports: number[]
    fill: (isFull: boolean) => void
  } {
    const output = new EventEmitter()
    const reports: number[] = []
    let isFull = false
    const dropped = new DroppedLines(output, (lines) => {
      if (isFull) output.emit('drop')
      else reports.push(lines)
    })
    return { output, dropped, reports, fill: (next) => (isFull = next) }
  }

  test('lines that were dropped are counted, and reported once when all is written', () => {
    const { output, dropped, reports } = outputWith()
    output.emit('drain')
    output.emit('drop')
    dropped.together(2, () => output.emit('drop'))
    dropped.together(9, () => undefined)
    dropped.add(4)
    assert.deepEqual([dropped.total, reports], [7, []])
    output.emit('drain')
    output.emit('drain')
    output.emit('drop')
    output.emit('drain')
    assert.deepEqual([dropped.total, reports], [8, [7, 1]])
  })

  test('a report for which there is no room is repeated, and counts for nothing', () => {
    const { output, dropped, reports, fill } = outputWith()
    output.emit('drop')
    fill(true)
    output.emit('drain')
    output.emit('drop')
    fill(false)
    output.emit('drain')
    assert.deepEqual([dropped.total, reports], [2, [2]])
  })

  test('while the reader takes some and never all, there is a report every 10 s', () => {
    let time = 1_000_000
    mock.method(performance, 'now', () => time)
    const { output, reports } = outputWith()
    output.emit('drop')
    output.emit('write')
    time += 9_999
    output.emit('write')
    assert.deepEqual(reports, [])
    time += 1
    output.emit('drop')
    output.emit('write')
    output.emit('drop')
    output.emit('write')
    assert.deepEqual(reports, [2])
    time += 10_000
    output.emit('write')
    assert.deepEqual(reports, [2, 1])
  })
})
