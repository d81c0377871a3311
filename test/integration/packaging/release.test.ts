/** `npm run release`, in a repository of its own. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { TempDir } from '../../support/files/temp.ts'
import { ROOT } from '../../support/router/package.ts'

const NOT_COPIED = ['node_modules', 'dist', '.git', 'release']
const IDENTITY = ['-c', 'user.name=Test', '-c', 'user.email=test@example.org', '-c', 'commit.gpgSign=false']
const CHANGELOG = `# Changelog

## Unreleased

## 1.2.3 - 2026-11-28

### Added

- One thing.

## 1.2.2 - 2026-11-01

### Fixed

- Another.
`
let dir: TempDir
let clone: string
/** What every test begins with. */
let start: string

const git = (...args: string[]): string => execFileSync('git', [...IDENTITY, ...args], { cwd: clone, encoding: 'utf8' })
const path = (name: string): string => join(clone, name)

before(() => {
  dir = TempDir.create('release')
  clone = join(dir.path, 'repository')
  const isCopied = (source: string): boolean => dirname(source) !== ROOT || !NOT_COPIED.includes(basename(source))
  cpSync(ROOT, clone, { recursive: true, filter: isCopied })
  git('init', '--quiet')
  // A tag and a commit ask for who makes them.
  git('config', 'user.name', 'Test')
  git('config', 'user.email', 'test@example.org')
  setVersion('1.2.3')
  writeFileSync(path('CHANGELOG.md'), CHANGELOG)
  // A link is not what "node_modules" as a directory is ignored by.
  writeFileSync(path('.git/info/exclude'), 'node_modules\n')
  symlinkSync(join(ROOT, 'node_modules'), path('node_modules'))
  git('add', '--all')
  git('commit', '--quiet', '--message', 'all')
  start = git('rev-parse', 'HEAD').trim()
})
beforeEach(() => {
  git('reset', '--quiet', '--hard', start)
  for (const tag of git('tag').split('\n')) if (tag !== '') git('tag', '--delete', tag)
  rmSync(path('release'), { recursive: true, force: true })
})
after(() => dir.remove())

function setVersion(version: string): void {
  for (const file of ['package.json', 'package-lock.json']) {
    const text = readFileSync(path(file), 'utf8')
    writeFileSync(path(file), text.replace(/^( +"version": )".*"/m, `$1"${version}"`))
  }
}

function commit(change: () => void): void {
  change()
  git('commit', '--quiet', '--all', '--message', 'a change')
}

function release(...args: string[]): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/release.ts', ...args], {
    cwd: clone,
    encoding: 'utf8',
  })
  return { status, said: stdout + stderr }
}

/** The section of 1.2.3 is the message of its tag, the tarball is that of the version, and the checksum is its. */
function assertReleased(directory: string): void {
  assert.deepEqual(readdirSync(directory).toSorted(), ['SHA256SUMS', 'patroni-router-1.2.3.tgz'])
  const tarball = readFileSync(join(directory, 'patroni-router-1.2.3.tgz'))
  const sum = createHash('sha256').update(tarball).digest('hex')
  assert.equal(readFileSync(join(directory, 'SHA256SUMS'), 'utf8'), `${sum}  patroni-router-1.2.3.tgz\n`)
  execFileSync('sha256sum', ['--check', '--status', 'SHA256SUMS'], { cwd: directory })
  const manifest = execFileSync('tar', ['-xzOf', join(directory, 'patroni-router-1.2.3.tgz'), 'package/package.json'])
  assert.equal((JSON.parse(manifest.toString()) as { version: string }).version, '1.2.3')
  assert.equal(git('cat-file', '-t', 'v1.2.3'), 'tag\n')
  assert.equal(git('rev-parse', 'v1.2.3^{commit}'), git('rev-parse', 'HEAD'))
  const message = 'patroni-router 1.2.3\n\n### Added\n\n- One thing.\n'
  assert.equal(git('tag', '--list', '--format=%(contents)', 'v1.2.3').trimEnd(), message.trimEnd())
  assert.equal(git('status', '--porcelain'), '')
}

test('the newest version of the changelog becomes a tag, a tarball and a checksum', () => {
  const { status, said } = release()
  assert.equal(status, 0, said)
  assertReleased(path('release/v1.2.3'))
  assert.match(said, /Nothing is pushed or published:\n {2}git push origin \S+ v1\.2\.3\n {2}npm publish /)
  assert.equal(git('rev-parse', 'HEAD').trim(), start)
})

test('--version makes a version of what is unreleased, in a commit of its own', () => {
  commit(() => {
    setVersion('1.2.2')
    writeFileSync(path('CHANGELOG.md'), CHANGELOG.replace(/\n## 1\.2\.3.*\n/, ''))
  })
  const output = join(dir.path, 'elsewhere')
  const { status, said } = release('--version', '1.2.3', '--output', output)
  assert.equal(status, 0, said)
  assertReleased(output)
  assert.equal(git('log', '-1', '--format=%s'), 'release: 1.2.3\n')
  const changed = ['CHANGELOG.md', 'package-lock.json', 'package.json', '']
  assert.deepEqual(git('diff', '--name-only', 'HEAD^').split('\n'), changed)
  assert.match(
    readFileSync(path('CHANGELOG.md'), 'utf8'),
    /^## Unreleased\n\n## 1\.2\.3 - \d{4}-\d\d-\d\d\n\n### Added\n\n- One thing\.$/m,
  )
})

const edit = (from: string | RegExp, to: string) => () =>
  commit(() => writeFileSync(path('CHANGELOG.md'), CHANGELOG.replace(from, to)))

const REFUSALS: readonly (readonly [title: string, prepare: () => void, args: readonly string[], why: RegExp])[] = [
  [
    'a file that is not committed',
    () => writeFileSync(path('new'), ''),
    [],
    /the working tree has changes: commit or stash them first:\n\?\? new$/m,
  ],
  [
    'another version in package.json',
    () => commit(() => setVersion('1.2.4')),
    [],
    /package\.json is at 1\.2\.4, and the newest version in CHANGELOG\.md is 1\.2\.3$/m,
  ],
  ['no version at all', edit(/^## 1[^]*/m, ''), [], /CHANGELOG\.md has no version: give one with --version/],
  ['no date', edit('1.2.3 - 2026-11-28', '1.2.3'), [], /CHANGELOG\.md has no date for 1\.2\.3/],
  ['a date that is none', edit('2026-11-28', '2026-13-28'), [], /CHANGELOG\.md has no date for 1\.2\.3/],
  ['a version of which nothing is said', edit(/### Added[^]*One thing\.\n/, ''), [], /says nothing of 1\.2\.3/],
  [
    'unreleased entries',
    edit('## Unreleased\n', '## Unreleased\n\n- More.\n'),
    [],
    /has unreleased entries above 1\.2\.3/,
  ],
  ['a tag that is there', () => void git('tag', 'v1.2.3'), [], /there is a tag v1\.2\.3 already/],
  ['a version that is none', () => undefined, ['--version', 'v2'], /v2 is no version/],
  ['a version for nothing', () => undefined, ['--version', '1.3.0'], /has no unreleased entries for 1\.3\.0/],
  [
    'a version that is there',
    edit('## Unreleased\n', '## Unreleased\n\n- More.\n'),
    ['--version', '1.2.3'],
    /CHANGELOG\.md has 1\.2\.3 already/,
  ],
  [
    'an older version',
    edit('## Unreleased\n', '## Unreleased\n\n- More.\n'),
    ['--version', '1.1.9'],
    /1\.1\.9 is older than 1\.2\.3 in package\.json/,
  ],
  [
    'a directory that is there',
    edit('## Unreleased\n', '## Unreleased\n\n- More.\n'),
    ['--version', '1.3.0', '--output', '.git'],
    /\.git is there already: remove it, or choose another with --output/,
  ],
]
for (const [title, prepare, args, why] of REFUSALS) {
  test(`it is refused, and nothing changes: ${title}`, () => {
    prepare()
    const [head, tags, changes] = [git('rev-parse', 'HEAD'), git('tag'), git('status', '--porcelain')]
    const { status, said } = release(...args)
    rmSync(path('new'), { force: true })
    assert.equal(status, 1, said)
    assert.match(said, why)
    assert.match(said, /^no release: /m)
    assert.deepEqual([git('rev-parse', 'HEAD'), git('tag')], [head, tags])
    assert.equal(git('status', '--porcelain'), changes.replace('?? new\n', ''))
    assert.equal(existsSync(path('release')), false)
  })
}

test('a mistake in the command line is reported with the usage', () => {
  const { status, said } = release('--verison', '1.3.0')
  assert.equal(status, 2)
  assert.match(said, /--verison[^]*usage: npm run release/)
})
