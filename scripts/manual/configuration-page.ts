/** The man page patroni-router.yml(5) as Markdown, from the schema of the configuration. Pure. */
import { DEFAULT_CONFIG_FILE, SCHEMA_URL } from '../../src/config/defaults.ts'
import { GROUPS, keysOf, variables } from './configuration-keys.ts'

/** Returns the page. */
export function configurationPage(): string {
  return [
    '# patroni-router.yml(5) -- configuration of patroni-router',
    '## DESCRIPTION',
    `The file is YAML 1.1, as Patroni reads it. It is named by \`-c\`, else by the variable PATRONI_ROUTER_CONFIG, else it is \`${DEFAULT_CONFIG_FILE}\`. A directory is read as well: its \`*.yml\` and \`*.yaml\` in the order of their names, each over those before. Without a file the environment alone is enough.`,
    'The configuration of Patroni can be used as it is: sections that are not described here are accepted and not used. Unknown keys in the sections of the router, and unknown sections, are errors. Keys at the top that begin with `x-` or a dot are not read; they are a place for anchors.',
    '`patroni-router check` reports every problem at once, with file, line and key.',
    'Durations are written `500ms`, `3s`, `1m30s` or `2h`; a `0` needs no unit. Sizes are bytes, or text with a unit: `B`, `kB`, `MB`, `GB` or `TB`, in powers of 1024. `NAME` in a key is a name that you choose, `[]` an entry of a list.',
    '## EXAMPLE',
    '```\nscope: demo\netcd3:\n  hosts: [10.0.0.1:2379, 10.0.0.2:2379, 10.0.0.3:2379]\n```',
    ...GROUPS.flatMap((group) => [
      `## ${group.title.toUpperCase()}`,
      ...keysOf(group).map(({ key, fallback, meaning }) => {
        const tail = fallback === null ? 'Required.' : fallback === 'none' ? '' : `Default: ${fallback}.`
        return `- **${escaped(key)}**\\\n  ${[meaning, tail].filter((text) => text !== '').join(' ')}`
      }),
    ]),
    '## SEVERAL CLUSTERS',
    'Below `clusters` each cluster has a name and any of `scope`, `namespace`, `name`, `citus`, `ctl`, `restapi`, `etcd3`, `etcd`, `consul`, `zookeeper`, `exhibitor`, `kubernetes`, `raft`, `rest` and `file`, and of `proxy` the keys `address`, `trust` and `check`, with the meaning that they have at the top. A section at the top counts for each cluster that has none of its own.',
    '## ENVIRONMENT',
    'Variables of Patroni go over the file; an empty one is not set.',
    ...variables().map(([variable, key]) => `- **${escaped(variable)}**\\\n  Sets \`${key}\`.`),
    '- **PATRONI\\_CONFIGURATION**\\\n  The whole configuration as YAML, if there is no file; no other variable of Patroni is read then.',
    '## JSON SCHEMA',
    `\`patroni-router schema\` prints a JSON Schema of the file, for editors. It is published at ${SCHEMA_URL}`,
    '## SEE ALSO',
    '**patroni-router**(8), **patroni**(1)',
  ].join('\n\n')
}

function escaped(text: string): string {
  return text.replace(/[[\]_*]/g, '\\$&')
}
