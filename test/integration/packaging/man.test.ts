/** What the real `man` shows of the man pages. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { manPages, toMan } from '../../../scripts/manual/man-page.ts'
import { COMMANDS, ENVIRONMENT, FILES } from '../../../src/cli/usage/program.ts'
import { codeOf } from '../../../src/cli/usage/text.ts'
import { TempDir } from '../../support/files/temp.ts'

let dir: TempDir
before(() => (dir = TempDir.create('man')))
after(() => dir.remove())

/** Every word fits in a line, so that none is hyphenated. */
const WIDE = 1000

function man(file: string, columns: number, ...options: string[]): string {
  const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8', MANWIDTH: String(columns) }
  const { status, stdout, stderr } = spawnSync('man', [...options, '-l', file], { env, encoding: 'utf8' })
  assert.deepEqual([status, stderr], [0, ''], file)
  return stdout
}

for (const { file: name, markdown } of manPages())
  describe(`the man page ${name}`, () => {
    let file: string
    before(() => {
      file = join(dir.path, name)
      writeFileSync(file, toMan(markdown))
    })

    test('is shown at any width, and groff has nothing to warn of', () => {
      for (const columns of [60, 80, WIDE]) assert.ok(man(file, columns, '--warnings=all').length > 1000)
    })

    test('has its name, section, version and month in header and footer', () => {
      const title = name
        .replace(/\.(\d)$/, '($1)')
        .toUpperCase()
        .replaceAll('.', '\\.')
        .replace(/[()]/g, '\\$&')
      const text = man(file, 80)
      assert.match(text, new RegExp(`^${title} +patroni-router +${title}\n`))
      assert.match(text, new RegExp(`\npatroni-router \\d+\\.\\d+\\.\\d+ +[A-Z][a-z]+ 20\\d\\d +${title}\n$`))
    })

    test('says in one line what it is for, to apropos and whatis', () => {
      const { stdout } = spawnSync('lexgrog', [file], { encoding: 'utf8' })
      assert.match(stdout, new RegExp(`: "${name.replace(/\.\d$/, '')} - [^"]+"\n$`))
    })

    test('shows its options and commands as they are typed', () => {
      // Where Debian does not see to it, a bare hyphen becomes one that no shell knows.
      for (const line of toMan(markdown)
        .split('\n')
        .filter((each) => !each.startsWith('.')))
        assert.doesNotMatch(line, /(?<!\\)-/)
    })
  })

test('patroni-router(8) has the usual sections, and in them every command, option, exit code, file and variable', () => {
  const page = manPages().find(({ file }) => file === 'patroni-router.8')
  assert.ok(page)
  const file = join(dir.path, page.file)
  writeFileSync(file, toMan(page.markdown))
  const text = man(file, WIDE)
  const sections = ['NAME', 'SYNOPSIS', 'DESCRIPTION', 'COMMANDS', 'OPTIONS', 'EXIT STATUS', 'SIGNALS', 'FILES']
  assert.deepEqual(
    [...text.matchAll(/^[A-Z ]+$/gm)].map(([heading]) => heading),
    [...sections, 'ENVIRONMENT', 'EXAMPLES', 'SEE ALSO'],
  )
  for (const { name, options, exits } of COMMANDS) {
    const [, section = ''] = new RegExp(`^ {3}patroni-router ${name}\\b.*\n((?: {7}.*\n|\n)+)`, 'm').exec(text) ?? []
    const terms = [...section.matchAll(/^ {7}(\S.*?)(?: {2,}|$)/gm)].map(([, term = '']) => term)
    for (const { long } of options)
      assert.ok(
        terms.some((term) => term.split(/[ ,]+/).includes(`--${long}`)),
        `${name} --${long}`,
      )
    for (const exit of exits) assert.ok(terms.includes(String(codeOf(exit))), `${name}: ${exit.exit}`)
  }
  for (const { name } of [...FILES, ...ENVIRONMENT]) assert.match(text, new RegExp(`^ {7}${name}(?: |$)`, 'm'))
  for (const { signals = [] } of COMMANDS)
    for (const { names } of signals) assert.match(text, new RegExp(`^ {7}${names.join(', ')}(?: |$)`, 'm'))
})
