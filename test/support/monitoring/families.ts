import { NATIVE_FAMILIES } from '../../../src/admin/metrics/native.ts'

/** The families that the router exports, those of HAProxy aside. */
export const FAMILIES: ReadonlySet<string> = new Set(NATIVE_FAMILIES.map(({ name }) => name))
