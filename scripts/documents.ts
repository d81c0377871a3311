// `npm run docs`: writes the documents, and the parts of documents, that are generated from the source.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { benchmarks } from '../bench/documents.ts'
import { IMAGES } from './images/images.ts'
import { publishedOpenApi } from '../src/admin/http/openapi.ts'
import { publishedSchema } from '../src/admin/status/schema.ts'
import { publishedConfigurationSchema } from '../src/config/json-schema.ts'
import { DCS_KINDS } from '../src/watcher/dcs/kinds.ts'
import { generate, type Generated, ROOT } from './generated.ts'
import { CONFIGURATION_PARTS } from './manual/configuration-document.ts'
import { commandsDocument } from './manual/commands-document.ts'
import { metricsTable } from './metrics-table.ts'
import { statusTables } from './status-fields.ts'

/** Returns all generated documents and parts. A test fails when one is not current. */
export function generated(): readonly Generated[] {
  return [
    { file: 'docs/status.schema.json', part: null, text: publishedSchema },
    { file: 'docs/openapi.json', part: null, text: publishedOpenApi },
    { file: 'docs/configuration.schema.json', part: null, text: () => publishedConfigurationSchema(DCS_KINDS) },
    ...CONFIGURATION_PARTS,
    { file: 'docs/commands.md', part: null, text: commandsDocument },
    { file: 'docs/operations.md', part: 'counters', text: statusTables },
    { file: 'docs/operations.md', part: 'metrics', text: metricsTable },
    ...benchmarks(),
    ...IMAGES,
  ]
}

/** Writes all of it. */
export function writeDocuments(): void {
  for (const each of generated()) writeFileSync(join(ROOT, each.file), generate(each))
}

if (import.meta.main) writeDocuments()
