/** What `npm pack` makes of the repository. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { globSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { preProcessFile } from 'typescript'
import { manPages } from '../../../scripts/manual/man-page.ts'
import { SCRIPTS } from '../../../src/cli/completion/completion.ts'
import { packRepository, ROOT } from '../../support/router/package.ts'
import { TempDir } from '../../support/files/temp.ts'

type Manifest = {
  readonly scripts: Readonly<Record<string, string>>
  readonly man: readonly string[]
  readonly dependencies: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional: boolean }>>
}

let dir: TempDir
/** The unpacked tarball. */
let root: string
let manifest: Manifest

before(async () => {
  dir = TempDir.create('tarball')
  const tarball = await packRepository(dir.path)
  execFileSync('tar', ['-xzf', tarball, '-C', dir.mkdir('unpacked')])
  root = join(dir.path, 'unpacked/package')
  manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
})
after(() => dir.remove())

const files = (pattern: string, cwd: string): string[] =>
  globSync(pattern, { cwd })
    .filter((file) => statSync(join(cwd, file)).isFile())
    .toSorted()

test('the tarball has the compiled program, its man pages and completion, the examples and the documents, and nothing else', () => {
  const documents = ['CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE', 'README.md', 'SECURITY.md']
  assert.deepEqual(readdirSync(root).toSorted(), [...documents, 'dist', 'docs', 'examples', 'package.json'])
  const compiled = files('**/*', join(ROOT, 'src')).map((file) => file.replace(/\.ts$/, '.js'))
  const man = manPages().map(({ file }) => `man/${file}`)
  const completion = Object.values(SCRIPTS).map(({ file }) => `completion/${file}`)
  assert.deepEqual(files('**/*', join(root, 'dist')), [...compiled, ...man, ...completion].toSorted())
  for (const folder of ['docs', 'examples'])
    assert.deepEqual(files(`${folder}/**/*`, root), files(`${folder}/**/*`, ROOT))
})

test('nothing in the tarball points to the repository that it was made in', () => {
  for (const file of files('**/*', root)) {
    const text = readFileSync(join(root, file), 'utf8')
    for (const path of [ROOT, dir.path]) assert.ok(!text.includes(path), `${file} mentions ${path}`)
    assert.doesNotMatch(text, /^\/\/# sourceMappingURL=/m, `${file} has a map of sources that are not there`)
  }
})

test('the manifest names every man page, so that npm installs it', () => {
  assert.deepEqual(
    manifest.man,
    manPages().map(({ file }) => `./dist/man/${file}`),
  )
})

test('the completion in the tarball is what the command prints', () => {
  for (const { file, text } of Object.values(SCRIPTS))
    assert.equal(readFileSync(join(root, 'dist/completion', file), 'utf8'), text())
})

test('the program is executable, by the node that is on the PATH', () => {
  const main = join(root, 'dist/main.js')
  assert.equal(statSync(main).mode & 0o777, 0o755)
  assert.ok(readFileSync(main, 'utf8').startsWith('#!/usr/bin/env node\n'))
})

test('installing the tarball runs no script of its own', () => {
  const run = ['preinstall', 'install', 'postinstall']
  assert.deepEqual(
    run.filter((name) => name in manifest.scripts),
    [],
  )
})

test('the program imports its dependencies and optional peers, each of them and nothing else', () => {
  const { dependencies, peerDependencies: peers = {}, peerDependenciesMeta: meta = {} } = manifest
  const imported = files('dist/**/*.js', root)
    .flatMap((file) => preProcessFile(readFileSync(join(root, file), 'utf8')).importedFiles)
    .map(({ fileName }) => fileName)
    .filter((name) => !/^\.|^node:/.test(name))
    .map((name) => name.split('/', name.startsWith('@') ? 2 : 1).join('/'))
  assert.deepEqual([...new Set(imported)].toSorted(), Object.keys({ ...dependencies, ...peers }).toSorted())
  assert.deepEqual(
    imported.filter((name) => builtinModules.includes(name)),
    [],
  )
  assert.ok(Object.keys(peers).every((name) => meta[name]?.optional === true))
})
