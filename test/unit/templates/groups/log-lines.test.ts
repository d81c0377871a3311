import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Failure, resultLines, type Result } from '../../../../src/templates/groups/log-lines.ts'

const IN_SYNC: Result = { kind: 'in-sync' }
const KEPT: Result = { kind: 'kept', reason: 'replicas is empty' }
const failed = (changes: Partial<Failure> = {}): Failure => {
  const reason = 'the check of /etc/x exited with 1'
  return { kind: 'failed', event: 'check-failed', destination: '/etc/x', reason, output: 'a\nline 3\n', ...changes }
}

interface Row {
  readonly is: string
  readonly before: Result
  readonly after: Result
  readonly lines: readonly string[]
}

const rows: readonly Row[] = [
  { is: 'what goes on as it should', before: IN_SYNC, after: IN_SYNC, lines: [] },
  { is: 'what waits for the cluster', before: IN_SYNC, after: { kind: 'waiting', reason: 'x' }, lines: [] },
  {
    is: 'a failure that begins',
    before: IN_SYNC,
    after: failed(),
    lines: ['error check-failed: lb: the check of /etc/x exited with 1: line 3'],
  },
  {
    is: 'the same failure once more, whatever the command says',
    before: failed(),
    after: failed({ output: 'b' }),
    lines: [],
  },
  ...['/etc/.x.patroni-router-7-RANDOM.tmp', '/var/.x.json.RANDOM.tmp'].map((path): Row => {
    const [before, after] = ['34f780e58ad4', '4a41ab1a-4923-4746-a049-1292cf00c7b4'].map((random) =>
      failed({ event: 'file-failed', reason: `no space left: ${path.replace('RANDOM', random)}` }),
    )
    return { is: `the same trouble with ${path}`, before: before ?? IN_SYNC, after: after ?? IN_SYNC, lines: [] }
  }),
  {
    is: 'another failure',
    before: failed(),
    after: failed({ event: 'reload-failed', reason: 'the reload exited with 2', output: '' }),
    lines: ['error reload-failed: lb: the reload exited with 2'],
  },
  {
    is: 'a failure that is over',
    before: failed(),
    after: IN_SYNC,
    lines: ['info templates-recovered: lb: recovered after 1.5 s'],
  },
  {
    is: 'a file that is kept',
    before: IN_SYNC,
    after: KEPT,
    lines: ['info template-kept: lb: the file stays as it is: replicas is empty'],
  },
  {
    is: 'a file that is no longer kept',
    before: KEPT,
    after: IN_SYNC,
    lines: ['info templates-recovered: lb: recovered after 1.5 s'],
  },
]

for (const { is, before, after, lines } of rows) {
  test(`tells ${lines.length === 0 ? 'nothing of ' : ''}${is}`, () => {
    const logged = resultLines('lb', before, after, 1500)
    assert.deepEqual(
      logged.map(({ level, message, fields }) => `${level} ${String(fields['event'])}: ${message}`),
      lines,
    )
  })
}

test('shows no control characters of a command in a message', () => {
  const [line] = resultLines('lb', IN_SYNC, failed({ output: 'a\u001b[2J\u0007' }), 0)
  // eslint-disable-next-line no-control-regex -- they are what is looked for
  assert.doesNotMatch(line?.message ?? '', /[\u0000-\u001f]/)
})
