/** Which keys of etcd are read, and the names that they have here. Pure. */
import { isUtf8 } from 'node:buffer'
import { textOfBytes } from '../../../text/binary-text.ts'
import { REPLACEMENT } from '../../../text/printable.ts'

export interface KeyRange {
  /** For people, and for `etcdctl`. */
  readonly name: string
  readonly first: Buffer
  /** The first one that is no longer in it; a zero byte: there is none. */
  readonly end: Buffer
  /** What a person types to have it read, after `etcdctl role grant-permission ROLE read`. */
  readonly grant: string
  /** Returns the name of a key. */
  nameOf(key: Buffer): string
  /** Returns its value as text. */
  valueOf(value: Buffer): string
}

/**
 * Returns the range of everything below `prefix` (`/service/demo/`, with the slash at the end), by name relative to it.
 */
export function belowPrefix(prefix: string): KeyRange {
  return {
    name: prefix,
    first: Buffer.from(prefix),
    // '0' follows '/': the range is exactly what begins with the prefix.
    end: Buffer.from(`${prefix.slice(0, -1)}0`),
    grant: `--prefix=true ${prefix}`,
    nameOf: (key) => key.toString().slice(prefix.length),
    valueOf: (value) => value.toString(),
  }
}

/**
 * Returns the range of the key `root` and all below it, by full name, with values of any bytes (text/binary-text.ts);
 * empty: everything. Between the two lie others, such as `/myapp/db-old`: the caller leaves out what is not `isWithin`
 * (key-values.ts).
 */
export function fromRoot(root: string): KeyRange {
  const isAll = root === ''
  return {
    name: isAll ? '/' : root,
    first: isAll ? Buffer.alloc(1) : Buffer.from(root),
    end: isAll ? Buffer.alloc(1) : Buffer.from(`${root}0`),
    grant: isAll ? "--prefix=true ''" : `${root} ${root}0`,
    nameOf: textOf,
    valueOf: textOfBytes,
  }
}

/** Returns a text for each key, a different one for each; a key that is not UTF-8 has U+FFFD in it. */
function textOf(key: Buffer): string {
  return isUtf8(key) ? key.toString() : `${key.toString()}${REPLACEMENT}${key.toString('hex')}`
}
