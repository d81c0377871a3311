import { setTimeout as sleep } from 'node:timers/promises'
import { FakeMember, SYSTEM_ID } from '../../test/integration/watcher/fake-member.ts'
import { type LogLine, RouterProcess } from '../../test/support/router/process.ts'
import { clock, until } from '../../test/support/until.ts'
import type { WatchLog } from '../../test/support/watch-log.ts'
import type { Case, Figure } from '../case.ts'
import { inOneRun, type Recorder } from '../run.ts'
import { INSTALLED_MAIN } from '../sizing/installed-router.ts'
import { remarksOf } from './remarks.ts'
import { type RunningSource, type Source, SOURCES } from './sources.ts'

const PUTS = 200
/** So that every put finds the routers at rest, and not always at the same point of their timers. */
const REST_MS = 400
/** From the event to `open`. Milliseconds. */
const MOST_MS = 50

/**
 * The leader key of two members that confirm it at once is put with the other name repeatedly, on each DCS in turn, until
 * the installed router logs that the primary is open. A bare watch of the same server runs beside the router.
 */
export const putToOpen: Case = {
  name: 'put-to-open',
  title: 'another leader, confirmed at once: leader key written → primary open',
  figures: SOURCES.flatMap(figures),
  measure: inOneRun(async (record, repeats) => {
    await using stack = new AsyncDisposableStack()
    const scenes: Scene[] = []
    for (const source of SOURCES) scenes.push(await sceneOf(source, stack, record))
    const puts = repeats ?? PUTS
    for (let put = 1; put <= puts; put++) {
      await sleep(REST_MS + Math.random() * REST_MS)
      const first = put % scenes.length
      for (const scene of [...scenes.slice(first), ...scenes.slice(0, first)]) await change(scene, put, record)
      if (put % 50 === 0) record.progress(`${put} puts`)
    }
  }),
}

interface Scene extends RunningSource {
  readonly source: Source
  /** Such as `/service/demo/leader`. */
  readonly leaderKey: string
  readonly members: readonly [FakeMember, FakeMember]
  readonly watch: WatchLog
  readonly router: RouterProcess
}

function figures({ key, title }: Source): readonly Figure[] {
  const twice = (moment: string, label: string): readonly Figure[] => [
    { key: `${key}-${moment}`, label: `${title}: leader key written → ${label}, p50`, unit: 'ms', of: 'median' },
    { key: `${key}-${moment}`, label: `${title}: leader key written → ${label}, p99`, unit: 'ms', of: 'p99' },
  ]
  const label = `${title}: event in the bare watch → \`open\`, p99`
  return [
    ...twice('event', 'event in a bare watch'),
    ...twice('seen', 'the router logs the leader'),
    ...twice('open', '`open`'),
    { key: `${key}-beyond`, label, unit: 'ms', of: 'p99', target: { max: MOST_MS } },
  ]
}

async function sceneOf(source: Source, stack: AsyncDisposableStack, record: Recorder): Promise<Scene> {
  const running = await source.start()
  const { dcs, put } = running
  stack.use(dcs)
  for (const remark of await remarksOf(dcs)) record.remark(remark)
  const { namespace = 'service' } = dcs
  const prefix = `/${namespace}/demo/`
  const leaderKey = `${prefix}leader`
  const members = [await FakeMember.start('pg0', 'primary'), await FakeMember.start('pg1', 'replica')] as const
  for (const member of members) await put(`${prefix}members/${stack.use(member).name}`, member.key())
  await put(`${prefix}initialize`, SYSTEM_ID)
  await put(leaderKey, 'pg0')
  const watch = stack.adopt(await dcs.watch(prefix), (log) => log.close())
  const config = { scope: 'demo', namespace, [dcs.name]: dcs.section() }
  const router = stack.use(await RouterProcess.start({ config, env: dcs.env?.() ?? {}, main: INSTALLED_MAIN }))
  await router.waitForLog('that the primary is open', ({ event }) => event === 'primary-open')
  return { ...running, source, leaderKey, members, watch, router }
}

/** Records the milliseconds from the put, and from the event in the bare watch. */
async function change(
  { source, leaderKey, members, watch, router, put }: Scene,
  number: number,
  record: Recorder,
): Promise<void> {
  const [from, to] = number % 2 === 1 ? members : [members[1], members[0]]
  from.mode = 'replica'
  to.mode = 'primary'
  to.timeline = number + 1
  const line = router.log.length
  const at = clock()
  await put(leaderKey, to.name)
  const isPut = ({ key, value }: { key: string; value: string }): boolean => key === leaderKey && value === to.name
  const logged = (name: string, fits: (line: LogLine) => boolean): Promise<LogLine> =>
    router.waitForLog(name, (one) => one['event'] === name && fits(one), { from: line })
  const [seen, open, event] = await Promise.all([
    logged('leader-changed', (one) => one['to'] === to.name),
    logged('primary-open', (one) => one['member'] === to.name),
    until('the bare watch has it', () => watch.find(isPut, at)),
  ])
  record.add(`${source.key}-event`, event.at - at)
  record.add(`${source.key}-seen`, seen.time - at)
  record.add(`${source.key}-open`, open.time - at)
  record.add(`${source.key}-beyond`, open.time - event.at)
}
