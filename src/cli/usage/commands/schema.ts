import { SCHEMA_URL } from '../../../config/defaults.ts'
import type { CommandUsage } from '../types.ts'

export const SCHEMA: CommandUsage = {
  name: 'schema',
  summary: 'print the JSON Schema of the configuration, for editors',
  about: [
    'The schema lets an editor complete and explain keys, and mark wrong ones while they are written. `check` finds more: faults between keys, and in files, addresses and templates.',
  ],
  options: [],
  exits: [
    { exit: 'ok', when: 'the schema was printed' },
    { exit: 'usage', when: 'the command line is invalid' },
  ],
  examples: [
    { about: 'keep the schema of the installed version', text: 'patroni-router schema > patroni-router.schema.json' },
    {
      about: 'the first line of a configuration file, for yaml-language-server',
      text: `# yaml-language-server: $schema=${SCHEMA_URL}`,
    },
  ],
}
