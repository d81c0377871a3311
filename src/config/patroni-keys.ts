/** The keys of Patroni's sections, so that a misspelt one does not stay unseen: Patroni itself reads past it. Pure. */
import { isMapping } from '../text/unknown-shape.ts'
import type { Fault } from './file/problem.ts'
import { nearest } from '../text/suggestion.ts'
import { type DcsSection, foreignKey, patroniKinds } from './dcs/kind.ts'
import { inFileAndClusters } from './sections.ts'

type Section = Readonly<Record<string, unknown>>

/** patroni/dcs/__init__.py `get_dcs`: what it copies into the section of the DCS can be written there as well. */
export const COPIED_KEYS: readonly string[] = [
  'namespace',
  'name',
  'scope',
  'loop_wait',
  'patronictl',
  'ttl',
  'retry_timeout',
  'group',
  'database',
]
export const TLS_KEYS: readonly string[] = ['cacert', 'ca_cert', 'cert', 'key']

/**
 * All that Patroni 3.0 to 4.1 reads (config.py, validator.py, api.py, log.py, request.py, dcs/*.py). Sections whose
 * keys are free (postgresql, bootstrap, tags) are not here, and the DCS that are kinds have their own.
 */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  citus: ['group', 'database'],
  ctl: ['insecure', 'cacert', 'certfile', 'keyfile', 'keyfile_password', 'authentication', 'auth'],
  restapi: [
    ...['listen', 'connect_address', 'authentication', 'auth', 'certfile', 'keyfile', 'keyfile_password', 'cafile'],
    ...['ciphers', 'verify_client', 'allowlist', 'allowlist_include_members', 'http_extra_headers'],
    ...['https_extra_headers', 'request_queue_size', 'server_tokens', 'thread_pool_size'],
  ],
  log: [
    ...['type', 'level', 'traceback_level', 'format', 'dateformat', 'static_fields', 'max_queue_size', 'dir', 'mode'],
    ...['file_size', 'file_num', 'loggers', 'deduplicate_heartbeat_logs'],
  ],
  watchdog: ['mode', 'device', 'safety_margin', 'driver'],
}

/** What such keys are called elsewhere, within Patroni's own file for example. */
const OTHER_WORDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ctl: {
    ...{ cafile: 'cacert', ca: 'cacert', cert: 'certfile', key: 'keyfile', password: 'keyfile_password' },
    ...{ key_password: 'keyfile_password', verify: 'insecure, its opposite' },
  },
  restapi: { cacert: 'cafile', cert: 'certfile', key: 'keyfile' },
}

/**
 * Returns keys in Patroni's sections that no Patroni has, also of the entries of `clusters`. They are warnings, since
 * the next Patroni may have them. No message shows a value.
 */
export function strangeKeys(tree: Section, kinds: readonly DcsSection[]): Fault[] {
  return inFileAndClusters(tree, (one, above) => strangeKeysOf(one, above, kinds))
}

function strangeKeysOf(tree: Section, above: readonly string[], kinds: readonly DcsSection[]): Fault[] {
  const patronis = patroniKinds(kinds)
  const keys = {
    ...KEYS,
    ...Object.fromEntries(
      patronis.map(({ name, patroni }) => [name, [...patroni.keys, ...(patroni.foreign ?? []).map(foreignKey)]]),
    ),
  }
  const words = { ...OTHER_WORDS, ...Object.fromEntries(patronis.map(({ name, patroni }) => [name, patroni.words])) }
  return Object.entries(keys).flatMap(([name, known]) => {
    const section = tree[name] ?? null
    if (!isMapping(section)) return []
    const strange = Object.keys(section).filter((key) => !known.includes(key))
    return strange.flatMap((key): Fault[] => {
      const near = meantBy(key, words[name] ?? {}, known)
      const hint = near === null ? '' : `; did you mean "${near}"?`
      // `{password, s3cret}` is two keys: what has no value may be one.
      if (near === null && (section[key] ?? null) === null)
        return [{ path: [...above, name], message: 'has a key without a value that Patroni does not have' }]
      return [{ path: [...above, name, key], message: `not used: Patroni has no such key in ${name}${hint}` }]
    })
  })
}

function meantBy(key: string, words: Readonly<Record<string, string>>, known: readonly string[]): string | null {
  return Object.hasOwn(words, key) ? (words[key] ?? null) : nearest(key, known)
}
