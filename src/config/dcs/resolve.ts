/** Where a cluster is observed. Pure. */
import { type DcsResult, type DcsSection, isThere, kindIn, type Origin, ownNames, patroniKinds } from './kind.ts'
import { alternatives } from '../../text/wording.ts'
import type { Mapping } from '../../text/unknown-shape.ts'
import type { Fault } from '../file/problem.ts'

/** Returns what Patroni does with both: it takes the first by name whose library is there (patroni/dcs/__init__.py). */
function beside(name: string, used: string): string {
  return name < used
    ? `not used here, but Patroni uses it instead of ${used} if its client library is installed: then ${used} is not this cluster`
    : `not used: Patroni uses ${used} instead (the first by name whose client library is installed)`
}

/**
 * Parses the section that says where the cluster is observed. The router's own go over Patroni's, so that a patroni.yml
 * of any DCS can stay as it is.
 */
export function resolveDcs(tree: Mapping, origin: Origin, kinds: readonly DcsSection[]): DcsResult {
  const own = ownNames(kinds).filter((name) => isThere(tree, name))
  const [, second] = own
  if (second !== undefined)
    return failed([{ path: [second], message: `${own.join(' and ')} are both set: keep one of them` }])
  const used = kindIn(tree, kinds)
  if (used === null) return failed([nowhere(kinds)])
  const { name, patroni } = used
  const unused = patroniKinds(kinds).flatMap((each) =>
    each.name !== name && isThere(tree, each.name) ? each.name : [],
  )
  const result = used.resolve(tree[name] ?? null, origin, tree)
  if (patroni === null) {
    const message = `not used: ${name} is there too and takes precedence`
    return { ...result, warnings: [...unused.map((each) => ({ path: [each], message })), ...result.warnings] }
  }
  const warnings = unused.map((each) => ({ path: [each], message: beside(each, name) }))
  return { ...result, warnings: [...warnings, ...result.warnings] }
}

function nowhere(kinds: readonly DcsSection[]): Fault {
  const [first] = kinds
  const ways = alternatives(kinds.map(({ needed }) => needed.how))
  return { path: [first?.name ?? '', first?.needed.key ?? ''], message: `no DCS is configured: ${ways}` }
}

function failed(faults: readonly Fault[]): DcsResult {
  return { value: null, faults, warnings: [] }
}
