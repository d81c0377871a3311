/** What templates ask of the DNS and of the file system: looked up beforehand, kept, and looked up again. */
import { resolveSrv } from 'node:dns/promises'
import { stat } from 'node:fs/promises'
import { isIPv4, isIPv6 } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf, failureOf, isAbsent } from '../errors.ts'
import type { Lookups } from '../names/lookups.ts'
import type { Answer, LookupAnswers, Question } from './engine/template.ts'

/** Where the answers come from. */
export interface LookupSources {
  /** Looks up addresses as getaddrinfo does, so that /etc/hosts counts. */
  addresses(host: string): Promise<readonly string[]>
  services(name: string): Promise<readonly ServiceRecord[]>
  /** Fails where it is not known whether there is such a file. */
  exists(path: string): Promise<boolean>
}

export interface ServiceRecord {
  readonly name: string
  readonly port: number
  readonly priority: number
  readonly weight: number
}

/** Names may come from keys, without end: the oldest lookup is forgotten first. */
const MOST_QUESTIONS = 10_000
/** So many times an unused answer is looked up again: a look that was missed does not lose the last good answer. */
const FORGOTTEN_AFTER = 10
/** What no name of a host holds, and what would deceive the reader of an answer. */
const NO_NAME = /[\p{Cc}\p{Cf}\p{Cs}\s"'`\\/]/u
const LONGEST_NAME = 253

/** The answers known so far. Starts nothing by itself. */
export class LookupCache {
  readonly #timeoutMs: number
  readonly #sources: LookupSources
  #answers: ReadonlyMap<string, Known> = new Map()
  /** The answers that were used since all were looked up last. */
  readonly #wanted = new Set<string>()
  /** A lookup that hangs is waited for again, not put a second time. */
  readonly #underWay = new Map<string, Promise<Answer>>()

  /** `timeoutMs`: for one answer. */
  constructor(sources: LookupSources, timeoutMs = 5_000) {
    this.#timeoutMs = timeoutMs
    this.#sources = sources
  }

  /** Returns the answers as they are now: later answers are in later ones. */
  get answers(): LookupAnswers {
    const answers = this.#answers
    return {
      answerTo: (question) => {
        const key = keyOf(question)
        this.#wanted.add(key)
        return answers.get(key)?.answer ?? null
      },
    }
  }

  /** Finds out what has no good answer yet. Resolves after the time for one answer at most; never rejects. */
  async answer(questions: readonly Question[], signal: AbortSignal): Promise<void> {
    await this.#ask(
      questions.filter((question) => this.#answers.get(keyOf(question))?.answer.ok !== true),
      signal,
    )
  }

  /**
   * Asks everything again, but for what has not been used for {@link FORGOTTEN_AFTER} times. Where that fails, a
   * good answer stays: a stale address beats none.
   */
  async refresh(signal: AbortSignal): Promise<void> {
    const counted = [...this.#answers].map(([key, known]): [string, Known] => {
      return [key, { ...known, unwanted: this.#wanted.has(key) ? 0 : known.unwanted + 1 }]
    })
    this.#answers = new Map(counted.filter(([, { unwanted }]) => unwanted < FORGOTTEN_AFTER))
    this.#wanted.clear()
    await this.#ask(
      [...this.#answers.values()].map(({ question }) => question),
      signal,
    )
  }

  async #ask(questions: readonly Question[], signal: AbortSignal): Promise<void> {
    const unique = [...new Map(questions.map((question) => [keyOf(question), question])).values()]
    const found = await Promise.all(
      unique.map(async (question) => ({ question, answer: await this.#inTime(question, signal) })),
    )
    if (signal.aborted) return
    const answers = new Map(this.#answers)
    for (const { question, answer } of found) {
      const key = keyOf(question)
      const known = answers.get(key)
      if (answer.ok || known?.answer.ok !== true) answers.set(key, { question, answer, unwanted: known?.unwanted ?? 0 })
    }
    for (const key of answers.keys()) {
      if (answers.size <= MOST_QUESTIONS) break
      answers.delete(key)
    }
    this.#answers = answers
  }

  async #inTime(question: Question, signal: AbortSignal): Promise<Answer> {
    const key = keyOf(question)
    const lookup = this.#underWay.get(key) ?? find(this.#sources, question).finally(() => this.#underWay.delete(key))
    this.#underWay.set(key, lookup)
    const late: Answer = { ok: false, reason: `has no answer within ${this.#timeoutMs / 1000} s` }
    const done = new AbortController()
    // Both the end of the lookup and the caller's signal end the timer.
    const timer = sleep(this.#timeoutMs, late, { signal: AbortSignal.any([signal, done.signal]) }).catch(() => late)
    try {
      return await Promise.race([lookup, timer])
    } finally {
      done.abort()
    }
  }
}

interface Known {
  readonly question: Question
  readonly answer: Answer
  /** How many times it was looked up again without being used. */
  readonly unwanted: number
}

/** This machine's: names are looked up with all others of the process. */
export const systemSources = (lookups: Lookups): LookupSources => ({
  addresses: (host) => lookups.addresses(host),
  services: (name) => resolveSrv(name),
  exists: async (path) => {
    try {
      await stat(path)
      return true
    } catch (error) {
      if (isAbsent(error)) return false
      throw error
    }
  },
})

/** Looks up a name. Never fails. */
async function find(sources: LookupSources, { kind, name }: Question): Promise<Answer> {
  if (kind !== 'file' && !isName(name)) return { ok: false, reason: 'is not the name of a host' }
  try {
    switch (kind) {
      case 'file':
        return { ok: true, value: await sources.exists(name) }
      case 'ip':
        return sorted(await sources.addresses(name))
      case 'ipv4':
        return sorted((await sources.addresses(name)).filter(isIPv4))
      case 'ipv6':
        return sorted((await sources.addresses(name)).filter(isIPv6))
      case 'srv':
        return serviceLines(await sources.services(name))
    }
  } catch (error) {
    // Only the code is shown: messages of the DNS hold the name, which may come from a key.
    const code = codeOf(error) ?? 'unknown'
    if (kind === 'file') return { ok: false, reason: `cannot be looked at (${code})` }
    const isUnknown = failureOf(error) === 'unresolved'
    return { ok: false, reason: isUnknown ? 'does not resolve' : `cannot be resolved (${code})` }
  }
}

/** Sorts addresses: DNS servers shuffle their answers, and a file must not change for that. */
function sorted(addresses: readonly string[]): Answer {
  return { ok: true, value: [...new Set(addresses)].sort() }
}

/** Formats `target:port priority weight`, the first to be tried first. A target of `.` means that there is no such service (RFC 2782). */
function serviceLines(records: readonly ServiceRecord[]): Answer {
  const targets = records
    .map((record) => ({ ...record, name: record.name.replace(/\.$/, '') }))
    .filter(({ name }) => name !== '')
  if (!targets.every(({ name }) => isName(name))) return { ok: false, reason: 'has a target that is no name of a host' }
  const lines = targets
    .sort((a, b) => a.priority - b.priority || compare(a.name, b.name) || a.port - b.port || a.weight - b.weight)
    .map(({ name, port, priority, weight }) => `${name}:${port} ${priority} ${weight}`)
  return { ok: true, value: [...new Set(lines)] }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}

function isName(name: string): boolean {
  return name !== '' && name.length <= LONGEST_NAME && !NO_NAME.test(name)
}

function keyOf({ kind, name }: Question): string {
  return `${kind} ${name}`
}
