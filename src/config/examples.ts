/** What looks as if it were left from the README or the examples: it may be right all the same. Pure. */
import { isIPv4, isIPv6 } from 'node:net'
import { entriesOf } from './values/parsed.ts'
import { listOf, type Mapping, mappingOf } from '../text/unknown-shape.ts'
import type { Fault } from './file/problem.ts'
import type { DcsSection } from './dcs/kind.ts'
import { inFileAndClusters } from './sections.ts'

/** Of the README and the examples: etcd, members, and the addresses that move. */
const ADDRESSES: ReadonlySet<string> = new Set([
  ...['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.1.1', '10.0.0.100', '10.0.0.101'],
])

/** RFC 5737, 3849 and 2606: these are reserved, and where one is listened on that is found out by itself. */
const RESERVED = [
  /^(?:192\.0\.2|198\.51\.100|203\.0\.113)\.\d+$/,
  /^2001:0?db8:/,
  /(?:^|\.)example(?:\.(?:com|net|org))?$/,
]

const WORDS = /(?:^|[._-])(?:(?:change|replace|fill|edit)[._-]?(?:me|this|it|in)|your[._-]\w.*|fixme|xxx+)(?:$|[._-])/

/** A whole password. It is not shown: some are really like that. */
const PASSWORDS =
  /^(?:\.{3}|…|x{3,}|\*{3,}|(?:change|replace)[ ._-]?(?:me|this|it)|your[ ._-]\w+|<.*>|\$\{.*\}|\{\{.*\}\})$/i

/** Returns addresses, names and passwords that are those of the examples. */
export function unedited(tree: Mapping, kinds: readonly DcsSection[]): Fault[] {
  return inFileAndClusters(tree, (one, above) => uneditedIn(one, above, kinds))
}

function uneditedIn(tree: Mapping, above: readonly string[], kinds: readonly DcsSection[]): Fault[] {
  const section = (name: string): Mapping => mappingOf(tree[name])
  const files = section('track')['files']
  const addresses: readonly (readonly [path: readonly string[], value: unknown])[] = [
    ...kinds.flatMap(({ name, addresses: keys }) => keys.map((key) => [[name, key], section(name)[key]] as const)),
    ...Object.entries(mappingOf(section('proxy')['listeners'])).map(
      ([name, listener]) => [['proxy', 'listeners', name, 'bind'], mappingOf(listener)['bind']] as const,
    ),
    [['scope'], tree['scope']],
    [['name'], tree['name']],
    ...listOf(files).map(
      (file, index) => [['track', 'files', String(index), 'member'], mappingOf(file)['member']] as const,
    ),
  ]
  const passwords: readonly (readonly [path: readonly string[], value: unknown])[] = [
    ...kinds.flatMap(({ name, passwords: keys }) => keys.map((key) => [[name, key], section(name)[key]] as const)),
    [['ctl', 'keyfile_password'], section('ctl')['keyfile_password']],
  ]
  return [
    ...addresses.flatMap(([path, value]) => {
      const isBind = path.at(-1) === 'bind'
      const found = [...new Set(entriesOf(value).flatMap((entry) => exampleIn(entry.value, isBind)))]
      if (found.length === 0) return []
      const what =
        found.length === 1
          ? 'is as in the examples of the documentation: replace it unless it is really yours'
          : 'are as in the examples of the documentation: replace them unless they are really yours'
      return [{ path: [...above, ...path], message: `${found.join(', ')} ${what}` }]
    }),
    ...passwords
      .filter(([, value]) => typeof value === 'string' && PASSWORDS.test(value.trim()))
      .map(([path]) => ({ path: [...above, ...path], message: 'looks like one of an example: replace it' })),
  ]
}

/** Returns the part of an address or a name that is that of an example, without user and password. */
function exampleIn(value: unknown, isBind: boolean): string[] {
  if (typeof value !== 'string') return []
  const place = value
    .trim()
    .replace(/^[a-z][a-z0-9+.-]*:\/\//i, '')
    .replace(/^.*@/, '')
    .replace(/[/?#].*$/, '')
  const host = /^\[(.*)\](?::\d+)?$/.exec(place)?.[1] ?? /^([^:]*):\d+$/.exec(place)?.[1] ?? place
  const name = host.toLowerCase().replace(/\.$/, '')
  return (!isBind && isReserved(name)) || isExample(name) ? [place] : []
}

function isReserved(host: string): boolean {
  return RESERVED.some((form) => form.test(host))
}

function isExample(host: string): boolean {
  return ADDRESSES.has(host) || (!isIPv4(host) && !isIPv6(host) && WORDS.test(host))
}
