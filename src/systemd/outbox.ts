/** What is still to be sent to systemd. It never grows: what is newer replaces what it makes obsolete. Pure. */
import type { Message, Phase } from './message.ts'

export interface Outbox {
  /** In their order, two at most: a reload, and its end. */
  readonly phases: readonly Phase[]
  readonly status: string | null
  readonly ping: boolean
}

export const EMPTY: Outbox = { phases: [], status: null, ping: false }

/**
 * Adds a phase. A reload stands for the phases before it, since `ready` follows it; `stopping` stands for all, and nothing
 * follows it.
 */
export function withPhase(outbox: Outbox, phase: Phase): Outbox {
  const last = outbox.phases.at(-1)?.type
  if (last === 'stopping' || (last === 'ready' && phase.type === 'ready')) return outbox
  return { ...outbox, phases: phase.type === 'ready' ? [...outbox.phases, phase] : [phase] }
}

/** Returns the next message and what is left after it; null: there is nothing to send. */
export function take({ phases, status, ping }: Outbox): { readonly message: Message; readonly rest: Outbox } | null {
  const [phase = null, ...later] = phases
  if (phase === null && status === null && !ping) return null
  return { message: { phase, status, ping }, rest: { ...EMPTY, phases: later } }
}

/** Puts a message back that did not reach systemd, unless what came after it makes it obsolete. */
export function putBack(outbox: Outbox, { phase, status, ping }: Message): Outbox {
  const later = phase === null ? outbox.phases : outbox.phases.reduce(withPhase, withPhase(EMPTY, phase)).phases
  return { phases: later, status: outbox.status ?? status, ping: outbox.ping || ping }
}
