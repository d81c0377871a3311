/** Chooses one of several targets. */
import type { Balance } from '../config/config.ts'
import { explain } from '../errors.ts'
import type { Target } from './route.ts'

/** One listener's choice. It sees the load that the listener puts on each target: by `joined` and `ended`. */
export interface Balancer {
  /** Chooses one of `targets`, of which there is at least one. */
  pick(targets: readonly Target[]): Target
  /** Notes a session that has begun on `target`. */
  joined(target: Target): void
  /** Notes the end of a session that has been noted. */
  ended(target: Target): void
}

/** Every way to balance that can be configured. */
export const BALANCERS: Readonly<Record<Balance, () => Balancer>> = {
  roundrobin: () => new RoundRobin(),
}

class RoundRobin implements Balancer {
  #last: string | null = null

  pick(targets: readonly Target[]): Target {
    const target = roundRobin(targets, this.#last)
    if (target === null) throw new RangeError('there is no target to choose')
    this.#last = target.member
    return target
  }

  joined(): void {
    // Every target has its turn, whatever its load.
  }

  ended(): void {
    // As above.
  }
}

/** Returns the first target after `last` in the order of names, whatever has come or gone since. */
export function roundRobin(targets: readonly Target[], last: string | null): Target | null {
  let first: Target | null = null
  let next: Target | null = null
  for (const target of targets) {
    if (first === null || target.member < first.member) first = target
    if (last !== null && target.member > last && (next === null || target.member < next.member)) next = target
  }
  return next ?? first
}

/** Keeps the faults of a balancer from the clients: where it does not choose a target, the first one is used. */
export class SafeBalancer {
  #balancer: Balancer
  readonly #failed: (reason: string) => void
  #hasFailed = false

  /** `failed`: called with the first fault. */
  constructor(balancer: Balancer, failed: (reason: string) => void) {
    this.#balancer = balancer
    this.#failed = failed
  }

  /** Replaces the balancer; the next one is notified of the `sessions` that exist. */
  replace(balancer: Balancer, sessions: readonly Target[]): void {
    this.#balancer = balancer
    this.#hasFailed = false
    for (const target of sessions) this.joined(target)
  }

  /** Chooses one of `targets`; null: there is none. */
  pick(targets: readonly Target[]): Target | null {
    const [first] = targets
    if (first === undefined) return null
    let picked: unknown = null
    this.#try(() => {
      picked = this.#balancer.pick(targets)
      if (!targets.some((target) => target === picked)) throw new TypeError('it chose none of the targets')
    })
    return targets.find((target) => target === picked) ?? first
  }

  joined(target: Target): void {
    this.#try(() => this.#balancer.joined(target))
  }

  ended(target: Target): void {
    this.#try(() => this.#balancer.ended(target))
  }

  #try(call: () => void): void {
    try {
      call()
    } catch (error) {
      if (!this.#hasFailed) this.#failed(explain(error))
      this.#hasFailed = true
    }
  }
}
