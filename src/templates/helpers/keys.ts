/** Arbitrary keys of the DCS, as confd's templates read them (github.com/kelseyhightower/memkv, store.go). */
import { printable } from '../../text/printable.ts'
import { HelperError, type Helper, type HelperCall } from '../engine/helper.ts'
import { FLAG, TEXT, type Shape } from '../engine/shape.ts'
import { textFrom, type UnsafeText } from '../engine/unsafe.ts'
import { byBytes, commonShape, fieldOf, listOf, listShape, newRecord, recordOf, textOf } from './arguments.ts'
import { compileGlob, faultOf } from './glob.ts'

type Entries = ReadonlyMap<string, string>

const PAIR: Shape = { kind: 'record', name: 'key', fields: { key: TEXT, value: TEXT } }
/** One may come from a key, and every name is compared with it. */
const LONGEST_PATTERN = 4096
const NO_KEYS = 'the template has no `keys` in the configuration'
const PAIRS = listShape(PAIR)
const TEXTS = listShape(TEXT)

export const KEY_HELPERS: readonly Helper[] = [
  {
    name: 'exists',
    usage: 'exists KEY',
    arity: { min: 1, max: 1 },
    returns: () => FLAG,
    unsafe: 'settles',
    run: ([key], call) => {
      const name = keyName(key)
      return read(call, `exists ${name}`, (entries) => entries.has(name))
    },
  },
  {
    name: 'get',
    usage: 'get KEY',
    arity: { min: 1, max: 1 },
    returns: () => PAIR,
    unsafe: 'carries',
    run: ([key], call) => {
      const name = keyName(key)
      return pair(name, valueOf(name, call) ?? missing(name))
    },
  },
  {
    name: 'getv',
    usage: 'getv KEY [DEFAULT]',
    arity: { min: 1, max: 2 },
    returns: ([, fallback]) => (fallback === undefined ? TEXT : commonShape([TEXT, fallback])),
    unsafe: 'carries',
    run: ([key, ...fallback], call) => {
      const name = keyName(key)
      return valueOf(name, call) ?? (fallback.length > 0 ? fallback[0] : missing(name))
    },
  },
  {
    name: 'gets',
    usage: 'gets PATTERN',
    arity: { min: 1, max: 1 },
    returns: () => PAIRS,
    checkLiterals: checkPattern,
    unsafe: 'carries',
    run: ([pattern], call) => matching(pattern, call).map(([key, value]) => pair(key, textOfKey(key, value))),
  },
  {
    name: 'getvs',
    usage: 'getvs PATTERN',
    arity: { min: 1, max: 1 },
    returns: () => TEXTS,
    checkLiterals: checkPattern,
    unsafe: 'carries',
    // By value, not by key: so does confd.
    run: ([pattern], call) =>
      [...matching(pattern, call)].sort(([, a], [, b]) => byBytes(a, b)).map(([key, value]) => textOfKey(key, value)),
  },
  {
    name: 'ls',
    usage: 'ls KEY',
    arity: { min: 1, max: 1 },
    returns: () => TEXTS,
    unsafe: 'carries',
    run: ([key], call) => children('ls', key, call),
  },
  {
    name: 'lsdir',
    usage: 'lsdir KEY',
    arity: { min: 1, max: 1 },
    returns: () => TEXTS,
    unsafe: 'carries',
    run: ([key], call) => children('lsdir', key, call),
  },
  {
    name: 'sortKVByLength',
    usage: 'sortKVByLength LIST',
    arity: { min: 1, max: 1 },
    returns: ([list]) => list ?? PAIRS,
    unsafe: 'carries',
    run: ([list]) => {
      const keyOf = (item: unknown): string => textOf(fieldOf(recordOf(item, 'an item'), 'key'), 'the key of an item')
      return [...listOf(list, 'the list')]
        .map((item) => ({ item, key: keyOf(item) }))
        .sort((a, b) => Buffer.byteLength(a.key) - Buffer.byteLength(b.key) || byBytes(a.key, b.key))
        .map(({ item }) => item)
    },
  },
]

/** For a template that has none: what would ask for them is found when it is compiled. */
export const HELPERS_OF_NO_KEYS: readonly Helper[] = KEY_HELPERS.map((helper) =>
  helper.name === 'sortKVByLength' ? helper : { ...helper, checkLiterals: () => NO_KEYS },
)

/** Parses `/db/host`; the first slash is optional and a last one is ignored, as in confd's documentation. */
function keyName(value: unknown): string {
  const text = textOf(value, 'the key')
  let [start, end] = [0, text.length]
  // By hand: a pattern for the end would take the square of the time for slashes in the middle.
  while (start < end && text[start] === '/') start++
  while (start < end && text[end - 1] === '/') end--
  return `/${text.slice(start, end)}`
}

function checkPattern([pattern]: readonly unknown[]): string | null {
  return typeof pattern === 'string' ? faultOf(pattern) : null
}

/** Reads from all keys at once: the rendering depends on the result alone. */
function read<T>(call: HelperCall, what: string, question: (entries: Entries) => T): T {
  const answer = call.read(what, ({ keys }) => (keys === null ? null : { of: question(keys.entries) }))
  if (answer === null) throw new HelperError(NO_KEYS)
  return answer.of
}

function valueOf(name: string, call: HelperCall): string | UnsafeText | null {
  const value = read(call, `getv ${name}`, (entries) => entries.get(name) ?? null)
  return value === null ? null : textOfKey(name, value)
}

/** Returns a key's name, value, or part of its name as a text of users who can write the key. */
function textOfKey(key: string, text: string): string | UnsafeText {
  return textFrom({ kind: 'key', key }, text)
}

function missing(name: string): never {
  throw new HelperError(`there is no key ${printable(name, 128)}`)
}

function matching(pattern: unknown, call: HelperCall): readonly (readonly [string, string])[] {
  const text = textOf(pattern, 'the pattern')
  if (text.length > LONGEST_PATTERN) throw new HelperError('the pattern is too long')
  const glob = text.startsWith('/') ? text : `/${text}`
  const fits = compileGlob(glob)
  return read(call, `gets ${glob}`, (entries) => {
    const names = [...entries.keys()].filter(fits).sort(byBytes)
    return names.map((name) => [name, entries.get(name) ?? ''] as const)
  })
}

function children(what: 'ls' | 'lsdir', key: unknown, call: HelperCall): readonly unknown[] {
  const name = keyName(key)
  const parent = name === '/' ? '/' : `${name}/`
  const found = read(call, `${what} ${name}`, (entries) => {
    const names = new Map<string, string>()
    for (const entry of entries.keys()) {
      if (!entry.startsWith(parent)) continue
      const below = entry.slice(parent.length)
      const child = below.split('/', 1)[0] ?? ''
      if (child !== '' && (what === 'ls' || below.includes('/')) && !names.has(child)) names.set(child, entry)
    }
    return [...names].sort(([a], [b]) => byBytes(a, b))
  })
  return found.map(([child, entry]) => textOfKey(entry, child))
}

function pair(key: string, value: unknown): unknown {
  return newRecord({ key: textOfKey(key, key), value })
}
