/** Where a rendering is, and what paths mean there. */
import { printable } from '../../text/printable.ts'
import type { Expression, PathExpression, Place } from './plan.ts'
import { Stop } from './stop.ts'
import { Tracked, type Value } from './tracked.ts'

/** Longest part of a member's name in a message. */
const MAX_SHOWN = 80

/** Within an {{#each}} or {{#with}}, or a value of a {{#let}}. */
export interface Frame {
  /** false: of a {{#let}}. */
  readonly isPlace: boolean
  readonly self: Value
  readonly key: Value
  readonly index: number
  readonly first: boolean
  readonly last: boolean
  readonly outer: Frame | null
}

/** @throws Stop where there is nothing of that name. */
export function valueAt({ base, steps, text, place }: PathExpression, frame: Frame, outermost: Frame): Value {
  let value = (base.up === null ? outermost : outward(frame, base.up))?.[base.of] ?? null
  for (const { name, absent } of steps) {
    if (!(value instanceof Tracked)) {
      if (value === null && absent !== null) throw new Stop('absent', place, absent)
      const what = value === null ? 'nothing' : 'neither a list nor a record'
      throw new Stop('failed', place, `${text}${whom(frame)}: there is ${what} that could have a "${name}"`)
    }
    const next = value.isList ? itemOf(value, name) : value.get(name)
    if (next === undefined) throw missing(value, name, text, place, whom(frame))
    value = next
  }
  return value
}

/** The innermost member that is gone through, to be put behind what is said of it: ` (pg1)`. */
export function whom(frame: Frame): string {
  for (let at: Frame | null = frame; at !== null; at = at.outer) {
    const member = at.isPlace ? memberOf(at) : null
    if (member !== null) return ` (${member})`
  }
  return ''
}

/** The innermost member that is gone through; as it is called, not to be shown. */
export function memberAround(frame: Frame): string | null {
  for (let at: Frame | null = frame; at !== null; at = at.outer) {
    const member = at.isPlace && at.self instanceof Tracked ? at.self.source.member : null
    if (member !== null) return member
  }
  return null
}

/** The member that a value is read of, as in `primary.name`; else the one that is gone through. Not to be shown. */
export function memberOfValue(expression: Expression, frame: Frame, outermost: Frame): string | null {
  if (expression.kind === 'call') {
    for (const arg of expression.args) {
      const member = arg.kind === 'literal' ? null : memberOfValue(arg, frame, outermost)
      if (member !== null) return member
    }
  }
  if (expression.kind !== 'path') return memberAround(frame)
  const owner = valueAt({ ...expression, steps: expression.steps.slice(0, -1) }, frame, outermost)
  return (owner instanceof Tracked ? owner.source.member : null) ?? memberAround(frame)
}

/** The member whose field a path names, where that is one that is gone through. */
export function ownerOf({ base, steps }: PathExpression, frame: Frame): string | null {
  const at = base.up === null || base.of !== 'self' || steps.length !== 1 ? null : outward(frame, base.up)
  return at === null ? null : memberOf(at)
}

/** Fit to be shown. */
function memberOf({ self }: Frame): string | null {
  const member = self instanceof Tracked ? self.source.member : null
  return member === null ? null : printable(member, MAX_SHOWN)
}

function outward(frame: Frame, up: number): Frame | null {
  let at: Frame | null = frame
  for (let left = up; left > 0; left--) at = at?.outer ?? null
  return at
}

function itemOf(list: Tracked, name: string): Value | undefined {
  return name === 'length' ? list.length : /^\d+$/.test(name) ? list.at(Number(name)) : undefined
}

function missing(value: Tracked, name: string, text: string, place: Place, whom: string): Stop {
  if (value.isList) {
    const isItem = /^\d+$/.test(name)
    return isItem
      ? new Stop('absent', place, `${text}${whom}: the list has no item ${name}`)
      : new Stop('failed', place, `${text}${whom}: a list has no "${name}": {{#each}} goes through its items`)
  }
  const whole = text.slice(0, Math.max(0, text.lastIndexOf(name) - 1)) || 'this'
  const { member } = value.source
  const [what, instead] =
    member === null
      ? [`${text}${whom}: there is no "${name}"`, `(default (index ${whole} "${name}") VALUE)`]
      : [`${printable(member, MAX_SHOWN)} has no tag "${name}"`, `(tag ${whole} "${name}" DEFAULT)`]
  return new Stop('failed', place, `${what} (where it may be missing: ${instead})`)
}
