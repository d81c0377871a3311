/**
 * Runs the pure machine of the primary: keeps its state, numbers its epochs, and lets it tick when time may change
 * something.
 */
import { isDeepStrictEqual } from 'node:util'
import { MAX_TIMER_MS, now } from '../../clock.ts'
import type { ClusterConfig } from '../../config/config.ts'
import {
  initialPrimary,
  memberOf,
  nextTickAt,
  type PrimaryEvent,
  type PrimaryMachine,
  type RememberedPrimary,
} from './machine.ts'
import { nextPrimary } from './next-primary.ts'

/**
 * Numbers the epochs of a process: no two are the same, of whichever watcher they are. So a fence of one watcher is
 * never mistaken for that of another.
 */
export class Epochs {
  #next = 0

  next(): number {
    return this.#next++
  }
}

/** What a step has changed. */
export interface StepTaken {
  /** The open member and the reason are unchanged: it is about another member. */
  readonly isAside: boolean
  /** What has served so far, which an earlier run may have left. */
  readonly hasServed: boolean
}

type Check = ClusterConfig['proxy']['check']

export class RunningMachine {
  readonly #epochs: Epochs
  readonly #onTick: () => void
  #check: Check
  #machine: PrimaryMachine
  #tick: NodeJS.Timeout | null = null

  /** Runs nothing yet. `onTick` is to take a step with a `tick`. */
  constructor(check: Check, epochs: Epochs, onTick: () => void) {
    this.#check = check
    this.#epochs = epochs
    this.#onTick = onTick
    this.#machine = { ...initialPrimary(check.fall, now(), null, leastProofMs(check)), epoch: epochs.next() }
  }

  get state(): PrimaryMachine {
    return this.#machine
  }

  /** Begins again with what an earlier run has left; nothing has been opened yet. */
  recall(remembered: RememberedPrimary): void {
    const { since, epoch } = this.#machine
    this.#machine = { ...initialPrimary(this.#check.fall, since, remembered, leastProofMs(this.#check)), epoch }
  }

  reconfigure(check: Check): void {
    this.#check = check
    this.#machine = { ...this.#machine, fall: check.fall, leastProofMs: leastProofMs(check) }
  }

  /** Takes the next event. `isQuiet`: what `event` says of the members is no reason to act at once. */
  step(event: PrimaryEvent, isQuiet = false): StepTaken {
    const at = now()
    const before = this.#machine
    const next = nextPrimary(before, event, at)
    this.#machine = next.epoch === before.epoch ? next : { ...next, epoch: this.#epochs.next() }
    this.close()
    const tickAt = nextTickAt(next, at)
    if (tickAt !== null) this.#tick = setTimeout(this.#onTick, Math.min(tickAt - at + 1, MAX_TIMER_MS))
    return { isAside: isAside(event, before, next, isQuiet), hasServed: before.served !== next.served }
  }

  /** Ends the ticks; until the next step. */
  close(): void {
    if (this.#tick !== null) clearTimeout(this.#tick)
    this.#tick = null
  }
}

/**
 * Returns the least life of a proof: it outlives as many questions as may stay without an answer, however seldom they
 * are.
 */
function leastProofMs({ fall, intervalMs, timeoutMs }: Check): number {
  return fall * (intervalMs + timeoutMs)
}

function isAside(
  event: PrimaryEvent,
  before: PrimaryMachine,
  { phase, epoch, restores }: PrimaryMachine,
  isQuiet: boolean,
): boolean {
  const isOfAnother =
    (event.type === 'rest' || event.type === 'postgres' || event.type === 'moved') && event.member !== memberOf(phase)
  if (!isOfAnother && !isQuiet) return false
  return epoch === before.epoch && restores === before.restores && isDeepStrictEqual(phase, before.phase)
}
