import { setTimeout as sleep } from 'node:timers/promises'
import { AddressWatch } from '../../test/support/hosts/address-watch.ts'
import type { Host } from '../../test/support/hosts/host.ts'
import { Lan } from '../../test/support/hosts/lan.ts'
import { PatroniHosts } from '../../test/support/hosts/patroni-hosts.ts'
import { walk } from '../../test/support/hosts/readme.ts'
import type { LogLine } from '../../test/support/router/process.ts'
import { clock, until } from '../../test/support/until.ts'
import { VipProbe } from '../../test/support/hosts/vip-probe.ts'

export const ADDRESS = '10.0.0.100'
export const RUNS = 10
/** So that a run finds everything at rest, and not always at the same point of its timers. */
const REST_MS = 2_000

/** Three hosts on which examples/keepalived-leader was installed by its README. */
export class LeaderTestbed implements AsyncDisposable {
  readonly cluster: PatroniHosts
  readonly watch: AddressWatch
  readonly probe: VipProbe
  readonly #lan: Lan

  private constructor(lan: Lan, cluster: PatroniHosts, watch: AddressWatch, probe: VipProbe) {
    this.#lan = lan
    this.cluster = cluster
    this.watch = watch
    this.probe = probe
  }

  static async start(): Promise<LeaderTestbed> {
    await using stack = new AsyncDisposableStack()
    const lan = stack.use(await Lan.create())
    const cluster = await PatroniHosts.start(lan)
    const watch = await AddressWatch.start(cluster.hosts, ADDRESS)
    await Promise.all(cluster.hosts.map((host) => install(host, 'keepalived-leader')))
    const testbed = new LeaderTestbed(lan, cluster, watch, await VipProbe.start(cluster, { everyMs: 25 }))
    await testbed.settle()
    stack.move()
    return testbed
  }

  /** Waits until all is well and then a while; the leader's host. */
  async settle(): Promise<Host> {
    const leader = await this.cluster.waitHealthy()
    await this.watch.held(leader.name)
    await this.probe.served(leader.name, clock())
    await sleep(REST_MS + Math.random() * REST_MS)
    return leader
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lan[Symbol.asyncDispose]()
  }
}

/** Installs an example by its README. */
export async function install(host: Host, example: string): Promise<void> {
  await walk(host, example, 'Steps')
}

/** Waits until the router on a host has logged an event of a member, at or after `since`, and returns when that was. */
export async function logged(host: Host, event: string, member: string, since: number): Promise<number> {
  return until(`the router on ${host.name} logs ${event} of ${member}`, async () => {
    const text = await host.ok('journalctl --output=cat --no-pager --lines=50 -u patroni-router')
    const lines = text.split('\n').filter((line) => line.startsWith('{'))
    const entries = lines.map((line) => JSON.parse(line) as Omit<LogLine, 'time'> & { readonly time: string })
    const found = entries.find((entry) => {
      return entry['event'] === event && entry['member'] === member && Date.parse(entry.time) >= since
    })
    return found && Date.parse(found.time)
  })
}

/** Sends a signal to the main process of a unit, and returns when that was. */
export async function signalled(host: Host, unit: string, signal: 'KILL' | 'STOP' | 'CONT'): Promise<number> {
  const pid = (await host.ok(`systemctl show --property=MainPID --value ${unit}`)).trim()
  return Number(await host.ok(`date +%s%3N; kill -s ${signal} ${pid}`))
}
