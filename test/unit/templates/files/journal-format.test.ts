/** The text of a journal, whole and damaged. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decodeJournal, encodeJournal } from '../../../../src/templates/files/journal-format.ts'

const FILE = {
  destination: '/etc/a.cfg',
  path: '/srv/a.cfg',
  staged: '/srv/.a.cfg.patroni-router-1-0123456789ab.tmp',
  digest: 'a'.repeat(64),
  before: null,
  backup: true,
  uid: 0,
  gid: 4_294_967_294,
  mode: 0o640,
}
const STATE = {
  group: 'lb',
  reloadDue: true,
  commit: { files: [FILE, { ...FILE, before: 'b'.repeat(64) }], reload: true },
}

describe('a journal', () => {
  test('is read as it was written', () => {
    for (const state of [STATE, { ...STATE, reloadDue: false, commit: null }])
      assert.deepEqual(decodeJournal(encodeJournal(state), 'lb'), { ok: true, value: state })
  })

  test('is not taken for another when it is damaged, newer or not ours', () => {
    const text = encodeJournal(STATE)
    const cases: readonly (readonly [text: string, message: RegExp])[] = [
      ['', /is not a journal, or is cut off/],
      [text.slice(0, 200), /is not a journal, or is cut off/],
      ['[]', /is not a journal/],
      [text.replace('"format": 1', '"format": 2'), /newer version/],
      [text.replace('"group": "lb"', '"group": "other"'), /that of another group/],
      [text.replace('/srv/a.cfg', 'a.cfg'), /damaged at commit\.files\.0\.path/],
      [text.replace('aaaa', 'zzzz'), /damaged at commit\.files\.0\.digest/],
      [text.replace('"mode": 416', '"mode": 65535'), /damaged at commit\.files\.0\.mode/],
    ]
    for (const [damaged, message] of cases) {
      const decoded = decodeJournal(damaged, 'lb')
      assert.match(decoded.ok ? '' : decoded.message, message)
    }
  })
})
