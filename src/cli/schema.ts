import { publishedConfigurationSchema } from '../config/json-schema.ts'
import { DCS_KINDS } from '../watcher/dcs/kinds.ts'
import { EXIT, type Io } from './io.ts'

/** Prints the JSON Schema of the configuration, for editors. */
export function schema(io: Io): number {
  io.out(publishedConfigurationSchema(DCS_KINDS))
  return EXIT.ok
}
