// `npm run schema`: writes the schema of `status --json` as JSON Schema into docs/.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { publishedSchema } from '../src/admin/status/schema.ts'

writeFileSync(join(import.meta.dirname, '../docs/status.schema.json'), publishedSchema())
