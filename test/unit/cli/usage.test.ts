/** The command line, its help and docs/commands.md say the same. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { EXIT } from '../../../src/cli/io.ts'
import { runProgram } from '../../../src/cli/program.ts'
import { COMMANDS, EXITS } from '../../../src/cli/usage/program.ts'
import { codeOf, flagsOf, plain } from '../../../src/cli/usage/text.ts'
import { FakeIo } from '../../support/router/fake-io.ts'

const DOCUMENT = readFileSync(join(import.meta.dirname, '../../../docs/commands.md'), 'utf8')
const SECTIONS = new Map(
  DOCUMENT.split(/^## /m)
    .slice(1)
    .map((text) => [text.slice(0, text.indexOf('\n')), text]),
)
const EXAMPLES = COMMANDS.flatMap(({ examples }) => examples.map(({ text }) => text))

async function help(columns: number, ...args: string[]): Promise<string> {
  const io = new FakeIo({}, columns)
  assert.equal(await runProgram([...args, '--help'], io), 0)
  return io.stdout
}

/** The first column of a section's tables. */
function cells(section: string, pattern: RegExp): readonly string[] {
  return [...(SECTIONS.get(section) ?? '').matchAll(/^\| `([^`]+)` \|/gm)]
    .map(([, cell = '']) => cell)
    .filter((cell) => pattern.test(cell))
}

/** Terms that begin a line below a heading of a help. */
function terms(text: string, heading: string): readonly string[] {
  const [, below = ''] = new RegExp(`^${heading}:\n((?: .*\n)+)`, 'm').exec(text) ?? []
  return [...below.matchAll(/^ {2}(\S.*?)(?: {2}|$)/gm)].map(([, term = '']) => term)
}

test('docs/commands.md has a section for each command, and for nothing else', () => {
  const others = ['Options without a command', 'Exit codes', 'Files', 'Environment']
  assert.deepEqual([...SECTIONS.keys()], [...COMMANDS.map(({ name }) => name), ...others])
})

test('every exit code that there is has a line in docs/commands.md and in the help', async () => {
  const codes = Object.values(EXIT).map(String)
  assert.deepEqual(cells('Exit codes', /./), codes)
  assert.deepEqual(terms(await help(100), 'Exit codes'), codes)
  assert.deepEqual(EXITS.map(codeOf).map(String), codes)
})

test('the help names every command with what it does', async () => {
  const text = await help(100)
  assert.deepEqual(terms(text, 'Commands'), [...COMMANDS.map(({ name }) => name), 'help <COMMAND>'])
  for (const { name, summary } of COMMANDS)
    assert.match(text, new RegExp(`^  ${name} +${summary.replace(/[()]/g, '.')}`, 'm'))
})

for (const usage of COMMANDS)
  describe(`the command ${usage.name}`, () => {
    const flags = usage.options.map(flagsOf)
    const codes = usage.exits.map(codeOf).map(String)
    const choices = usage.argument?.choices.map(({ name }) => name) ?? []

    test('has in its help each option, choice and exit code once', async () => {
      const text = await help(100, usage.name)
      assert.deepEqual(terms(text, 'Options'), [...flags, '-h, --help'])
      assert.deepEqual(terms(text, 'Exit codes'), codes)
      if (usage.argument !== undefined) assert.deepEqual(terms(text, `<${usage.argument.name}>`), choices)
      assert.equal(new Set(codes).size, codes.length)
    })

    test('has in docs/commands.md each option, choice and exit code once', () => {
      assert.deepEqual(cells(usage.name, /^-/), flags)
      assert.deepEqual(cells(usage.name, /^\d$/), codes)
      assert.deepEqual(cells(usage.name, /^[a-z][\w-]+$/), choices)
    })

    test('accepts every option that it shows, and names it when its value is missing', async () => {
      for (const { long, value } of usage.options.filter(
        ({ value }) => value !== undefined && value.isOptional !== true,
      )) {
        const io = new FakeIo()
        assert.equal(await runProgram([usage.name, ...choices.slice(0, 1), `--${long}`], io), 2)
        assert.match(io.stderr, new RegExp(`^patroni-router: option '.*--${long} <${value?.name}>' argument missing\n`))
      }
    })
  })

for (const columns of [80, 100, 200])
  test(`no help is wider than a terminal of ${columns} columns, or than 100`, async () => {
    for (const args of [[], ...COMMANDS.map(({ name }) => [name])])
      for (const line of (await help(columns, ...args)).split('\n'))
        // An address that was wrapped could not be copied.
        assert.ok(line.length <= Math.min(columns, 100) || line.includes('https://'), `${args.join(' ')}: ${line}`)
  })

test('no Markdown is left in a help', async () => {
  assert.equal(plain('`a` b'), 'a b')
  for (const { name } of COMMANDS) assert.doesNotMatch(await help(80, name), /`/)
})

test('the examples use options that there are', () => {
  const calls = EXAMPLES.join('\n').matchAll(/patroni-router ([a-z]+)([^|&>\n]*)/g)
  let seen = 0
  for (const [call, name = '', rest = ''] of calls) {
    const usage = COMMANDS.find((command) => command.name === name)
    if (usage === undefined) continue
    const known = usage.options.flatMap(({ short, long }) => [`-${short ?? ''}`, `--${long}`])
    for (const [option] of rest.matchAll(/(?<= )--?[a-z][a-z-]*/g))
      assert.ok(known.includes(option), `${call}: ${option}`)
    seen++
  }
  assert.ok(seen > 10)
})
