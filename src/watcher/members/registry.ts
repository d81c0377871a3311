/**
 * What the watcher has on each member: what its key said last, whether it may serve readers, and where its names
 * resolve to. Holds data and has no effects. Everything about a member is dropped together with it.
 */
import type { ProxyConfig } from '../../config/config.ts'
import type { Cluster } from '../cluster.ts'
import type { DcsNotice } from '../dcs/dcs.ts'
import type { DcsFacts } from '../primary/machine.ts'
import { type Address, isSameAddress } from '../view.ts'
import { afterSnapshot, type Fitness, UNKNOWN_FITNESS } from './fitness.ts'
import {
  addressOf,
  factsOf,
  isSameButPositions,
  type KnownMember,
  type KnownMembers,
  recalled,
  remember,
  serving,
  whereabouts,
} from './known-members.ts'
import { hasMovedFrom, isSamePin, NO_PIN, type Pin, type Pins, placeOf } from './pins.ts'

export class MemberRegistry {
  /** By which of its URLs a member is dialled. */
  #dialled: ProxyConfig['address']
  #known: KnownMembers = new Map()
  #fitness: Map<string, Fitness> = new Map()
  #pins: Map<string, Pin> = new Map()
  #strayed: ReadonlyMap<string, DcsNotice> = new Map()

  constructor(dialled: ProxyConfig['address']) {
    this.#dialled = dialled
  }

  get known(): KnownMembers {
    return this.#known
  }

  get fitness(): ReadonlyMap<string, Fitness> {
    return this.#fitness
  }

  get pins(): Pins {
    return this.#pins
  }

  /** Returns the names of members that lead elsewhere than to the address in use. */
  get notices(): readonly DcsNotice[] {
    return [...this.#strayed.values()]
  }

  pinOf(name: string): Pin {
    return this.#pins.get(name) ?? NO_PIN
  }

  fitnessOf(name: string): Fitness {
    return this.#fitness.get(name) ?? UNKNOWN_FITNESS
  }

  /** Returns where a member is dialled now; null: nowhere, or it is not known. */
  placeOf(name: string): Address | null {
    const member = this.#known.get(name)?.member
    return member === undefined ? null : placeOf(addressOf(member, this.#dialled), this.#pins.get(name))
  }

  /** Returns all that makes the address of a member, as the primary's machine compares it. */
  whereaboutsOf(name: string): string | null {
    const member = this.#known.get(name)?.member
    return member === undefined ? null : whereabouts(member, this.#dialled, this.#pins.get(name))
  }

  /** Returns the part of a snapshot that the primary's machine decides by; `before`: of the last one. */
  factsOf(cluster: Cluster, before: DcsFacts | null = null): DcsFacts {
    return factsOf(cluster, this.#known, this.#dialled, this.#pins, before)
  }

  /** Takes what an earlier run has left: the members to check, and their addresses. */
  recall(members: readonly KnownMember[], pins: Pins): void {
    this.#known = recalled(members)
    this.#pins = new Map(pins)
  }

  /**
   * Takes a snapshot of the DCS. `before`: the facts of the last one; `needed`: the members that must be kept. Returns
   * whether more of the members has changed than how far each has come.
   */
  observe(cluster: Cluster, before: DcsFacts, needed: string | null, now: number): boolean {
    const known = this.#known
    this.#known = remember(known, cluster, needed, now)
    this.#fitness = afterSnapshot(this.#fitness, { known, facts: before }, { known: this.#known, facts: cluster })
    this.#pins = this.#ofKnown(this.#pins)
    this.#strayed = this.#ofKnown(this.#strayed)
    return !isSameButPositions(known, this.#known)
  }

  /** Takes what was found out about a member as a reader. Returns whether it is known. */
  changeFitness(name: string, change: (fitness: Fitness) => Fitness): boolean {
    if (!this.#known.has(name)) return false
    const fitness = change(this.fitnessOf(name))
    // Not copied: of very many members each has its answers.
    this.#fitness.set(name, fitness)
    if (fitness.rest === 'fit') this.#known = serving(this.#known, name)
    return true
  }

  /**
   * Takes what the names of a member lead to. Returns whether that is another place: a member that is at another one is
   * another member, that has shown nothing of itself.
   */
  pin(name: string, pin: Pin): boolean {
    const before = this.pinOf(name)
    if (!this.#known.has(name) || isSamePin(before, pin)) return false
    this.#pins.set(name, pin)
    if (hasMovedFrom(before, pin)) this.#fitness.delete(name)
    return true
  }

  /** Takes whether one of a member's names leads elsewhere. Returns whether that is news. */
  stray(name: string, notice: DcsNotice | null): boolean {
    if (!this.#known.has(name) || notice?.message === this.#strayed.get(name)?.message) return false
    const others = without(this.#strayed, name)
    this.#strayed = notice === null ? others : new Map([...others, [name, notice]])
    return true
  }

  /**
   * Connects by another of the URLs from now on. Findings at one address say nothing about another; answers of the REST API count for
   * both.
   */
  dialBy(dialled: ProxyConfig['address']): void {
    const stays = ({ member }: KnownMember): boolean =>
      isSameAddress(addressOf(member, this.#dialled), addressOf(member, dialled))
    for (const [name, known] of this.#known)
      if (!stays(known)) this.changeFitness(name, (fitness) => ({ ...fitness, postgresDown: null }))
    this.#dialled = dialled
  }

  #ofKnown<T>(byMember: ReadonlyMap<string, T>): Map<string, T> {
    return new Map([...byMember].filter(([name]) => this.#known.has(name)))
  }
}

function without<T>(byMember: ReadonlyMap<string, T>, name: string): ReadonlyMap<string, T> {
  return new Map([...byMember].filter(([other]) => other !== name))
}
