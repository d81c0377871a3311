import { z } from 'zod'
import type { RestApiConfig } from './config.ts'
import { type DcsSection, isThere, patroniKinds } from './dcs/kind.ts'
import { defaulting, optional, required } from './values/fields.ts'
import type { ValueType } from './values/form.ts'
import { BOOLEAN } from './values/types.ts'
import { bad, good, type Parsed } from './values/parsed.ts'
import { isMapping, type Mapping, mappingOf } from '../text/unknown-shape.ts'
import type { Fault } from './file/problem.ts'

/** Returns the schema of a section. Unknown keys are Patroni's business. No message shows a value. */
function section<T extends z.core.$ZodShape>(shape: T, description: string) {
  return z
    .preprocess((value) => value ?? {}, z.looseObject(shape, 'must be a mapping'))
    .meta({ type: ['object', 'null'], description })
}

/** Returns the schema of a section of which only this is read. */
function within<T extends z.core.$ZodShape>(shape: T, description: string) {
  return z.preprocess(mappingOf, z.looseObject(shape)).meta({ type: ANYTHING, description })
}

const ANYTHING = ['object', 'array', 'string', 'number', 'boolean', 'null'] as const

const TEXT: ValueType<Parsed<string>> = { parse: text, form: { type: 'string' } }
/** For Patroni an empty text is as good as none. */
const TEXT_OR_NONE: ValueType<Parsed<string | null>> = {
  parse: (value) => (value === '' ? good(null) : text(value)),
  form: { type: 'string' },
}
/** What matters to one kind of DCS alone, which checks it. */
const UNCHECKED: ValueType<Parsed<unknown>> = { parse: (value) => good(value), form: {} }
const SCOPE: ValueType<Parsed<string>> = {
  parse: (value) =>
    value === undefined || value === null || value === ''
      ? bad('is required: the name of the cluster, as in patroni.yml (or PATRONI_SCOPE)')
      : text(value),
  // It may come from the environment.
  form: { type: ['string', 'null'] },
}
const GROUP: ValueType<Parsed<number>> = {
  parse: group,
  form: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
}

/** Patroni's sections besides the DCS, as far as they are read here. */
export const PATRONI = z.object({
  scope: required(SCOPE, 'Name of the cluster, as in Patroni.'),
  namespace: optional(
    TEXT_OR_NONE,
    'Where Patroni keeps its clusters in the DCS; slashes at the ends do not matter. Default: `service`; of `kubernetes`: `default`.',
  ),
  // patroni/config.py: the place of `name` in old files.
  postgresql: within(
    { name: optional(TEXT_OR_NONE, 'Former place of `name` in files of Patroni; still read.') },
    "Patroni's own: accepted, and nothing but `name` in it is used here.",
  ),
  name: optional(TEXT_OR_NONE, 'Patroni member on this host, if there is one.'),
  citus: section(
    {
      group: optional(
        GROUP,
        'Citus group that is served; `0` is the coordinator. In a patroni.yml it counts only beside `citus.database`.',
      ),
      database: optional(TEXT, 'Database of Citus.'),
    },
    'Citus, as in Patroni.',
  ),
  ctl: section(
    {
      insecure: defaulting(
        BOOLEAN,
        false,
        'Do not verify the certificates of the REST API; with a `certfile`, as in Patroni: verify all but the host name.',
      ),
      cacert: optional(
        TEXT_OR_NONE,
        "File with the CA of the members' REST API. Default: `restapi.cafile`, else the CAs of the system.",
      ),
      certfile: optional(TEXT_OR_NONE, 'File with the client certificate for the REST API.'),
      keyfile: optional(TEXT_OR_NONE, 'File with the key of `certfile`. Default: the key in `certfile`.'),
      keyfile_password: optional(TEXT_OR_NONE, 'Password of `keyfile`.'),
    },
    "How the members' REST API is reached, as for `patronictl`.",
  ),
  restapi: section(
    {
      cafile: optional(TEXT_OR_NONE, "File with the CA of the members' REST API, where `ctl.cacert` is not set."),
      connect_address: optional(
        UNCHECKED,
        'Where `raft` is the DCS: address of the REST API of the member of this file, and with its port of the others.',
      ),
      listen: optional(UNCHECKED, 'Where `raft` is the DCS: its port counts where `connect_address` is not set.'),
      certfile: optional(UNCHECKED, 'Where `raft` is the DCS: with a value the REST API has TLS.'),
    },
    "Patroni's own: accepted, and nothing but these keys in it is used here.",
  ),
})

interface PatroniSections {
  readonly scope: string
  readonly namespace: string
  readonly citusGroup: number | null
  readonly localMember: string | null
  readonly restApi: RestApiConfig
}

/** Checks Patroni's sections besides the DCS, with Patroni's meaning. */
export function parsePatroni(
  tree: Mapping,
  kinds: readonly DcsSection[],
): {
  readonly value: PatroniSections | null
  readonly faults: Fault[]
  readonly warnings: Fault[]
} {
  const { success, data, error } = PATRONI.safeParse(tree)
  const inDcs = namespaceInDcs(tree, kinds)
  if (!success || !inDcs.ok) {
    const faults = (error?.issues ?? []).map(({ path, message }) => ({ path: path.map(String), message }))
    return { value: null, faults: inDcs.ok ? faults : [...faults, inDcs.fault], warnings: [] }
  }
  const { scope, namespace, name, postgresql, citus, ctl, restapi } = data
  const warnings: Fault[] = []
  // patroni/config.py `_build_effective_configuration` drops a `citus` section that has no database.
  const isDropped = citus.group !== null && citus.database === null
  const isPatronis = isMapping(tree['postgresql'])
  const used = isPatronis ? 'not used: Patroni' : 'used here, but Patroni'
  if (isDropped) warnings.push({ path: ['citus', 'group'], message: `${used} ignores it without citus.database` })
  const value: PatroniSections = {
    scope,
    // patroni/dcs/__init__.py: `re.sub('/+', '/', ...)`.
    namespace: (namespace ?? inDcs.value ?? inDcs.usual).replace(/\/+/g, '/').replace(/^\/|\/$/g, ''),
    citusGroup: isDropped && isPatronis ? null : citus.group,
    localMember: name ?? postgresql.name,
    // patroni/request.py `reload_config`: the key and its password count only together with a certificate.
    restApi: {
      caFile: ctl.cacert ?? restapi.cafile,
      certFile: ctl.certfile,
      keyFile: ctl.certfile === null ? null : ctl.keyfile,
      keyPassword: ctl.certfile === null ? null : ctl.keyfile_password,
      insecure: ctl.insecure,
    },
  }
  return { value, faults: [], warnings }
}

/** Finds the namespace in the section of a DCS, and the one without any; one at the top is copied over it (patroni/dcs/__init__.py `get_dcs`). */
function namespaceInDcs(
  tree: Mapping,
  kinds: readonly DcsSection[],
):
  | { readonly ok: true; readonly value: string | null; readonly usual: string }
  | { readonly ok: false; readonly fault: Fault } {
  // Of several, Patroni takes the first.
  const used = patroniKinds(kinds).find(({ name }) => isThere(tree, name))
  const section = used === undefined ? {} : mappingOf(tree[used.name])
  const usual = used?.patroni.namespace ?? 'service'
  if (used === undefined || !isThere(section, 'namespace')) return { ok: true, value: null, usual }
  const parsed = text(section['namespace'])
  return parsed.ok
    ? { ...parsed, usual }
    : { ok: false, fault: { path: [used.name, 'namespace'], message: parsed.message } }
}

function text(value: unknown): Parsed<string> {
  return typeof value === 'string' ? good(value) : bad('must be text: quote it')
}

/** Parses a Citus group, `^(0|[1-9][0-9]*)$` in the DCS. */
function group(value: unknown): Parsed<number> {
  const valid = typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
  return valid ? good(value) : bad('must be a whole number, 0 (the coordinator) or more, without quotes')
}
