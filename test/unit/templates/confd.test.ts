import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { compileTemplate } from '../../../src/templates/engine/compile.ts'
import type { TemplateContext } from '../../../src/templates/engine/context.ts'
import { LookupCache, type LookupSources } from '../../../src/templates/lookup-cache.ts'
import { type Block, BLOCKS, blocksOf, CONFD_PAGE } from './page.ts'
import { loadConfig } from '../../support/router/load-config.ts'

const EXAMPLES = Map.groupBy(
  blocksOf(CONFD_PAGE.slice(CONFD_PAGE.indexOf("\n## confd's examples\n"))),
  ({ heading }) => heading,
)
const COMMON_KEYS = valuesOf(textOf(EXAMPLES.get("confd's examples") ?? [], 'yaml keys') ?? '')
EXAMPLES.delete("confd's examples")

function textOf(blocks: readonly Block[], info: string): string | null {
  return blocks.find((block) => block.info === info)?.text ?? null
}

function valuesOf(yaml: string): Record<string, string> {
  return parse(yaml) as Record<string, string>
}

/** `NAME. IN TYPE ...`, as in a zone file. */
function lookupsIn(zone: string): LookupSources {
  const records = zone
    .split('\n')
    .map((line) => line.replaceAll(/\.(?= |$)/g, '').split(' '))
    .map(([name = '', , type = '', ...rest]) => ({ name, type, rest }))
  return {
    addresses: (host) =>
      Promise.resolve(
        records.filter(({ name, type }) => name === host && type.startsWith('A')).map(({ rest }) => rest[0] ?? ''),
      ),
    services: (service) =>
      Promise.resolve(
        records
          .filter(({ name, type }) => name === service && type === 'SRV')
          .map(({ rest: [priority, weight, port, name = ''] }) => ({
            name,
            port: Number(port),
            priority: Number(priority),
            weight: Number(weight),
          })),
      ),
    exists: (path) => Promise.resolve(path === '/etc/passwd'),
  }
}

test('the documentation has the examples', () => {
  assert.ok(EXAMPLES.size >= 35, `${EXAMPLES.size} examples`)
})

for (const [title, blocks] of EXAMPLES) {
  test(`${title}: gives what the documentation says`, async () => {
    const [template, expected] = [textOf(blocks, 'handlebars'), textOf(blocks, 'text')]
    assert.ok(textOf(blocks, 'go') !== null && template !== null && expected !== null, 'three blocks')
    const compiled = compileTemplate(title, template)
    assert.ok(compiled.ok, JSON.stringify(compiled))
    const keysText = textOf(blocks, 'yaml keys')
    const keys = keysText === null ? COMMON_KEYS : valuesOf(keysText)
    const inputs = {
      context: {} as TemplateContext,
      keys: { entries: new Map(Object.entries(keys).sort()) },
      env: valuesOf(textOf(blocks, 'yaml environment') ?? '{}'),
    }
    const cache = new LookupCache(lookupsIn(textOf(blocks, 'dns') ?? ''))
    let result = compiled.template.render({ ...inputs, answers: cache.answers })
    if (result.kind === 'asks') {
      await cache.answer(result.questions, new AbortController().signal)
      result = compiled.template.render({ ...inputs, answers: cache.answers })
    }
    assert.equal(result.kind === 'text' ? result.text : JSON.stringify(result), expected)
  })
}

test('every configuration in the documentation is valid', () => {
  const configs = BLOCKS.filter(({ info }) => info === 'yaml config')
  assert.ok(configs.length >= 6)
  for (const { heading, text } of configs) {
    const result = loadConfig({
      file: '/etc/patroni-router/config.yml',
      text: `scope: demo\netcd3: {hosts: ['127.0.0.1:2379']}\n${text}`,
      env: {},
    })
    assert.ok(result.ok, `${heading}: ${JSON.stringify(result)}`)
  }
})

/** resource/template/template_funcs.go, memkv's store.go, and confd's functions for encrypted values. */
const FUNCTIONS = `add atoi base base64Decode base64Encode cget cgets cgetv cgetvs contains datetime dir div exists
  fileExists get getenv gets getv getvs join json jsonArray lookupIP lookupIPV4 lookupIPV6 lookupSRV ls lsdir map mod mul
  parseBool replace reverse seq sortByLength sortKVByLength split sub toLower toUpper trimSuffix`.split(/\s+/)
/** docs/template-resources.md, docs/command-line-flags.md. */
const OPTIONS = `src dest keys prefix mode uid gid owner check_cmd reload_cmd -app-id -auth-token -auth-type -backend
  -basic-auth -client-ca-keys -client-cert -client-key -confdir -config-file -file -filter -interval -keep-stage-file
  -log-level -node -noop -onetime -password -path -prefix -role-id -scheme -secret-id -secret-keyring -separator
  -srv-domain -srv-record -sync-only -table -user-id -username -version -watch`.split(/\s+/)

for (const [what, names] of [
  ['Functions', FUNCTIONS],
  ['Options', OPTIONS],
] as const) {
  test(`the tables name all of confd's ${what.toLowerCase()}`, () => {
    const [section = ''] = CONFD_PAGE.slice(CONFD_PAGE.indexOf(`\n## ${what}\n`) + 1).split(
      /\n#+ (?!Functions|Options)/,
    )
    const firstCells = section.split('\n').map((line) => line.split(' | ')[0] ?? '')
    const missing = names.filter(
      (name) => !firstCells.some((cell) => cell.startsWith('| ') && cell.includes(`\`${name}\``)),
    )
    assert.deepEqual(missing, [])
  })
}
