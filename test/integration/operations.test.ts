/** The commands of docs/operations.md that read the log and the status, on those of a real router. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { RouterProcess } from '../support/router/process.ts'

const DOCUMENT = readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8')

/** Returns the program of jq behind `start`. */
function jqProgram(start: string): string {
  const from = DOCUMENT.indexOf(start)
  assert.ok(from >= 0, start)
  return DOCUMENT.slice(from + start.length).split("'")[0] ?? ''
}

test('the alert rule finds what is wrong in a real log, and lets the rest pass', async () => {
  await using router = await RouterProcess.start({
    config: { scope: 'demo', etcd3: { hosts: '127.0.0.1:1' }, logging: { level: 'debug' } },
  })
  await router.waitForLog('that etcd is not reached', ({ event }) => event === 'dcs-unreached')
  await router.stop()
  const log = router.log.map((line) => JSON.stringify(line)).join('\n')
  const program = jqProgram("jq -cR --unbuffered '")
  const found = execFileSync('jq', ['-cR', program], { input: `no JSON\n${log}\n`, encoding: 'utf8' })
  const events = found
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { event: string }).event)
  assert.ok(events.includes('dcs-unreached'), found)
  for (const event of ['starting', 'listening', 'started', 'draining', 'stopped']) {
    assert.ok(
      router.log.some((line) => line['event'] === event),
      event,
    )
    assert.ok(!events.includes(event), event)
  }
})
