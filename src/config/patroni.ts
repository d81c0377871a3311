import { z } from 'zod'
import type { RestApiConfig } from './config.ts'
import { type DcsSection, isThere, patroniKinds } from './dcs/kind.ts'
import { field, optional } from './values/fields.ts'
import { bad, good, type Parsed } from './values/parsed.ts'
import { isMapping, type Mapping, mappingOf } from '../text/unknown-shape.ts'
import type { Fault } from './file/problem.ts'

/** Unknown keys in Patroni's sections are Patroni's business. No message about them shows a value. */
function section<T extends z.core.$ZodShape>(shape: T) {
  return z.preprocess((value) => value ?? {}, z.looseObject(shape, 'must be a mapping'))
}

/** One of which only this is looked at here. */
function within<T extends z.core.$ZodShape>(shape: T) {
  return z.preprocess(mappingOf, z.looseObject(shape))
}

const PATRONI = z.object({
  scope: field((value) =>
    value === undefined || value === null || value === ''
      ? bad('is required: the name of the cluster, as in patroni.yml (or PATRONI_SCOPE)')
      : text(value),
  ),
  namespace: optional(textOrNull, null),
  // patroni/config.py: the place of `name` in old files.
  postgresql: within({ name: optional(textOrNull, null) }),
  name: optional(textOrNull, null),
  citus: section({ group: optional(group, null), database: optional(text, null) }),
  ctl: section({
    insecure: optional(boolean, false),
    cacert: optional(textOrNull, null),
    certfile: optional(textOrNull, null),
    keyfile: optional(textOrNull, null),
    keyfile_password: optional(textOrNull, null),
  }),
  restapi: section({ cafile: optional(textOrNull, null) }),
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
    namespace: (namespace ?? inDcs.value ?? 'service').replace(/\/+/g, '/').replace(/^\/|\/$/g, ''),
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

/** patroni/dcs/__init__.py `get_dcs`: one at the top is copied over that of the section of the DCS. */
function namespaceInDcs(
  tree: Mapping,
  kinds: readonly DcsSection[],
): { readonly ok: true; readonly value: string | null } | { readonly ok: false; readonly fault: Fault } {
  for (const { name } of patroniKinds(kinds)) {
    const section = mappingOf(tree[name])
    if (!isThere(section, 'namespace')) continue
    const parsed = text(section['namespace'])
    return parsed.ok ? parsed : { ok: false, fault: { path: [name, 'namespace'], message: parsed.message } }
  }
  return { ok: true, value: null }
}

function text(value: unknown): Parsed<string> {
  return typeof value === 'string' ? good(value) : bad('must be text: quote it')
}

/** For Patroni an empty text is as good as none. */
function textOrNull(value: unknown): Parsed<string | null> {
  return value === '' ? good(null) : text(value)
}

function boolean(value: unknown): Parsed<boolean> {
  return typeof value === 'boolean' ? good(value) : bad('must be true or false, without quotes')
}

/** `^(0|[1-9][0-9]*)$` in the DCS. */
function group(value: unknown): Parsed<number> {
  const valid = typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
  return valid ? good(value) : bad('must be a whole number, 0 (the coordinator) or more, without quotes')
}
