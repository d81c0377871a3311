import { AddressWatch } from '../../test/support/hosts/address-watch.ts'
import { Host } from '../../test/support/hosts/host.ts'
import { Lan } from '../../test/support/hosts/lan.ts'
import { PatroniHosts } from '../../test/support/hosts/patroni-hosts.ts'
import { clock } from '../../test/support/until.ts'
import { VipProbe } from '../../test/support/hosts/vip-probe.ts'
import { type Case, type Figure, medianAndWorst } from '../case.ts'
import { inOneRun, type Recorder } from '../run.ts'
import { ADDRESS, RUNS, install, signalled } from './leader-testbed.ts'

export const routerKilled: Case = {
  name: 'router-killed',
  title: 'examples/keepalived-routers: the router that has the address is killed (SIGKILL)',
  figures: figures(1_000),
  measure: inOneRun(async (record, repeats) => measure(record, repeats ?? RUNS, 'KILL')),
}

export const routerFrozen: Case = {
  name: 'router-frozen',
  title: 'examples/keepalived-routers: the router that has the address is frozen (SIGSTOP)',
  figures: figures(8_000),
  measure: inOneRun(async (record, repeats) => measure(record, repeats ?? RUNS, 'STOP')),
}

function figures(maxMs: number): readonly Figure[] {
  return [
    ...medianAndWorst('taken', 'failure → address on the other host', maxMs),
    ...medianAndWorst('served', 'failure → first client served by the other router'),
  ]
}

async function measure(record: Recorder, runs: number, signal: 'KILL' | 'STOP'): Promise<void> {
  await using lan = await Lan.create()
  const boot = (n: number) => Host.boot(lan, { name: `router${n}`, address: `10.0.0.1${n}/24` })
  const [cluster, one, other] = await Promise.all([PatroniHosts.start(lan), boot(1), boot(2)])
  const routers = [one, other]
  const watch = await AddressWatch.start(routers, ADDRESS)
  for (const router of routers) await install(router, 'keepalived-routers')
  const probe = await VipProbe.start(cluster, { port: 5000, everyMs: 50 })
  const leader = await cluster.waitHealthy()
  for (let run = 1; run <= runs; run++) {
    const holder = await watch.settled()
    for (const router of routers) await router.ok('until patroni-router track primary; do sleep 0.1; done')
    await probe.served(leader.name, clock())
    const [from, to] = one.name === holder ? [one, other] : [other, one]
    const at = await signalled(from, 'patroni-router', signal)
    const has = await watch.change(to.name, true, at, { timeoutMs: 30_000 })
    record.add('taken', has - at)
    record.add('served', (await probe.served(leader.name, has)).at - at)
    if (signal === 'STOP') await signalled(from, 'patroni-router', 'CONT')
    record.progress(`run ${run}: taken after ${Math.round(has - at)} ms`)
  }
}
