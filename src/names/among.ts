/** A name resolved beforehand: for a connection that may go to exactly these addresses. */
import { isIP, type LookupFunction } from 'node:net'
import { lookupError } from '../errors.ts'

/** Returns what to connect to instead of a name, with `lookupAmong`: the first of `addresses` that answers. */
export function hostAmong(addresses: readonly string[]): string {
  return addresses.join(',')
}

/** For the `lookup` option of a connection to `hostAmong`; it asks no resolver. */
export const lookupAmong: LookupFunction = (hosts, { all = false }, callback) => {
  const found = hosts.split(',').map((address) => ({ address, family: isIP(address) }))
  const [first] = found
  if (first === undefined || found.some(({ family }) => family === 0)) callback(lookupError(hosts, 'unknown'), '')
  else if (all) callback(null, found)
  else callback(null, first.address, first.family)
}
