import type { Host } from './host.ts'
import { clock, until } from '../until.ts'

/** A host took an address or let it go; `at` by the kernel's own word, in milliseconds since the epoch. */
export type AddressEvent = { readonly at: number; readonly host: string; readonly has: boolean }

export type Holding = { readonly host: string; readonly from: number; readonly to: number }

/** For documentation only: nobody has it. */
const TRIAL = '192.0.2.1/32'

/** Follows which hosts have an address on their eth0. Ends with their LAN. */
export class AddressWatch {
  readonly address: string
  readonly events: AddressEvent[] = []
  readonly #hosts: readonly Host[]

  private constructor(hosts: readonly Host[], address: string) {
    this.#hosts = hosts
    this.address = address
  }

  /** @param address without the prefix length. */
  static async start(hosts: readonly Host[], address: string): Promise<AddressWatch> {
    const watch = new AddressWatch(hosts, address)
    await Promise.all(hosts.map((host) => watch.#follow(host)))
    return watch
  }

  /** Who has it now. */
  holders(): string[] {
    return this.#hosts.map(({ name }) => name).filter((name) => this.#last(name)?.has === true)
  }

  /** Who has had it and when; what goes on ends now. */
  holdings(): Holding[] {
    return this.#hosts.flatMap(({ name }) => {
      const events = this.events.filter(({ host }) => host === name)
      return events.flatMap(({ at, has }, index) => {
        return has ? [{ host: name, from: at, to: events[index + 1]?.at ?? clock() }] : []
      })
    })
  }

  /** The longest time for which two have had it. */
  longestOverlapMs(since = 0): number {
    const all = this.holdings()
    const overlaps = all.flatMap((one) => {
      return all.filter(({ host }) => host !== one.host).map((other) => overlapMs(one, other, since))
    })
    return Math.max(0, ...overlaps)
  }

  /** Waits until one host has it and no other; which. */
  async settled(): Promise<string> {
    const one = () =>
      this.holders().length === 1 ? this.holders().join() : Promise.reject(new Error(this.holders().join()))
    return until(`one host has ${this.address}`, one, { everyMs: 5 })
  }

  /** Waits until this host has it and no other. */
  async held(by: string, { timeoutMs = 10_000 } = {}): Promise<void> {
    const is = () => {
      const holders = this.holders().join()
      if (holders !== by) throw new Error(`it is on: ${holders}`)
      return true
    }
    await until(`${by} alone has ${this.address}`, is, { timeoutMs, everyMs: 5 })
  }

  /** Waits until a host takes it or lets it go, at or after `since`; when that was. */
  async change(host: string, has: boolean, since: number, { timeoutMs = 10_000 } = {}): Promise<number> {
    const fits = (event: AddressEvent) => event.host === host && event.has === has && event.at >= since
    const what = `${host} ${has ? 'takes' : 'lets go of'} ${this.address}`
    return (await until(what, () => this.events.find(fits), { timeoutMs, everyMs: 5 })).at
  }

  #last(name: string): AddressEvent | undefined {
    return this.events.findLast(({ host }) => host === name)
  }

  async #follow(host: Host): Promise<void> {
    let heard = false
    const follow = 'TZ=UTC exec ip -ts -o monitor address dev eth0'
    const child = await host.start(`watch-${this.address}`, follow, (line) => {
      heard ||= line.includes(TRIAL)
      this.#read(host.name, line)
    })
    void child.exited.then(() => this.#note(host.name, false, clock()))
    await child.until('changes of addresses are heard', async () => {
      await host.ok(`ip address add ${TRIAL} dev eth0; ip address delete ${TRIAL} dev eth0`)
      return heard
    })
    if ((await host.ok(`ip -o address show dev eth0 to ${this.address}`)) !== '') this.#note(host.name, true, clock())
  }

  #read(host: string, line: string): void {
    const [, time = '', rest = ''] = /^\[(.*?)\] (.*)$/.exec(line) ?? []
    if (rest.includes(` inet ${this.address}/`)) this.#note(host, !rest.startsWith('Deleted '), Date.parse(`${time}Z`))
  }

  #note(host: string, has: boolean, at: number): void {
    if ((this.#last(host)?.has ?? false) !== has) this.events.push({ at, host, has })
  }
}

function overlapMs(one: Holding, other: Holding, since: number): number {
  return Math.min(one.to, other.to) - Math.max(one.from, other.from, since)
}
