/** What the documents show is what works: each block parses as what it is called. Shell: test/integration/documents. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { runProgram } from '../../../src/cli/program.ts'
import { formatProblems } from '../../../src/config/file/problem.ts'
import { parse } from '../../../src/templates/engine/parse.ts'
import { FakeIo } from '../../support/router/fake-io.ts'
import { loadConfig } from '../../support/router/load-config.ts'
import { type Block, blocksOf, DOCUMENTS, ROOT } from './markdown.ts'

const LANGUAGES = ['sh', 'yaml', 'json', 'handlebars', 'text', 'go', 'toml', 'haproxy', 'dns']

test('every block says what it is', () => {
  for (const { blocks } of DOCUMENTS)
    for (const { place, info } of blocks) {
      const [language = ''] = info.split(' ')
      assert.ok(LANGUAGES.includes(language), `${place}: "${language}" is none of ${LANGUAGES.join(', ')}`)
    }
})

test('every YAML block is YAML', () => {
  for (const { place, text } of blocksOf('yaml'))
    for (const document of parseAllDocuments(text, { version: '1.1' })) assert.deepEqual(document.errors, [], place)
})

test('every JSON block is JSON', () => {
  for (const { place, text } of blocksOf('json')) assert.doesNotThrow(() => JSON.parse(text) as unknown, place)
})

/** A block with a scope and a part of the router or a DCS is a configuration, unless it is called something else. */
const configurations = blocksOf('yaml').filter(
  ({ info, text }) =>
    info === 'yaml' && /^scope:/m.test(text) && /^(?:consul|etcd3?|raft|rest|file|proxy|templates):/m.test(text),
)

test('every configuration is one that check accepts', () => {
  assert.ok(configurations.length > 7)
  for (const { place, text } of configurations) {
    const result = loadConfig({ file: 'config.yml', text, env: {} })
    assert.ok(result.ok, result.ok ? '' : `${place}: ${formatProblems(result.problems)}`)
    assert.deepEqual(result.warnings, [], place)
  }
})

test('every template is one that the router parses', () => {
  for (const { place, text } of blocksOf('handlebars')) {
    const parsed = parse(text)
    assert.ok(parsed.ok, parsed.ok ? '' : `${place}: ${parsed.problem.message}`)
  }
})

/** The command lines of the program in a shell block: `patroni-router ARGS`, also by `npm run`. */
function commandLines({ text }: Block): readonly string[] {
  const lines = text
    .replaceAll('\\\n', ' ')
    .replace(/(?:^|\s)#.*$/gm, '')
    .split(/\n|&&|\|\|?|;/)
  return lines.flatMap((line) => {
    const [, args] = /(?:^|\s)patroni-router(?: --(?= ))? +((?:[^\s'"]+|'[^']*'|"[^"]*"| )+)/.exec(line) ?? []
    return args === undefined || /^\s*(?:npm|sudo npm) (?:install|pack)/.test(line) ? [] : [args.trim()]
  })
}

async function helpOf(...command: readonly string[]): Promise<string> {
  const io = new FakeIo()
  assert.equal(await runProgram([...command, '--help'], io), 0)
  return io.stdout
}

test('every command line of the program names commands and options that there are', async () => {
  const commands = [...(await helpOf()).matchAll(/^ {2}([a-z]+)(?: \[| {2})/gm)].map(([, name = '']) => name)
  let count = 0
  for (const block of blocksOf('sh'))
    for (const line of commandLines(block)) {
      const words = line.split(/\s+/)
      const [name = ''] = words
      if (/^[-[$]/.test(name) || /^-/.test(name)) continue
      if (!commands.includes(name)) {
        assert.match(name, /[/.=]/, `${block.place}: patroni-router ${line}`)
        continue
      }
      const help = await helpOf(name)
      for (const option of words.filter((word) => /^--?[a-z]/.test(word)).map((word) => word.split('=')[0] ?? '')) {
        assert.match(help, new RegExp(`(?:^|\\s)${option}(?:[\\s,]|$)`, 'm'), `${block.place}: patroni-router ${line}`)
        count++
      }
    }
  assert.ok(count > 40, `${count} options`)
})

test('every npm script of the documents is there', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  for (const { path, text } of DOCUMENTS)
    for (const [, name = ''] of text.matchAll(/npm run (?:-s |--silent )?([a-z:-]+)/g))
      assert.ok(name in scripts || name.endsWith(':'), `${path}: npm run ${name}`)
})
