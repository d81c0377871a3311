import { setTimeout as sleep } from 'node:timers/promises'
import type { WatchLog } from '../../test/support/etcd/client.ts'
import { FakeMember, SYSTEM_ID } from '../../test/integration/watcher/fake-member.ts'
import { clock, until } from '../../test/support/until.ts'
import { groupsOf, reloads, TemplateBed } from './testbed.ts'
import { type Case, type Figure, percentile } from '../figures.ts'

const PREFIX = '/service/demo/'
const CHANGES = 50
/** So that every change finds the router at rest, and not always at the same point of its timers. */
const REST_MS = 400
/** From the change to the reload's beginning. Milliseconds. */
const MOST_MS = 50

type Who = 'leader' | 'primary'
type Times = { readonly event: readonly number[]; readonly reload: readonly number[] }

/**
 * The leader key is put with another name, over and over: until the reload of a template that names the leader, and then
 * of one that names the primary, who has to prove itself first. Beside the router a bare watch of the same etcd.
 */
export const leader: Case = {
  name: 'leader',
  title: 'leader changes, real etcd',
  async measure(runs, progress) {
    const figures: Figure[] = []
    for (const who of ['leader', 'primary'] as const) {
      const { event, reload } = await series(who, runs ?? CHANGES)
      progress(`${runs ?? CHANGES} changes with \`${who}\``)
      const what = who === 'leader' ? 'template with `leader`' : 'template with `primary`, its proof included'
      const must = who === 'leader' ? { max: MOST_MS } : null
      figures.push(
        { label: 'put to the event in a bare watch, p50', value: percentile(event, 0.5), unit: 'ms', must: null },
        { label: 'put to the event in a bare watch, p99', value: percentile(event, 0.99), unit: 'ms', must: null },
        { label: `put to reload begun, ${what}, p50`, value: percentile(reload, 0.5), unit: 'ms', must: null },
        { label: `put to reload begun, ${what}, p99`, value: percentile(reload, 0.99), unit: 'ms', must },
      )
    }
    return figures
  },
}

/** Milliseconds from each put; of the reload without the time of the check. */
async function series(who: Who, changes: number): Promise<Times> {
  await using bed = await TemplateBed.start()
  const { client } = bed.etcd
  const members = [await FakeMember.start('pg0', 'primary'), await FakeMember.start('pg1', 'replica')] as const
  for (const member of members) await client.put(`${PREFIX}members/${bed.use(member).name}`, member.key())
  await client.put(`${PREFIX}initialize`, SYSTEM_ID)
  await client.put(`${PREFIX}leader`, 'pg0')
  const text = `* = host={{${who}.host}} port={{${who}.port}}\n`
  const router = await bed.router({ file: { text, more: { check: ['/usr/sbin/haproxy', '-v'] } } })
  await until('the file is there', () => reloads(router).length === 1)
  const watch = bed.use(disposable(await client.watch(PREFIX)))
  const times = { event: [] as number[], reload: [] as number[] }
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
    const { check } = (await groupsOf(router)).get(bed.destination('file'))?.templates[0] ?? {}
    if (check === undefined || check === null) throw new Error('it was not checked')
    times.event.push(event.at - at)
    times.reload.push(begun.at - at - check.durationMs)
  }
  return times
}

function disposable(log: WatchLog): AsyncDisposable & { readonly log: WatchLog } {
  return { log, [Symbol.asyncDispose]: () => log.close() }
}
