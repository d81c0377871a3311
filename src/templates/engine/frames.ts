/** Where a rendering is, and what paths mean there. */
import { printable } from '../../text/printable.ts'
import type { Expression, PathExpression } from './plan.ts'
import { Stop } from './stop.ts'
import { fieldOf, isList, isRecord, type Marks, type Value, type ValueList, type ValueRecord } from './values.ts'

/** Longest part of a member's name in a message. */
const MAX_SHOWN = 80

/** Within an {{#each}} or {{#with}}, or a value of a {{#let}}. */
export interface Frame {
  /** false: of a {{#let}}. */
  readonly isPlace: boolean
  readonly self: Value
  /** The member that it is, or is a part of; not to be shown. */
  readonly member: string | null
  readonly key: Value
  readonly index: number
  readonly first: boolean
  readonly last: boolean
  readonly outer: Frame | null
}

/**
 * Returns what a path stands for.
 * @throws Stop where there is nothing of that name.
 */
export function valueAt(path: PathExpression, frame: Frame, outermost: Frame, marks: Marks): Value {
  const { base, steps, text, place } = path
  let value = (base.up === null ? outermost : outward(frame, base.up))?.[base.of] ?? null
  for (const { name, absent } of steps) {
    if (!isList(value) && !isRecord(value)) {
      if (value === null && absent !== null) throw new Stop('absent', place, absent)
      const what = value === null ? 'nothing' : 'neither a list nor a record'
      throw new Stop('failed', place, `${text}${ofMember(frame)}: there is ${what} that could have a "${name}"`)
    }
    const next = isList(value) ? itemOf(value, name) : fieldOf(value, name)
    if (next === undefined) throw isList(value) ? noItem(path, name, frame) : noField(path, name, frame, value, marks)
    value = next
  }
  return value
}

/** Returns the innermost member that is gone through, to be put behind what is said of it: ` (pg1)`. */
export function ofMember(frame: Frame): string {
  const member = memberAround(frame)
  return member === null ? '' : ` (${printable(member, MAX_SHOWN)})`
}

/** Returns the innermost member that is gone through; as it is called, not to be shown. */
export function memberAround(frame: Frame): string | null {
  for (let at: Frame | null = frame; at !== null; at = at.outer) if (at.isPlace && at.member !== null) return at.member
  return null
}

/** Returns the member that a value is read of, as in `primary.name`; else the one that is gone through. Not to be shown. */
export function memberOfValue(expression: Expression, frame: Frame, outermost: Frame, marks: Marks): string | null {
  if (expression.kind === 'call') {
    for (const arg of expression.args) {
      const member = arg.kind === 'literal' ? null : memberOfValue(arg, frame, outermost, marks)
      if (member !== null) return member
    }
  }
  if (expression.kind !== 'path') return memberAround(frame)
  const owner = valueAt({ ...expression, steps: expression.steps.slice(0, -1) }, frame, outermost, marks)
  return marks.memberOf(owner) ?? memberAround(frame)
}

/** Returns the member whose field a path names, where that is one that is gone through; fit to be shown. */
export function ownerOf({ base, steps }: PathExpression, frame: Frame): string | null {
  const at = base.up === null || base.of !== 'self' || steps.length !== 1 ? null : outward(frame, base.up)
  const member = at?.member ?? null
  return member === null ? null : printable(member, MAX_SHOWN)
}

function outward(frame: Frame, up: number): Frame | null {
  let at: Frame | null = frame
  for (let left = up; left > 0; left--) at = at?.outer ?? null
  return at
}

function itemOf(list: ValueList, name: string): Value | undefined {
  return name === 'length' ? list.length : /^\d+$/.test(name) ? list[Number(name)] : undefined
}

function noItem({ text, place }: PathExpression, name: string, frame: Frame): Stop {
  if (/^\d+$/.test(name)) return new Stop('absent', place, `${text}${ofMember(frame)}: the list has no item ${name}`)
  return new Stop(
    'failed',
    place,
    `${text}${ofMember(frame)}: a list has no "${name}": {{#each}} goes through its items`,
  )
}

function noField({ text, place }: PathExpression, name: string, frame: Frame, of: ValueRecord, marks: Marks): Stop {
  const whole = text.slice(0, Math.max(0, text.lastIndexOf(name) - 1)) || 'this'
  const member = marks.memberOf(of)
  const [what, instead] =
    member === null
      ? [`${text}${ofMember(frame)}: there is no "${name}"`, `(default (index ${whole} "${name}") VALUE)`]
      : [`${printable(member, MAX_SHOWN)} has no tag "${name}"`, `(tag ${whole} "${name}" DEFAULT)`]
  return new Stop('failed', place, `${what} (where it may be missing: ${instead})`)
}
