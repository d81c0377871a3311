/** Lists and maps: Go's `index` and `len`, confd's `map`, `reverse` and sorting, and choosing members. */
import { bytesOfText } from '../../text/binary-text.ts'
import { suggest } from '../../text/suggestion.ts'
import { printable } from '../../text/printable.ts'
import { HelperError, type Helper } from '../engine/helper.ts'
import { ANY, NUMBER, type Shape } from '../engine/shape.ts'
import { UnsafeText } from '../engine/unsafe.ts'
import {
  byBytes,
  commonShape,
  elementOf,
  fieldOf,
  integerOf,
  isAbsent,
  isRecord,
  kindOf,
  listOf,
  listShape,
  newRecord,
  presentShape,
  recordOf,
  scalarOf,
  textOf,
} from './arguments.ts'
import { isSame, order } from './logic.ts'

export const LIST_HELPERS: readonly Helper[] = [
  {
    name: 'len',
    usage: 'len VALUE',
    arity: { min: 1, max: 1 },
    returns: () => NUMBER,
    unsafe: 'settles',
    run: ([value]) => {
      if (Array.isArray(value)) return value.length
      return isRecord(value) ? Object.keys(value).length : bytesOfText(textOf(value, 'the value')).length
    },
  },
  {
    name: 'index',
    usage: 'index VALUE KEY...',
    arity: { min: 2, max: 16 },
    returns: ([value, ...keys]) => keys.reduce((shape) => below(shape), value ?? ANY),
    checkLiterals: ([, ...keys], [value = ANY] = []) => checkSteps(keys, value),
    unsafe: 'carries',
    run: ([value, ...keys]) => keys.reduce(itemOf, value),
  },
  {
    name: 'first',
    usage: 'first LIST',
    arity: { min: 1, max: 1 },
    returns: ([list]) => perhaps(elementOf(list), 'the list is empty'),
    unsafe: 'carries',
    run: ([list]) => listOf(list, 'the list')[0] ?? null,
  },
  {
    name: 'last',
    usage: 'last LIST',
    arity: { min: 1, max: 1 },
    returns: ([list]) => perhaps(elementOf(list), 'the list is empty'),
    unsafe: 'carries',
    run: ([list]) => listOf(list, 'the list').at(-1) ?? null,
  },
  {
    name: 'reverse',
    usage: 'reverse LIST',
    arity: { min: 1, max: 1 },
    returns: ([list]) => listShape(elementOf(list)),
    unsafe: 'carries',
    run: ([list]) => [...listOf(list, 'the list')].reverse(),
  },
  {
    name: 'sortByLength',
    usage: 'sortByLength LIST',
    arity: { min: 1, max: 1 },
    returns: ([list]) => listShape(elementOf(list)),
    unsafe: 'carries',
    // Those of one length by their text, where confd leaves the order open: the same keys give the same file.
    run: ([list]) =>
      listOf(list, 'the list')
        .map((item) => ({ item, text: textOf(item, 'an item of the list') }))
        .sort((a, b) => bytesOfText(a.text).length - bytesOfText(b.text).length || byBytes(a.text, b.text))
        .map(({ item, text }) => (item instanceof UnsafeText ? item : text)),
  },
  {
    name: 'sortBy',
    usage: 'sortBy LIST FIELD',
    arity: { min: 2, max: 2 },
    returns: ([list]) => listShape(elementOf(list)),
    checkLiterals: checkField,
    unsafe: 'carries',
    run: ([list, field]) => {
      const name = fieldName(field, list)
      // Those without it come last; the sort is stable, so equal ones stay as they were.
      return listOf(list, 'the list')
        .map((item) => ({ item, by: fieldOf(recordOf(item, 'an item of the list'), name) }))
        .sort((a, b) =>
          isAbsent(a.by) || isAbsent(b.by) ? Number(isAbsent(a.by)) - Number(isAbsent(b.by)) : order(a.by, b.by),
        )
        .map(({ item }) => item)
    },
  },
  {
    name: 'where',
    usage: 'where LIST FIELD VALUE',
    arity: { min: 3, max: 3 },
    returns: ([list]) => listShape(elementOf(list)),
    checkLiterals: checkField,
    unsafe: 'carries',
    run: ([list, field, value]) => {
      const name = fieldName(field, list)
      return listOf(list, 'the list').filter((item) =>
        isSame(fieldOf(recordOf(item, 'an item of the list'), name), value),
      )
    },
  },
  {
    name: 'tag',
    usage: 'tag TAGS NAME [DEFAULT]',
    arity: { min: 2, max: 3 },
    returns: ([tags, , fallback]) => {
      const shape = below(tags ?? ANY)
      return fallback === undefined ? shape : commonShape([presentShape(shape), fallback])
    },
    checkLiterals: (_args, [tags = ANY] = []) => {
      const whole = presentShape(tags)
      return whole.kind === 'record' ? `a ${whole.name} is no map of tags: those are in a member's "tags"` : null
    },
    unsafe: 'carries',
    run: ([tags, name, fallback = null]) =>
      fieldOf(recordOf(tags, 'the tags'), textOf(name, 'the name of the tag')) ?? fallback,
  },
  {
    name: 'map',
    usage: 'map [NAME VALUE]...',
    arity: { min: 0, max: 64 },
    returns: (shapes) => ({ kind: 'map', of: commonShape(shapes.filter((_, index) => index % 2 === 1)) }),
    checkLiterals: (args) => (args.length % 2 === 0 ? null : 'the last name has no value'),
    unsafe: 'carries',
    run: (args) => {
      const made = newRecord()
      for (let at = 0; at < args.length; at += 2) {
        const name = scalarOf(args[at])
        if (typeof name !== 'string') throw new HelperError(`a name of a map is ${kindOf(name)}, not a text`)
        made[name] = args[at + 1]
      }
      return made
    },
  },
]

/** Checks the name of a field. `shapes`: of the arguments, where the compiler gives them. */
function checkField([, field]: readonly unknown[], shapes: readonly Shape[] = []): string | null {
  return whyNone(presentShape(elementOf(shapes[0])), field)
}

/** Checks one name after the other, in the same way. */
function checkSteps(keys: readonly unknown[], value: Shape): string | null {
  let shape = presentShape(value)
  for (const key of keys) {
    const fault = whyNone(shape, key)
    if (fault !== null) return fault
    const field = shape.kind === 'record' && typeof key === 'string' ? shape.fields[key] : undefined
    shape = presentShape(field ?? below(shape))
  }
  return null
}

/** Returns why there is no such field; null: there is, or may be. */
function whyNone(record: Shape, field: unknown): string | null {
  if (typeof field !== 'string' || record.kind !== 'record' || Object.hasOwn(record.fields, field)) return null
  return `a ${record.name} has no "${printable(field, 64)}": ${suggest(field, Object.keys(record.fields))}`
}

/** Checks that an item has the field: a name that no item has is misspelt; some items of JSON usually lack it. */
function fieldName(field: unknown, list: unknown): string {
  const name = textOf(field, 'the field')
  const items = listOf(list, 'the list').map((item) => recordOf(item, 'an item of the list'))
  if (items.length > 0 && !items.some((item) => Object.hasOwn(item, name)))
    throw new HelperError('no item of the list has such a field')
  return name
}

function itemOf(value: unknown, key: unknown): unknown {
  if (!Array.isArray(value)) return fieldOf(recordOf(value, 'the value'), textOf(key, 'the key'))
  const at = integerOf(key, 'the index')
  if (at < 0 || at >= value.length) throw new HelperError(`there is no index ${at} in a list of ${value.length}`)
  return value[at]
}

function below(shape: Shape): Shape {
  switch (shape.kind) {
    case 'list':
      return shape.of
    case 'map':
      return perhaps(shape.of, 'the map has no such name')
    case 'maybe':
      return below(shape.of)
    case 'record':
    case 'any':
    case 'text':
    case 'number':
    case 'flag':
      return ANY
  }
}

function perhaps(of: Shape, absent: string): Shape {
  return of.kind === 'maybe' ? of : { kind: 'maybe', of, absent }
}
