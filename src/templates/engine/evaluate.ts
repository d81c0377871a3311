/** One round of rendering: a plan becomes text. */
import type { Calls } from './calls.ts'
import type { Budget } from './budget.ts'
import { type Frame, memberOfValue, ownerOf, valueAt, whom } from './frames.ts'
import { type CallExpression, describe, type Expression, type Place, type Statement } from './plan.ts'
import type { Question } from './template.ts'
import { Stop, Unanswered } from './stop.ts'
import { Tracked, type Value } from './tracked.ts'
import { type Origin, UnsafeText } from './unsafe.ts'

/** Nobody writes a configuration of that size. UTF-16 units. */
const MAX_LENGTH = 16 * 1024 * 1024

/** A line of HAProxy's (`server NAME ADDRESS`), or of nginx's, up to or within the name. */
const BEFORE_SERVER_NAME = /^[ \t]*server[ \t]+\S*$/

/** In no {{#each}}. */
const ALONE = { isPlace: true, key: null, index: 0, first: true, last: true } as const

export class Round {
  text = ''
  /** See `RenderResult`. */
  empty: string | null = null
  readonly questions: Question[] = []
  /** Members that this text cannot be written of, and why. */
  readonly leftOut = new Map<string, string>()
  readonly #calls: Calls
  readonly #budget: Budget
  readonly #outermost: Frame

  constructor(calls: Calls, budget: Budget) {
    this.#calls = calls
    this.#budget = budget
    this.#outermost = { ...ALONE, self: calls.context, outer: null }
  }

  /** @throws Stop where the text cannot be written to its end. */
  run(plan: readonly Statement[]): void {
    this.#write(plan, this.#outermost)
  }

  #write(statements: readonly Statement[], frame: Frame): void {
    this.#budget.spend(statements.length)
    for (const statement of statements) {
      try {
        this.#writeOne(statement, frame)
      } catch (error) {
        if (!(error instanceof Unanswered)) throw error
        // The text is lost, but the other questions are asked at the same time.
        this.questions.push(error.question)
      }
    }
  }

  #writeOne(statement: Statement, frame: Frame): void {
    switch (statement.kind) {
      case 'text':
        this.text += statement.text
        break
      case 'print':
        this.#print(statement.value, statement.place, frame)
        break
      case 'if': {
        const isTrue = truth(this.#value(statement.test, frame), statement.includeZero)
        this.#write(isTrue ? statement.body : statement.otherwise, frame)
        break
      }
      case 'each':
        this.#each(statement, frame)
        break
      case 'with': {
        const self = this.#value(statement.value, frame)
        const inner = { ...ALONE, self, outer: frame }
        if (truth(self, true)) this.#write(statement.body, inner)
        else this.#write(statement.otherwise, frame)
        break
      }
      case 'let': {
        let inner = frame
        for (const value of statement.values) {
          inner = { ...ALONE, isPlace: false, self: this.#value(value, inner), outer: inner }
        }
        this.#write(statement.body, inner)
        break
      }
    }
  }

  #print(expression: Expression, place: Place, frame: Frame): void {
    const value = this.#value(expression, frame)
    if (value === null) throw new Stop('failed', place, whyUnknown(expression, frame))
    if (value instanceof Tracked) {
      const kind = value.isList ? 'a list' : 'a record'
      throw new Stop('failed', place, `${describe(expression)}${whom(frame)} is ${kind}: it has no text`)
    }
    if (value instanceof UnsafeText) this.#leaveOut(value.origins, place)
    else this.#writeText(String(value), expression, place, frame)
    this.#checkLength(place)
  }

  /** What HAProxy would refuse, and with it the whole file, is a matter of the member that has it. */
  #writeText(text: string, expression: Expression, place: Place, frame: Frame): void {
    const odd = oddInServerName(text)
    const line = odd === null ? '' : this.text.slice(this.text.lastIndexOf('\n') + 1)
    const member = BEFORE_SERVER_NAME.test(line) ? memberOfValue(expression, frame, this.#outermost) : null
    if (member === null) this.text += text
    else if (!this.leftOut.has(member)) {
      const advice = `write {{serverName ${describe(expression)}}} (line ${place.line})`
      this.leftOut.set(member, `HAProxy takes no ${odd} in the name of a server: ${advice}`)
    }
  }

  #checkLength(place: Place): void {
    if (this.text.length > MAX_LENGTH) throw new Stop('failed', place, 'the text is larger than 16 MiB')
  }

  #leaveOut(origins: readonly Origin[], place: Place): void {
    for (const origin of origins) {
      if (origin.kind !== 'member') {
        const whose = origin.kind === 'key' ? `the key ${origin.what}` : origin.what
        const why = 'holds characters that could be taken for syntax: write it with (quote TARGET ...)'
        throw new Stop('failed', place, `${whose} ${why}`)
      }
      const { member, what } = origin
      const reason = `${what} holds characters that could be taken for syntax (line ${place.line})`
      if (!this.leftOut.has(member)) this.leftOut.set(member, reason)
    }
  }

  #each({ list, place, body, otherwise }: Statement & { kind: 'each' }, outer: Frame): void {
    const value = this.#value(list, outer)
    if (value !== null && !(value instanceof Tracked)) {
      throw new Stop('failed', place, `${describe(list)}${whom(outer)} is neither a list nor a record`)
    }
    const names = value === null || value.isList ? null : value.names()
    const count = names?.length ?? (value === null ? 0 : value.length)
    for (let index = 0; index < count; index++) {
      this.#budget.spend(1)
      this.#budget.check(place)
      this.#checkLength(place)
      const name = names?.[index]
      const self = (name === undefined ? value?.at(index) : value?.get(name)) ?? null
      const key = name === undefined ? index : (value?.mark(name, null) ?? null)
      this.#write(body, { isPlace: true, self, key, index, first: index === 0, last: index === count - 1, outer })
    }
    if (count > 0) return
    if (otherwise !== null) this.#write(otherwise, outer)
    else if (names === null) this.empty ??= describe(list)
  }

  #value(expression: Expression, frame: Frame): Value {
    switch (expression.kind) {
      case 'literal':
        return expression.value
      case 'path':
        return valueAt(expression, frame, this.#outermost)
      case 'call':
        return this.#call(expression, frame)
    }
  }

  #call({ helper, args, place }: CallExpression, frame: Frame): Value {
    const values: Value[] = []
    for (const arg of args) {
      const value = this.#value(arg, frame)
      values.push(value)
      if (this.#calls.endsAt(helper, value)) break
    }
    return this.#calls.run(helper, values, place, () => whom(frame))
  }
}

/** What cannot be in the name of a server, where it is no address of one (`[fd00::1]:5432`, a path); null: nothing. */
function oddInServerName(text: string): string | null {
  const bare = text.replace(/^(['"])(.*)\1$/, '$2')
  const odd = /[^\w.:-]/u.exec(bare)?.[0]
  return odd === undefined || /[[/]/.test(bare) ? null : JSON.stringify(odd)
}

/** As Handlebars has it: an empty list is false, an empty record is not. */
function truth(value: Value, includeZero: boolean): boolean {
  if (value instanceof Tracked) return !value.isList || value.length > 0
  if (value === 0) return includeZero
  return value !== null && value !== false && value !== ''
}

function whyUnknown(expression: Expression, frame: Frame): string {
  const text = describe(expression)
  const advice = `use (default ${text} VALUE) or {{#if ${text}}}`
  if (expression.kind === 'call') return `${text}${whom(frame)} gives nothing: ${advice}`
  const member = expression.kind === 'path' ? ownerOf(expression, frame) : null
  return `${text}${member === null ? '' : ` of ${member}`} is not known: ${advice}`
}
