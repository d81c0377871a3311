/** The kinds of DCS, and that nothing else knows one of them by name. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { DCS_KINDS } from '../../../../src/watcher/dcs/kinds.ts'

const ROOT = join(import.meta.dirname, '../../../..')

/** Where the word means something else: the server, a former key, a question to the REST API, and what a template asks the file system. */
const OTHER_MEANINGS: Readonly<Record<string, RegExp>> = {
  etcd: /^src\/watcher\/dcs\/etcd(?:3|-common)\//,
  rest: /^src\/watcher\/(?:checks|members|primary)\//,
  exhibitor: /^src\/watcher\/dcs\/zookeeper\//,
  file: /^src\/templates\//,
}
/** Patroni's own list of names. */
const NAMES = 'src/config/dcs/kind.ts'

const FILES = globSync('src/**/*.ts', { cwd: ROOT }).map((path) => ({
  path,
  // Comments may have examples.
  code: readFileSync(join(ROOT, path), 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, ''),
}))

describe('a kind of DCS', () => {
  for (const kind of DCS_KINDS) {
    const { name } = kind
    test(`${name} is known by name in its own folder alone`, () => {
      const own = `src/watcher/dcs/${name}/`
      assert.ok(FILES.some(({ path, code }) => path.startsWith(own) && code.includes(`'${name}'`)))
      const found = FILES.filter(
        ({ path, code }) =>
          !path.startsWith(own) &&
          path !== NAMES &&
          OTHER_MEANINGS[name]?.test(path) !== true &&
          new RegExp(`(['"])${name}\\1`).test(code),
      )
      assert.deepEqual(
        found.map(({ path }) => path),
        [],
      )
    })

    test(`${name} says of arbitrary keys what it has`, () => {
      assert.equal(kind.hasKeys, kind.createKeys !== undefined)
    })
  }

  test('is imported by the list of kinds and by nothing else outside its folder', () => {
    for (const { name } of DCS_KINDS) {
      const importers = FILES.filter(
        ({ path, code }) =>
          code.includes(`dcs/${name}/`) || (path.startsWith('src/watcher/dcs/') && code.includes(`'./${name}/`)),
      )
      const strangers = importers.filter(({ path }) => !path.startsWith(`src/watcher/dcs/${name}/`))
      assert.deepEqual(
        strangers.map(({ path }) => path),
        ['src/watcher/dcs/kinds.ts'],
      )
    }
  })
})
