/** Texts, as Go's `strings`, `path`, `strconv` and `encoding/base64` have them. */
import { posix } from 'node:path'
import { isIPv6 } from 'node:net'
import { bytesOfText, textOfBytes } from '../../text/binary-text.ts'
import { HelperError, type Helper } from '../engine/helper.ts'
import { FLAG, NUMBER, TEXT } from '../engine/shape.ts'
import { integerOf, listOf, listShape, textOf } from './arguments.ts'
import { isSame } from './logic.ts'

export const TEXT_HELPERS: readonly Helper[] = [
  onText('base', 'base PATH', baseName),
  onText('dir', 'dir PATH', directory),
  onText('toUpper', 'toUpper TEXT', (text) => text.toUpperCase()),
  onText('toLower', 'toLower TEXT', (text) => text.toLowerCase()),
  { ...onText('base64Encode', 'base64Encode TEXT', (text) => bytesOfText(text).toString('base64')), unsafe: 'quotes' },
  { ...onText('base64Decode', 'base64Decode TEXT', decode), unsafe: 'reveals' },
  {
    name: 'split',
    usage: 'split TEXT SEPARATOR',
    arity: { min: 2, max: 2 },
    returns: () => listShape(TEXT),
    unsafe: 'carries',
    run: ([text, separator]) => {
      const by = textOf(separator, 'the separator')
      return by === '' ? Array.from(textOf(text, 'the text')) : textOf(text, 'the text').split(by)
    },
  },
  {
    name: 'join',
    usage: 'join LIST SEPARATOR',
    arity: { min: 2, max: 2 },
    returns: () => TEXT,
    unsafe: 'carries',
    run: ([list, separator]) =>
      listOf(list, 'the list')
        .map((item) => textOf(item, 'an item of the list'))
        .join(textOf(separator, 'the separator')),
  },
  {
    name: 'replace',
    usage: 'replace TEXT OLD NEW [COUNT]',
    arity: { min: 3, max: 4 },
    returns: () => TEXT,
    unsafe: 'carries',
    run: ([text, old, by, count = -1]) =>
      replace(
        textOf(text, 'the text'),
        textOf(old, 'the old text'),
        textOf(by, 'the replacement'),
        integerOf(count, 'the count'),
      ),
  },
  {
    name: 'trimSuffix',
    usage: 'trimSuffix TEXT SUFFIX',
    arity: { min: 2, max: 2 },
    returns: () => TEXT,
    unsafe: 'carries',
    run: ([value, end]) => {
      const [text, suffix] = [textOf(value, 'the text'), textOf(end, 'the suffix')]
      return text.endsWith(suffix) ? text.slice(0, text.length - suffix.length) : text
    },
  },
  {
    name: 'trimPrefix',
    usage: 'trimPrefix TEXT PREFIX',
    arity: { min: 2, max: 2 },
    returns: () => TEXT,
    unsafe: 'carries',
    run: ([value, start]) => {
      const [text, prefix] = [textOf(value, 'the text'), textOf(start, 'the prefix')]
      return text.startsWith(prefix) ? text.slice(prefix.length) : text
    },
  },
  {
    name: 'concat',
    usage: 'concat TEXT...',
    arity: { min: 1, max: 64 },
    returns: () => TEXT,
    unsafe: 'carries',
    run: (parts) => parts.map((part, index) => textOf(part, `part ${index + 1}`)).join(''),
  },
  {
    name: 'contains',
    usage: 'contains TEXT PART',
    arity: { min: 2, max: 2 },
    returns: () => FLAG,
    unsafe: 'settles',
    run: ([whole, part]) =>
      Array.isArray(whole)
        ? whole.some((item) => isSame(item, part))
        : textOf(whole, 'the text').includes(textOf(part, 'the part')),
  },
  {
    name: 'parseBool',
    usage: 'parseBool TEXT',
    arity: { min: 1, max: 1 },
    returns: () => FLAG,
    unsafe: 'settles',
    run: ([text]) => parseBool(textOf(text, 'the text')),
  },
  {
    name: 'atoi',
    usage: 'atoi TEXT',
    arity: { min: 1, max: 1 },
    returns: () => NUMBER,
    unsafe: 'settles',
    run: ([text]) => parseInteger(textOf(text, 'the text')),
  },
  {
    name: 'hostPort',
    usage: 'hostPort HOST PORT',
    arity: { min: 2, max: 2 },
    returns: () => TEXT,
    unsafe: 'carries',
    run: ([host, port]) => {
      const name = textOf(host, 'the host')
      return `${isIPv6(name) ? `[${name}]` : name}:${textOf(port, 'the port')}`
    },
  },
]

function onText(name: string, usage: string, work: (text: string) => string): Helper {
  return {
    name,
    usage,
    arity: { min: 1, max: 1 },
    returns: () => TEXT,
    unsafe: 'carries',
    run: ([value]) => work(textOf(value, 'the text')),
  }
}

/** Returns the last element: https://pkg.go.dev/path#Base */
function baseName(path: string): string {
  return path === '' ? '.' : posix.basename(path) || '/'
}

/** Returns all but the last element, https://pkg.go.dev/path#Dir: of `/a/b/` it is `/a/b`. */
function directory(path: string): string {
  const parent = posix.normalize(path.slice(0, path.lastIndexOf('/') + 1))
  return parent.length > 1 ? parent.replace(/\/$/, '') : parent
}

/** Replaces, as https://pkg.go.dev/strings#Replace: a negative count is every one; an empty `old` is found around each character. */
function replace(text: string, old: string, by: string, count: number): string {
  const pieces = old === '' ? ['', ...Array.from(text)] : text.split(old)
  const places = old === '' ? pieces.length : pieces.length - 1
  const times = count < 0 ? places : Math.min(count, places)
  const last = pieces.length - 1
  return pieces.map((piece, at) => (at < times ? piece + by : at < last && old !== '' ? piece + old : piece)).join('')
}

/** Decodes, as https://pkg.go.dev/encoding/base64#Encoding.DecodeString: strict, but for line breaks. */
function decode(encoded: string): string {
  const text = encoded.replace(/[\r\n]/g, '')
  const isBase64 = text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)
  const bytes = Buffer.from(text, 'base64')
  if (!isBase64 || bytes.length !== Buffer.byteLength(text, 'base64')) throw new HelperError('the text is not base64')
  return textOfBytes(bytes)
}

/** Parses a flag: https://pkg.go.dev/strconv#ParseBool */
function parseBool(text: string): boolean {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false
  throw new HelperError('the text is neither true nor false (1, t, true, 0, f, false)')
}

/** Parses a number: https://pkg.go.dev/strconv#Atoi */
function parseInteger(text: string): number {
  if (!/^[+-]?[0-9]+$/.test(text)) throw new HelperError('the text is not a whole number')
  // Without -0, which Go's integers do not have.
  const number = Number(text) + 0
  return integerOf(number === 0 ? 0 : number, 'the number')
}
