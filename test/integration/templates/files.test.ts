/** Files that are compared, staged and put in place on a real file system: owners, links, mount points, full disks. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import fs, { type FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pino } from 'pino'
import { explain, RouterError } from '../../../src/errors.ts'
import { Files } from '../../../src/templates/files/files.ts'
import { Journal } from '../../../src/templates/files/journal.ts'
import type { Target } from '../../../src/templates/files/target.ts'
import { TempDir } from '../../support/temp.ts'
import { systemUser } from '../../support/user.ts'

const PROGRAM = join(import.meta.dirname, 'support', 'commit-program.ts')
const SECRET = 'password-of-the-template'
const isRoot = process.getuid?.() === 0

describe('the files of templates', () => {
  let dir: TempDir
  const log = pino({ level: 'silent' })
  before(() => {
    dir = TempDir.create('files')
  })
  after(async () => dir.remove())

  const files = new Files({ pid: process.pid, isAlive: () => true })
  const noJournal = (): Journal => new Journal({ dir: null, group: 'g', log })
  const targetOf = (destination: string, more: Partial<Target> = {}): Target => ({
    ...{ destination, owner: null, group: null, mode: null, backup: false },
    ...more,
  })

  async function write(target: Target, text: string): Promise<void> {
    await files.commit([await files.stage(target, text)], noJournal(), false)
  }

  async function failure(promise: Promise<unknown>): Promise<string> {
    const error: unknown = await promise.then(
      () => null,
      (reason: unknown) => reason,
    )
    assert.ok(error instanceof RouterError && error.code === 'TEMPLATE_FAILED', String(error))
    assert.doesNotMatch(explain(error), new RegExp(SECRET))
    return explain(error)
  }

  const modeOf = (path: string): number => lstatSync(path).mode & 0o7777

  test('are written only while they differ in text, owner or mode', async () => {
    const path = join(dir.mkdir('differ'), 'a')
    const target = targetOf(path)
    assert.equal(await files.difference(target, 'ä'), 'missing')
    await write(target, 'ä')
    assert.equal(readFileSync(path, 'utf8'), 'ä')
    assert.equal(modeOf(path), 0o644)
    assert.equal(await files.difference(target, 'ä'), 'same')
    assert.equal(await files.difference(target, 'aa'), 'content')
    assert.equal(await files.difference(target, ''), 'content')
    assert.equal(await files.difference({ ...target, mode: 0o600 }, 'ä'), 'mode')
    assert.equal(await files.difference({ ...target, owner: '4711' }, 'ä'), 'owner')
    assert.equal(await files.difference({ ...target, group: '4711' }, 'ä'), 'owner')
    const { uid, gid } = statSync(path)
    assert.equal(await files.difference({ ...target, owner: `${uid}`, group: `${gid}`, mode: 0o644 }, 'ä'), 'same')
    assert.deepEqual(readdirSync(join(dir.path, 'differ')), ['a'])
  })

  test('keep owner and mode where none is asked for, and have those that are', async () => {
    const path = join(dir.mkdir('owner'), 'a')
    const other = systemUser('nobody')
    writeFileSync(path, 'old')
    chmodSync(path, 0o2640)
    if (other !== null) chownSync(path, other.uid, other.gid)
    if (other !== null) chmodSync(path, 0o2640)
    await write(targetOf(path), 'new')
    assert.equal(modeOf(path), 0o2640)
    if (other !== null) assert.deepEqual([lstatSync(path).uid, lstatSync(path).gid], [other.uid, other.gid])
    const me = execFileSync('id', ['-un'], { encoding: 'utf8' }).trim()
    const group = execFileSync('id', ['-gn'], { encoding: 'utf8' }).trim()
    const target = targetOf(path, { owner: me, group, mode: 0o600 })
    assert.notEqual(await files.difference(target, 'new'), 'same')
    await write(target, 'new')
    assert.equal(await files.difference(target, 'new'), 'same')
    assert.deepEqual([lstatSync(path).uid, modeOf(path)], [process.getuid?.(), 0o600])
  })

  test('are never more readable while they are staged than in the end', async () => {
    const path = join(dir.mkdir('private'), 'a')
    const staged = await files.stage(targetOf(path, { mode: 0o600 }), SECRET)
    assert.equal(modeOf(staged.staged), 0o600)
    await files.discard([staged, staged])
    assert.deepEqual(readdirSync(join(dir.path, 'private')), [])
  })

  test('are refused for an owner whom nobody knows, by name', async () => {
    const path = join(dir.mkdir('nobody'), 'a')
    for (const more of [
      { owner: 'no-such-user' },
      { group: 'no-such-group' },
      { owner: '-r' },
      { owner: '4294967295' },
    ]) {
      const message = await failure(files.stage(targetOf(path, more), SECRET))
      assert.match(message, /nobody\/a: there is no (user no-such-user|group no-such-group|user -r|user 4294967295)$/)
      assert.equal(await failure(files.difference(targetOf(path, more), SECRET)), message)
    }
    if (!isRoot)
      assert.match(await failure(files.stage(targetOf(path, { owner: '0' }), SECRET)), /a cannot be given to 0:/)
    assert.deepEqual(readdirSync(join(dir.path, 'nobody')), [])
  })

  test('that are links stay links, and what they lead to is replaced', async () => {
    const directory = dir.mkdir('links')
    mkdirSync(join(directory, 'real'))
    writeFileSync(join(directory, 'real', 'file'), 'old')
    symlinkSync('real', join(directory, 'directory'))
    symlinkSync('directory/file', join(directory, 'link'))
    symlinkSync('real/new', join(directory, 'dangling'))
    symlinkSync('loop', join(directory, 'loop'))
    for (const [name, real] of [
      ['link', 'file'],
      ['dangling', 'new'],
    ] as const) {
      const target = targetOf(join(directory, name), { backup: true })
      const staged = await files.stage(target, 'text')
      assert.ok(staged.staged.startsWith(join(directory, 'real', `.${real}.patroni-router-`)))
      await files.commit([staged], noJournal(), false)
      assert.ok(lstatSync(target.destination).isSymbolicLink())
      assert.equal(readFileSync(join(directory, 'real', real), 'utf8'), 'text')
      assert.equal(await files.difference(target, 'text'), 'same')
    }
    assert.equal(readlinkSync(join(directory, 'link')), 'directory/file')
    assert.equal(readFileSync(join(directory, 'real', 'file.bak'), 'utf8'), 'old')
    assert.match(await failure(files.difference(targetOf(join(directory, 'loop')), '')), /loop (is a link|cannot be)/)
    assert.deepEqual(readdirSync(join(directory, 'real')).sort(), ['file', 'file.bak', 'new'])
  })

  test('are refused where something else is, or no directory', async () => {
    const directory = dir.mkdir('else')
    mkdirSync(join(directory, 'directory'))
    execFileSync('mkfifo', [join(directory, 'pipe')])
    writeFileSync(join(directory, 'file'), '')
    const cases: readonly (readonly [string, RegExp])[] = [
      [join(directory, 'directory'), /else\/directory is a directory$/],
      [join(directory, 'pipe'), /else\/pipe is a pipe$/],
      ['/dev/null', /\/dev\/null is a device$/],
      [join(directory, 'none', 'a'), /the directory of .*none\/a is not there/],
      [join(directory, 'file', 'a'), /else\/file\/a cannot be reached: ENOTDIR/],
    ]
    for (const [path, message] of cases) {
      assert.match(await failure(files.difference(targetOf(path), SECRET)), message)
      assert.match(await failure(files.stage(targetOf(path), SECRET)), message)
    }
    assert.deepEqual(readdirSync(directory).sort(), ['directory', 'file', 'pipe'])
  })

  test('have a backup of what was there before the last change', async () => {
    const path = join(dir.mkdir('backup'), 'a')
    const target = targetOf(path, { backup: true })
    await write(target, 'one')
    assert.ok(!existsSync(`${path}.bak`))
    chmodSync(path, 0o640)
    for (const text of ['two', 'three']) {
      await write(target, text)
      assert.equal(readFileSync(`${path}.bak`, 'utf8'), text === 'two' ? 'one' : 'two')
      assert.equal(modeOf(`${path}.bak`), 0o640)
    }
    mkdirSync(join(dir.mkdir('backup2'), 'a.bak'))
    const other = targetOf(join(dir.path, 'backup2', 'a'), { backup: true })
    await write(other, 'one')
    assert.match(await failure(write(other, 'two')), /backup2\/a\.bak cannot be written: EISDIR/)
    assert.equal(readFileSync(other.destination, 'utf8'), 'one')
    assert.deepEqual(readdirSync(join(dir.path, 'backup2')).sort(), ['a', 'a.bak'])
    assert.deepEqual(readdirSync(join(dir.path, 'backup')).sort(), ['a', 'a.bak'])
  })

  test('are not put in place once somebody has changed what was checked', async () => {
    const directory = dir.mkdir('checked')
    const paths = [join(directory, 'a'), join(directory, 'b')]
    for (const path of paths) writeFileSync(path, 'old')
    for (const spoil of [(path: string) => writeFileSync(path, 'else'), (path: string) => execFileSync('rm', [path])]) {
      const staged = await Promise.all(paths.map(async (path) => files.stage(targetOf(path), SECRET)))
      spoil(staged[1]?.staged ?? '')
      const message = await failure(files.commit(staged, noJournal(), true))
      assert.match(message, /checked\/b: its staged file was (changed|removed) before it was committed$/)
      assert.deepEqual(
        paths.map((path) => readFileSync(path, 'utf8')),
        ['old', 'old'],
      )
      assert.deepEqual(readdirSync(directory).sort(), ['a', 'b'])
    }
  })

  const FAULTS: readonly (readonly [inject: string, message: RegExp])[] = [
    ['fsync:error=ENOSPC:when=1', /^failed: .*\/a cannot be written: ENOSPC/],
    ['fsync:error=EIO:when=3', /^failed: .*\/c cannot be written: EIO/],
    ['fchmod:error=EPERM:when=2', /^failed: .*\/b cannot be written: EPERM/],
    ['rename:error=EPERM:when=1', /^failed: .*\/a cannot be replaced: EPERM/],
    ['rename:error=EROFS:when=2', /^failed: .*\/b cannot be replaced: EROFS/],
    ['rename:error=EIO:when=3', /^failed: .*\/c cannot be replaced: EIO/],
  ]
  for (const [inject, message] of FAULTS)
    test(`are all as they were, with nothing beside them, after a failure: ${inject}`, () => {
      const { directory, paths } = oldFiles(inject)
      assert.match(commitBy(['-e', `inject=${inject}`], 'new', paths), message)
      assert.deepEqual(readdirSync(directory), ['a', 'b'])
      for (const path of paths.slice(0, 2)) assert.equal(readFileSync(path, 'utf8'), 'old')
      assert.equal(modeOf(paths[0] ?? ''), 0o600)
    })

  const DETOURS: readonly (readonly [name: string, injects: readonly string[], outcome: RegExp])[] = [
    ['there are no hard links', ['link:error=EPERM:when=1+'], /"inPlace":\[\]/],
    ['directories cannot be synced', ['fsync:error=EINVAL:when=4'], /"warnings":\[".* is not synced: EINVAL/],
    ['one is a mount point', ['rename:error=EBUSY:when=1'], /"inPlace":\["[^"]*\/a"\],"ownerKept":\[\]/],
    ['another one is', ['rename:error=EXDEV:when=2'], /"inPlace":\["[^"]*\/b"\]/],
  ]
  for (const [name, injects, outcome] of DETOURS)
    test(`are all written where ${name}`, () => {
      const { directory, paths } = oldFiles(name)
      const faults = injects.flatMap((inject) => ['-e', `inject=${inject}`])
      const said = commitBy(faults, 'new text', paths)
      assert.match(said, /^committed /)
      assert.match(said, outcome)
      assert.deepEqual(readdirSync(directory), ['a', 'b', 'c'])
      for (const path of paths) assert.equal(readFileSync(path, 'utf8'), 'new text')
      assert.equal(modeOf(paths[0] ?? ''), 0o600)
    })

  test('that are written in place are put back as a whole when the disk is full in the middle', () => {
    const { directory, paths } = oldFiles('full')
    const faults = ['-e', 'inject=rename:error=EBUSY:when=2+', '-e', 'inject=ftruncate:error=EIO:when=1']
    assert.match(commitBy(faults, 'new and longer', paths), /^failed: .*\/b cannot be replaced: EIO/)
    assert.deepEqual(readdirSync(directory), ['a', 'b'])
    for (const path of paths.slice(0, 2)) assert.equal(readFileSync(path, 'utf8'), 'old')
  })

  test('that have to keep their owner or mode are not written again for it', async (context) => {
    const path = join(dir.mkdir('kept'), 'a')
    writeFileSync(path, 'old')
    const target = targetOf(path, { mode: 0o600 })
    const staged = await files.stage(target, 'new')
    const handle = await fs.open(path)
    const busy = Object.assign(new Error('EBUSY: resource busy or locked'), { code: 'EBUSY' })
    context.mock.method(fs, 'rename', async () => Promise.reject(busy))
    const handles = Object.getPrototypeOf(handle) as FileHandle
    context.mock.method(handles, 'chmod', async (mode: number) => (mode === 0o600 ? Promise.reject(busy) : undefined))
    syncBuiltinESMExports()
    try {
      const { inPlace, ownerKept, warnings } = await files.commit([staged], noJournal(), false)
      assert.deepEqual([inPlace, ownerKept], [[path], [path]])
      assert.deepEqual(warnings, [`${path} keeps its owner and mode: they cannot be changed`])
    } finally {
      context.mock.restoreAll()
      syncBuiltinESMExports()
      await handle.close()
    }
    assert.equal(modeOf(path), 0o644)
    assert.equal(await files.difference(target, 'new'), 'same')
    assert.equal(await files.difference(target, 'newer'), 'content')
  })

  test('that are mounted by themselves are written in place, and fail as a whole on a full disk', () => {
    const directory = dir.mkdir('mounted')
    const [a, source] = [join(directory, 'a'), join(directory, 'source')]
    const command = `${process.execPath} ${PROGRAM} none`
    const script = `
      set -eu
      printf old > ${a}; printf 'old and longer' > ${source}
      mount --bind ${source} ${a}
      ${command} new ${a}
      cat ${source}; echo; ls -A ${directory}; umount ${a}; cat ${a}; echo
      mkdir ${directory}/small; mount -t tmpfs -o size=8k none ${directory}/small
      printf old > ${directory}/small/f
      ${command} "$(head -c 20000 /dev/zero | tr '\\0' x)" ${directory}/small/f
      cat ${directory}/small/f; echo; ls -A ${directory}/small`
    const namespace = ['-m', '-rm'].find(mayMount)
    // Where no mounts may be made at all, what is done there has been shown with faults above.
    if (namespace === undefined) return
    const { stdout, stderr } = spawnSync('unshare', [namespace, 'sh', '-c', script], { encoding: 'utf8' })
    const lines = stdout.trim().split('\n')
    assert.equal(lines[0], `committed {"inPlace":["${a}"],"ownerKept":[],"warnings":[]}`, stdout + stderr)
    assert.deepEqual(lines.slice(1, 5), ['new', 'a', 'source', 'old'])
    assert.match(lines[5] ?? '', /^failed: .*small\/f cannot be written: ENOSPC/)
    assert.deepEqual(lines.slice(6), ['old', 'f'])
  })

  /** Two files with something in them, and a third one that is not there. */
  function oldFiles(name: string): { readonly directory: string; readonly paths: readonly string[] } {
    const directory = dir.mkdir(name.replaceAll(/\W/g, '-'))
    const paths = ['a', 'b', 'c'].map((file) => join(directory, file))
    for (const path of paths.slice(0, 2)) writeFileSync(path, 'old')
    chmodSync(paths[0] ?? '', 0o600)
    return { directory, paths }
  }

  /** What the program says that commits `text`, with faults of the system. */
  function commitBy(faults: readonly string[], text: string, paths: readonly string[]): string {
    const strace = ['-f', '-qq', '--seccomp-bpf', '-o', join(dir.path, 'trace'), ...faults]
    const args = [...strace, process.execPath, PROGRAM, 'none', text, ...paths]
    // With one thread they are counted in the order in which they are made.
    const env = { ...process.env, UV_THREADPOOL_SIZE: '1' }
    const { stdout, stderr } = spawnSync('strace', args, { encoding: 'utf8', timeout: 60_000, env })
    assert.notEqual(stdout, '', stderr)
    return stdout
  }
})

function mayMount(flag: string): boolean {
  return spawnSync('unshare', [flag, 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0
}
