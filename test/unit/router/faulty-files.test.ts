/** Files with one fault each, in the place of the one that a router runs with. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { pino } from 'pino'
import { Reloader } from '../../../src/router/reloader.ts'
import { loadConfig } from '../../support/router/load-config.ts'
import { FAULTS, soundFile, withFault } from '../config/faulty-files.ts'

const FILE = '/etc/patroni-router/config.yml'
const SOUND = soundFile('/var/lib/router')

describe('a reload of a file with a fault changes nothing and reports its place', () => {
  let text = SOUND
  const read = () => loadConfig({ file: FILE, text, env: {} })
  const loaded = read()
  assert.ok(loaded.ok)
  const reloader = new Reloader({
    loaded,
    read: () => Promise.resolve(read()),
    fingerprint: () => Promise.resolve(text),
    apply: () => Promise.reject(new Error('nothing is to be applied')),
    preview: () => ({ endingSessions: 0 }),
    log: pino({ level: 'silent' }),
    pace: { pauseMs: 0 },
  })

  for (const fault of FAULTS)
    test(`${fault.title}: ${fault.problem}`, async () => {
      text = withFault(SOUND, fault)
      const { outcome, refusedBy, problems, changes } = await reloader.reload()
      assert.deepEqual([outcome, refusedBy, changes], ['refused', 'configuration', []])
      assert.ok(problems[0]?.startsWith(`${FILE}:${fault.problem}`), problems.join('\n'))
      const isSyntax = /not valid YAML|is written twice/.test(problems.join())
      assert.ok(problems.length === 1 || isSyntax, problems.join('\n'))
      text = SOUND
      assert.equal((await reloader.reload()).outcome, 'unchanged')
    })

  test('there are forty of them, and each was reported', () => {
    assert.equal(FAULTS.length, 40)
    assert.equal(reloader.status().refusals, 40)
  })
})
