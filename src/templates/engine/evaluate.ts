/** Evaluates a plan, once: it becomes text. */
import type { Calls } from './calls.ts'
import { type Frame, memberOfValue, ownerOf, valueAt, ofMember } from './frames.ts'
import { type CallExpression, describe, type Expression, type Place, type Statement } from './plan.ts'
import type { Question } from './template.ts'
import { type Budget, Stop, Unanswered } from './stop.ts'
import { type Origin, shownKey, UnsafeText } from './unsafe.ts'
import { isList, isRecord, type Marks, namesIn, type Value } from './values.ts'

/** No configuration is that large. UTF-16 units. */
const MAX_LENGTH = 16 * 1024 * 1024

/** A line of HAProxy's (`server NAME ADDRESS`), or of nginx's, up to or within the name. */
const BEFORE_SERVER_NAME = /^[ \t]*server[ \t]+\S*$/

/** HAProxy's limit of a line. */
const MAX_LINE = 2048

/** In no {{#each}}. */
const ALONE = { isPlace: true, member: null, key: null, index: 0, first: true, last: true } as const

export class Round {
  text = ''
  /** The last line of it; of a longer one more than HAProxy would read. */
  #line = ''
  /** See `RenderResult`. */
  empty: string | null = null
  readonly questions: Question[] = []
  /** Members that this text cannot be written of, and why. */
  readonly leftOut = new Map<string, string>()
  readonly #calls: Calls
  readonly #budget: Budget
  readonly #marks: Marks
  readonly #outermost: Frame

  constructor(context: Value, calls: Calls, budget: Budget, marks: Marks) {
    this.#calls = calls
    this.#budget = budget
    this.#marks = marks
    this.#outermost = { ...ALONE, self: context, outer: null }
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
        this.#append(statement.text)
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
        const inner = { ...ALONE, self, member: this.#marks.memberOf(self), outer: frame }
        if (truth(self, true)) this.#write(statement.body, inner)
        else this.#write(statement.otherwise, frame)
        break
      }
      case 'let': {
        let inner = frame
        for (const value of statement.values) {
          const self = this.#value(value, inner)
          inner = { ...ALONE, isPlace: false, self, member: this.#marks.memberOf(self), outer: inner }
        }
        this.#write(statement.body, inner)
        break
      }
    }
  }

  #print(expression: Expression, place: Place, frame: Frame): void {
    const value = this.#value(expression, frame)
    if (value === null) throw new Stop('failed', place, whyUnknown(expression, frame))
    if (isList(value) || isRecord(value)) {
      const kind = isList(value) ? 'a list' : 'a record'
      throw new Stop('failed', place, `${describe(expression)}${ofMember(frame)} is ${kind}: it has no text`)
    }
    if (value instanceof UnsafeText) this.#leaveOut(value.origins, place)
    else this.#writeText(String(value), expression, place, frame)
    this.#checkLength(place)
  }

  /** Writes a text. A text that HAProxy would refuse, and with it the whole file, leaves out its member only. */
  #writeText(text: string, expression: Expression, place: Place, frame: Frame): void {
    const isName = this.#line.length <= MAX_LINE && BEFORE_SERVER_NAME.test(this.#line)
    const odd = isName ? oddInServerName(text) : null
    const member = odd === null ? null : memberOfValue(expression, frame, this.#outermost, this.#marks)
    if (member === null) this.#append(text)
    else if (!this.leftOut.has(member)) {
      const advice = `write {{serverName ${describe(expression)}}} (line ${place.line})`
      this.leftOut.set(member, `HAProxy accepts no ${odd} in a server name: ${advice}`)
    }
  }

  /** Appends a text. The line is kept beside it: to search for it would take the square of the time. */
  #append(text: string): void {
    this.text += text
    const end = text.lastIndexOf('\n')
    if (end !== -1) this.#line = text.slice(end + 1)
    else if (this.#line.length <= MAX_LINE) this.#line += text
  }

  #checkLength(place: Place): void {
    if (this.text.length > MAX_LENGTH) throw new Stop('failed', place, 'the text is larger than 16 MiB')
  }

  #leaveOut(origins: readonly Origin[], place: Place): void {
    for (const origin of origins) {
      if (origin.kind !== 'member') {
        const whose = origin.kind === 'key' ? `the key ${shownKey(origin)}` : origin.what
        const why = 'contains characters that could be taken for syntax: write it with (quote TARGET ...)'
        throw new Stop('failed', place, `${whose} ${why}`)
      }
      const { member, what } = origin
      const reason = `${what} contains characters that could be taken for syntax (line ${place.line})`
      if (!this.leftOut.has(member)) this.leftOut.set(member, reason)
    }
  }

  #each({ list, place, body, otherwise }: Statement & { kind: 'each' }, outer: Frame): void {
    const value = this.#value(list, outer) ?? []
    if (!isList(value) && !isRecord(value)) {
      throw new Stop('failed', place, `${describe(list)}${ofMember(outer)} is neither a list nor a record`)
    }
    const items: readonly (readonly [key: Value, self: Value])[] = isList(value)
      ? value.map((self, index) => [index, self])
      : namesIn(value).map((name) => [this.#marks.nameIn(value, name), value[name] ?? null])
    for (const [index, [key, self]] of items.entries()) {
      this.#budget.spend(1)
      this.#budget.check(place)
      this.#checkLength(place)
      const member = this.#marks.memberOf(self)
      const last = index === items.length - 1
      this.#write(body, { isPlace: true, self, member, key, index, first: index === 0, last, outer })
    }
    if (items.length > 0) return
    if (otherwise !== null) this.#write(otherwise, outer)
    else if (isList(value)) this.empty ??= describe(list)
  }

  #value(expression: Expression, frame: Frame): Value {
    switch (expression.kind) {
      case 'literal':
        return expression.value
      case 'path':
        return valueAt(expression, frame, this.#outermost, this.#marks)
      case 'call':
        return this.#call(expression, frame)
    }
  }

  #call({ helper, args, place }: CallExpression, frame: Frame): Value {
    const values: Value[] = []
    for (const arg of args) {
      const value = this.#value(arg, frame)
      values.push(value)
      if (helper.endsAt?.(value) === true) break
    }
    return this.#calls.run(helper, values, place, () => ofMember(frame))
  }
}

/** Returns the character that a server's name cannot have, where the text is not an address (`[fd00::1]:5432`, a path); null: none. */
function oddInServerName(text: string): string | null {
  const bare = text.replace(/^(['"])(.*)\1$/, '$2')
  const odd = /[^\w.:-]/u.exec(bare)?.[0]
  return odd === undefined || /[[/]/.test(bare) ? null : JSON.stringify(odd)
}

/** Returns whether a value counts as true, as in Handlebars: an empty list is false, an empty record is not. */
function truth(value: Value, includeZero: boolean): boolean {
  if (isList(value)) return value.length > 0
  if (value === 0) return includeZero
  return value !== null && value !== false && value !== ''
}

function whyUnknown(expression: Expression, frame: Frame): string {
  const text = describe(expression)
  const advice = `use (default ${text} VALUE) or {{#if ${text}}}`
  if (expression.kind === 'call') return `${text}${ofMember(frame)} gives nothing: ${advice}`
  const member = expression.kind === 'path' ? ownerOf(expression, frame) : null
  return `${text}${member === null ? '' : ` of ${member}`} is not known: ${advice}`
}
