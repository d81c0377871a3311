/** Files that are compared, staged and put in place on a real file system: owners, links, mount points, full disks. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  constants,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pino } from 'pino'
import { explain, RouterError } from '../../../src/errors.ts'
import { Files } from '../../../src/templates/files/files.ts'
import { Journal } from '../../../src/templates/files/journal.ts'
import type { CommitOutcome } from '../../../src/templates/files/commit.ts'
import type { Target } from '../../../src/templates/files/destination.ts'
import type { StagedFile } from '../../../src/templates/files/stage.ts'
import { TempDir } from '../../support/files/temp.ts'
import { systemUser } from '../../support/processes/user.ts'
import { type Fate, type FileCall, withFaults } from '../../support/files/faults.ts'

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

  test('keep owner and mode where none is configured, and get those that are', async () => {
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

  test('are refused for an unknown owner, by name', async () => {
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
    // What .. is depends on where the link before it leads to.
    mkdirSync(join(directory, 'real', 'deep'))
    symlinkSync('real/deep', join(directory, 'deep'))
    symlinkSync('deep/../up', join(directory, 'up'))
    for (const [name, real] of [
      ['link', 'file'],
      ['dangling', 'new'],
      ['up', 'up'],
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
    assert.deepEqual(readdirSync(join(directory, 'real')).sort(), ['deep', 'file', 'file.bak', 'new', 'up'])
  })

  test('are not reached by a link that another user has put into a directory of all', async () => {
    const directory = dir.mkdir('sticky')
    chmodSync(directory, 0o1777)
    const target = targetOf(join(directory, 'link'))
    symlinkSync('victim', target.destination)
    assert.equal(await files.difference(target, ''), 'missing')
    const other = systemUser('nobody')
    // Nobody but root can give one away.
    if (other === null || !isRoot) return
    lchownSync(target.destination, other.uid, other.gid)
    assert.match(await failure(files.stage(target, SECRET)), /sticky\/link is a link of another user in a directory of/)
    chmodSync(directory, 0o755)
    assert.equal(await files.difference(target, ''), 'missing')
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

  test('are not put in place after the checked file was changed', async () => {
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

  const FAULTS: readonly (readonly [name: string, nth: number, code: string, message: RegExp])[] = [
    ['.writeFile', 2, 'ENOSPC', /\/b cannot be written: ENOSPC/],
    ['.sync', 1, 'ENOSPC', /\/a cannot be written: ENOSPC/],
    ['.sync', 3, 'EIO', /\/c cannot be written: EIO/],
    ['.chmod', 2, 'EPERM', /\/b cannot be written: EPERM/],
    ['rename', 1, 'EPERM', /\/a cannot be replaced: EPERM/],
    ['rename', 2, 'EROFS', /\/b cannot be replaced: EROFS/],
    ['rename', 3, 'EIO', /\/c cannot be replaced: EIO/],
  ]
  for (const [name, nth, code, message] of FAULTS)
    test(`are all as they were, with nothing beside them, after a failure: ${name} ${nth} ${code}`, async () => {
      const { directory, paths } = oldFiles(`${name}-${nth}`)
      const fate: Fate = (call) => (call.name === name && call.nth === nth ? code : null)
      assert.match(await failure(withFaults(fate, async () => commitAll(paths, SECRET))), message)
      assert.deepEqual(readdirSync(directory), ['a', 'b'])
      for (const path of paths.slice(0, 2)) assert.equal(readFileSync(path, 'utf8'), 'old')
      assert.equal(modeOf(paths[0] ?? ''), 0o600)
    })

  const DETOURS: readonly (readonly [name: string, fate: Fate, outcome: RegExp])[] = [
    ['there are no hard links', ({ name }) => (name === 'link' ? 'EPERM' : null), /"inPlace":\[\]/],
    [
      'directories cannot be synced',
      ({ name, nth }) => (name === '.sync' && nth > 3 ? 'EINVAL' : null),
      /"warnings":\["[^"]* is not synced: EINVAL[^"]*"\]/,
    ],
    [
      'one is a mount point',
      ({ name, nth }) => (name === 'rename' && nth === 1 ? 'EBUSY' : null),
      /"inPlace":\["[^"]*\/a"\],"ownerKept":\[\]/,
    ],
    [
      'another one is',
      ({ name, nth }) => (name === 'rename' && nth === 2 ? 'EXDEV' : null),
      /"inPlace":\["[^"]*\/b"\]/,
    ],
  ]
  for (const [name, fate, outcome] of DETOURS)
    test(`are all written where ${name}`, async () => {
      const { directory, paths } = oldFiles(name)
      const said = await withFaults(fate, async () => commitAll(paths, 'new text'))
      assert.match(JSON.stringify(said), outcome)
      assert.deepEqual(readdirSync(directory), ['a', 'b', 'c'])
      for (const path of paths) assert.equal(readFileSync(path, 'utf8'), 'new text')
      assert.equal(modeOf(paths[0] ?? ''), 0o600)
    })

  test('that are written in place are put back as a whole when the disk is full in the middle', async () => {
    const { directory, paths } = oldFiles('full')
    const fate: Fate = ({ name, nth }) =>
      name === 'rename' && nth >= 2 ? 'EBUSY' : name === '.write' && nth === 1 ? 'ENOSPC' : null
    const message = await failure(withFaults(fate, async () => commitAll(paths, 'new and longer')))
    assert.match(message, /\/b cannot be replaced: ENOSPC/)
    assert.deepEqual(readdirSync(directory), ['a', 'b'])
    for (const path of paths.slice(0, 2)) assert.equal(readFileSync(path, 'utf8'), 'old')
  })

  test('that are written in place are closed to readers without the right to the new text', async () => {
    const path = join(dir.mkdir('narrow'), 'a')
    for (const [there, wanted, meanwhile] of [
      [0o644, 0o600, 0o600],
      [0o600, 0o644, 0o600],
      [0o640, 0o604, 0o600],
      [0o640, 0o640, 0o640],
    ] as const) {
      writeFileSync(path, 'old')
      chmodSync(path, there)
      const staged = await files.stage(targetOf(path, { mode: wanted }), SECRET)
      const modes: number[] = []
      const fate: Fate = ({ name }) => (
        name === '.write' && modes.push(modeOf(path)),
        name === 'rename' ? 'EBUSY' : null
      )
      await withFaults(fate, async () => files.commit([staged], noJournal(), false))
      assert.deepEqual([modes, modeOf(path)], [[meanwhile], wanted])
    }
  })

  test('that may not be written in place are left alone, with nothing beside them', async () => {
    const path = join(dir.mkdir('denied'), 'a')
    writeFileSync(path, 'old')
    chmodSync(path, 0o640)
    const denied: Readonly<Record<string, string>> = { link: 'EXDEV', '.chown': 'EPERM', rename: 'EBUSY' }
    const fate: Fate = ({ name, args: [file, flags] }) =>
      name === 'open' && file === path && (Number(flags) & constants.O_WRONLY) !== 0 ? 'EACCES' : (denied[name] ?? null)
    const message = await failure(withFaults(fate, async () => commitAll([path], SECRET)))
    assert.match(message, /a cannot be replaced: EACCES: injected$/)
    assert.deepEqual([readFileSync(path, 'utf8'), readdirSync(join(dir.path, 'denied'))], ['old', ['a']])
  })

  const isChange = ({ name, args }: FileCall): boolean => name === '.chmod' && args[0] === 0o640
  const KEEPS: readonly (readonly [name: string, fate: Fate])[] = [
    ['may not be changed in place', (call) => (call.name === 'rename' ? 'EBUSY' : isChange(call) ? 'EPERM' : null)],
    ['is changed in appearance only', (call) => (isChange(call) ? 'ignored' : null)],
  ]
  for (const [name, fate] of KEEPS)
    test(`are not written again for an owner or mode that ${name}`, async () => {
      const path = join(dir.mkdir(`kept ${name}`), 'a')
      writeFileSync(path, 'old')
      chmodSync(path, 0o644)
      const own = new Files({ pid: process.pid, isAlive: () => true })
      const target = targetOf(path, { mode: 0o640 })
      // On the file system that lies, staging is the same lie.
      const staged = await withFaults(name.startsWith('is') ? fate : () => null, async () => own.stage(target, 'new'))
      const outcome = await withFaults(fate, async () => own.commit([staged], noJournal(), false))
      assert.deepEqual(outcome.ownerKept, [path])
      assert.deepEqual(outcome.warnings, [`${path} keeps its owner and mode: they cannot be changed`])
      assert.notEqual(modeOf(path), 0o640)
      assert.equal(await own.difference(target, 'new'), 'same')
      assert.equal(await own.difference(target, 'newer'), 'content')
    })

  test('have a backup that no group of ours may read where it cannot be given to the group of the file', async () => {
    const path = join(dir.mkdir('strange'), 'a')
    writeFileSync(path, SECRET)
    chmodSync(path, 0o2654)
    const staged = await files.stage(targetOf(path, { backup: true }), 'new')
    const fate: Fate = ({ name }) => (name === 'link' || name === '.chown' ? 'EPERM' : null)
    await withFaults(fate, async () => files.commit([staged], noJournal(), false))
    assert.equal(readFileSync(`${path}.bak`, 'utf8'), SECRET)
    assert.equal(modeOf(`${path}.bak`), 0o644)
  })

  test('have a backup also where directories cannot be synced', async () => {
    const path = join(dir.mkdir('unsynced'), 'a')
    writeFileSync(path, 'old')
    const staged = await files.stage(targetOf(path, { backup: true }), 'new')
    const fate: Fate = ({ name, nth }) => (name === '.sync' && nth > 1 ? 'EINVAL' : null)
    const { warnings } = await withFaults(fate, async () => files.commit([staged], noJournal(), false))
    assert.deepEqual(
      [readFileSync(`${path}.bak`, 'utf8'), readFileSync(path, 'utf8'), warnings.length],
      ['old', 'new', 1],
    )
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

  async function commitAll(paths: readonly string[], text: string): Promise<CommitOutcome> {
    const staged: StagedFile[] = []
    try {
      for (const path of paths) staged.push(await files.stage(targetOf(path), text))
      return await files.commit(staged, noJournal(), true)
    } finally {
      await files.discard(staged)
    }
  }
})

function mayMount(flag: string): boolean {
  return spawnSync('unshare', [flag, 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0
}
