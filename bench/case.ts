import type { PatroniMember } from '../test/support/patroni/member.ts'
import type { Bed, BedOptions } from './testbed.ts'

/** What is measured side by side; `cluster` is what no router can better. */
export type Subject = 'router' | 'haproxy' | 'cluster'

export type Values = Readonly<Partial<Record<Subject, number>>>

/** One line of a case's table. */
export type Figure = {
  readonly key: string
  readonly label: string
  readonly unit: 'ms' | 'count'
  /** What the router has to keep in every run; none: for information. */
  readonly must?: { readonly max: number } | { readonly min: number }
}

export type Case = {
  readonly name: string
  readonly title: string
  readonly figures: readonly Figure[]
  readonly bed: BedOptions
  /** It mostly waits, so another one of that kind may be measured beside it. */
  readonly waits: boolean
  /** One run on a healthy cluster led by `leader`. Undoes what it did to the cluster, also when it throws. */
  readonly measure: (bed: Bed, record: Recorder, leader: PatroniMember) => Promise<void>
}

/** Takes the figures of one run as they become known: a run that breaks off keeps those it has. */
export class Recorder {
  readonly values: Record<string, Values> = {}
  /** What explains them, such as failures by code. */
  readonly notes: Record<string, unknown> = {}
  /** The number of this run, from 1. */
  readonly run: number

  constructor(run: number) {
    this.run = run
  }

  set(key: string, values: Values): void {
    this.values[key] = { ...this.values[key], ...values }
  }

  note(key: string, value: unknown): void {
    this.notes[key] = value
  }
}

/** Why a value misses its must; null when it does not. */
export function missed({ label, must }: Figure, value: number): string | null {
  if (must === undefined) return null
  if ('max' in must) return value <= must.max ? null : `${label}: ${format(value)} is more than ${must.max}`
  return value >= must.min ? null : `${label}: ${format(value)} is less than ${must.min}`
}

export function format(value: number): string {
  return String(Math.round(value))
}
