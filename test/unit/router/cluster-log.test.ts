import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Logger, pino } from 'pino'
import { clusterLog } from '../../../src/router/cluster-log.ts'
import { logLines } from '../../../src/text/log-line.ts'

test('lines name their cluster while there are several, at the level of the whole log', () => {
  const lines: string[] = []
  const stream = { write: (line: string) => void lines.push(line) }
  const log = pino(
    { base: null, timestamp: false, level: 'note', customLevels: { note: 25 } },
    stream,
  ) as unknown as Logger
  let name: string | null = null
  const own = clusterLog(log, () => name)
  own.info({ event: 'a' }, 'one')
  name = 'shop'
  own.info({ event: 'a' }, 'two')
  logLines(own, [{ level: 'note', fields: { event: 'b' }, message: 'three' }])
  own.debug({ event: 'c' }, 'unseen')
  assert.equal(own.isLevelEnabled('debug'), false)
  log.level = 'debug'
  assert.equal(own.isLevelEnabled('debug'), true)
  own.debug({ event: 'c' }, 'seen')
  assert.deepEqual(
    lines.map((line) => JSON.parse(line) as unknown),
    [
      { level: 30, event: 'a', msg: 'one' },
      { level: 30, cluster: 'shop', event: 'a', msg: 'shop: two' },
      { level: 25, cluster: 'shop', event: 'b', msg: 'shop: three' },
      { level: 20, cluster: 'shop', event: 'c', msg: 'shop: seen' },
    ],
  )
})
