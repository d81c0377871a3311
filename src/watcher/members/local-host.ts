/** The members that the configuration puts on this host, compared with those of the cluster whenever these change. */
import { networkInterfaces } from 'node:os'
import { isDeepStrictEqual } from 'node:util'
import type { DcsNotice } from '../dcs/dcs.ts'
import { localNotice } from './local-member.ts'
import type { Member } from './member.ts'

export interface LocalHostOptions {
  /** What the configuration calls them. */
  readonly names: readonly string[]
  /** The addresses of a host name; rejects where it has none, or where it cannot be resolved. */
  readonly resolve: (host: string) => Promise<readonly string[]>
  /** The addresses of this host. */
  readonly own?: () => readonly string[]
}

type LocalCandidate = Pick<Member, 'name' | 'host'>

export class LocalHost {
  readonly #options: LocalHostOptions
  #members: readonly LocalCandidate[] = []
  #notices: readonly DcsNotice[] = []

  constructor(options: LocalHostOptions) {
    this.#options = options
  }

  /** Returns what was found. */
  get notices(): readonly DcsNotice[] {
    return this.#notices
  }

  /** Looks at the members; `changed` is called when the notices are other ones. Never throws. */
  look(members: readonly LocalCandidate[], changed: () => void): void {
    this.#members = members
    if (this.#options.names.length > 0) void this.#look(members, changed)
  }

  async #look(members: readonly LocalCandidate[], changed: () => void): Promise<void> {
    const { names, own = ownAddresses } = this.#options
    const each = await Promise.all(
      names.map(async (name) => localNotice(name, members, await this.#addressesOf(name, members), own())),
    )
    const notices = each.filter((notice) => notice !== null)
    // A name can take its time: what is known by then counts.
    if (members !== this.#members || isDeepStrictEqual(notices, this.#notices)) return
    this.#notices = notices
    changed()
  }

  async #addressesOf(name: string, members: readonly LocalCandidate[]): Promise<readonly string[]> {
    const host = members.find((member) => member.name === name)?.host ?? null
    if (host === null) return []
    // Of a name that cannot be resolved nothing is known.
    return this.#options.resolve(host).catch(() => [])
  }
}

/** Returns the addresses of all interfaces that are up. */
export function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((each) => each?.map(({ address }) => address) ?? [])
}
