import { setTimeout as sleep } from 'node:timers/promises'
import type { WatchLog } from '../../test/support/watch-log.ts'
import { FakeMember, SYSTEM_ID } from '../../test/integration/watcher/fake-member.ts'
import { clock, until } from '../../test/support/until.ts'
import { groupsOf, reloads, TemplateTestbed } from './testbed.ts'
import type { Case, Figure, Target } from '../case.ts'
import { inOneRun, type Recorder } from '../run.ts'

const PREFIX = '/service/demo/'
const CHANGES = 50
/** So that every change finds the router at rest, and not always at the same point of its timers. */
const REST_MS = 400
/** From the change to the reload's beginning. Milliseconds. */
const MOST_MS = 50

type Who = 'leader' | 'primary'

/**
 * The leader key is put with another name repeatedly: until the reload of a template that names the leader, and then
 * of one that names the primary, which has to be confirmed first. A bare watch of the same etcd runs beside the router.
 */
export const leader: Case = {
  name: 'leader',
  title: 'leader changes, real etcd',
  figures: [
    ...figures('leader', 'template with `leader`', { max: MOST_MS }),
    ...figures('primary', 'template with `primary`, including its check'),
  ],
  measure: inOneRun(async (record, repeats) => {
    for (const who of ['leader', 'primary'] as const) {
      await series(who, repeats ?? CHANGES, record)
      record.progress(`${repeats ?? CHANGES} changes with \`${who}\``)
    }
  }),
}

function figures(who: Who, what: string, target?: Target): readonly Figure[] {
  const [event, reload] = [`${who}-event`, `${who}-reload`]
  const watched = 'leader key written → event in a bare watch'
  const begun = `leader key written → start of the reload, ${what}`
  return [
    { key: event, label: `${watched}, p50`, unit: 'ms', of: 'median' },
    { key: event, label: `${watched}, p99`, unit: 'ms', of: 'p99' },
    { key: reload, label: `${begun}, p50`, unit: 'ms', of: 'median' },
    { key: reload, label: `${begun}, p99`, unit: 'ms', of: 'p99', ...(target === undefined ? {} : { target }) },
  ]
}

/** Records the milliseconds from each put; of the reload without the time of the check. */
async function series(who: Who, changes: number, record: Recorder): Promise<void> {
  await using testbed = await TemplateTestbed.start()
  const { client } = testbed.etcd
  const members = [await FakeMember.start('pg0', 'primary'), await FakeMember.start('pg1', 'replica')] as const
  for (const member of members) await client.put(`${PREFIX}members/${testbed.use(member).name}`, member.key())
  await client.put(`${PREFIX}initialize`, SYSTEM_ID)
  await client.put(`${PREFIX}leader`, 'pg0')
  const text = `* = host={{${who}.host}} port={{${who}.port}}\n`
  const router = await testbed.router({ file: { text, more: { check: ['/usr/sbin/haproxy', '-v'] } } })
  await until('the file is there', () => reloads(router).length === 1)
  const watch = testbed.use(disposable(await client.watch(PREFIX)))
  for (let change = 1; change <= changes; change++) {
    await sleep(REST_MS + Math.random() * REST_MS)
    const [from, to] = change % 2 === 1 ? members : [members[1], members[0]]
    from.mode = 'replica'
    to.mode = 'primary'
    to.timeline = change + 1
    const line = router.log.length
    const at = clock()
    await client.put(`${PREFIX}leader`, to.name)
    const begun = await until('it is reloaded', () => reloads(router, line)[0])
    const event = await until('the watch shows it', () =>
      watch.log.find((one) => one.key === `${PREFIX}leader` && one.value === to.name && one.at >= at),
    )
    const { check } = (await groupsOf(router)).get(testbed.destination('file'))?.templates[0] ?? {}
    if (check === undefined || check === null) throw new Error('it was not checked')
    record.add(`${who}-event`, event.at - at)
    record.add(`${who}-reload`, begun.at - at - check.durationMs)
  }
}

function disposable(log: WatchLog): AsyncDisposable & { readonly log: WatchLog } {
  return { log, [Symbol.asyncDispose]: () => log.close() }
}
