import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { clock, until } from '../../test/support/until.ts'
import { groupsOf, reloads, TemplateTestbed } from './testbed.ts'
import type { Case } from '../case.ts'
import { inOneRun } from '../run.ts'

const PREFIX = '/service/demo/'
const CHANGES = 200
const DURATION_MS = 2_000
/** With `debounce: {min: 200ms, max: 2s}`: one at the end of the 2 s, and one for what came after that. */
const ALLOWED = 2

/** Member keys change faster than files should. */
export const burst: Case = {
  name: 'burst',
  title: `${CHANGES} changes in ${DURATION_MS / 1000} s, the default debounce`,
  figures: [
    { key: 'reloads', label: 'reloads', unit: 'count', target: { max: ALLOWED } },
    { key: 'missing', label: 'states missing from the file at the end', unit: 'count', target: { max: 0 } },
    { key: 'renders', label: 'renders', unit: 'count' },
  ],
  measure: inOneRun(async (record) => {
    await using testbed = await TemplateTestbed.start()
    const { client } = testbed.etcd
    const put = (name: string, port: number): Promise<number> =>
      client.put(
        `${PREFIX}members/${name}`,
        JSON.stringify({ conn_url: `postgres://10.0.0.1:${port}/postgres`, state: 'running', role: 'replica' }),
      )
    for (const name of ['pg0', 'pg1', 'pg2']) await put(name, 1)
    const text = '{{#each members}}{{name}} {{port}}\n{{/each}}'
    const router = await testbed.router({ members: { text } })
    await until('the file is there', () => reloads(router).length > 0)
    const before = reloads(router).length
    const began = clock()
    for (let change = 1; change <= CHANGES; change++) {
      await put(`pg${change % 3}`, 1_000 + change)
      await sleep(Math.max(0, began + (change * DURATION_MS) / CHANGES - clock()))
    }
    const tookMs = clock() - began
    record.progress(`${CHANGES} changes in ${tookMs.toFixed(0)} ms`)
    const expected = [`pg0 ${1_000 + 198}`, `pg1 ${1_000 + 199}`, `pg2 ${1_000 + 200}`, ''].join('\n')
    const file = testbed.destination('members')
    await until('the last state is in the file', () => readFileSync(file, 'utf8') === expected)
    // Whatever else would come, comes in that time.
    await sleep(3_000)
    const last = readFileSync(file, 'utf8') === expected
    const groups = await groupsOf(router)
    record.add('reloads', reloads(router).length - before)
    record.add('missing', last ? 0 : 1)
    record.add('renders', groups.get(file)?.templates[0]?.renders ?? NaN)
  }),
}
