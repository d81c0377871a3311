/** A cluster file on a real file system, changed in all the ways in which people and machines change files. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { DcsObservation } from '../../../src/watcher/dcs/dcs.ts'
import { FileDcs } from '../../../src/watcher/dcs/file/file-dcs.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'

/** Longer than any test: what is seen before is seen by the watch. */
const NEVER_MS = 600_000

const content = (leader: string, rest = ''): string =>
  `leader: ${leader}\nmembers:\n  pg1: {host: 10.0.0.1}\n  pg2: {host: 10.0.0.2}\n${rest}`

class Recorder implements AsyncDisposable {
  readonly seen: DcsObservation[] = []
  readonly #stop = new AbortController()
  readonly #done: Promise<void>

  constructor(path: string, intervalMs = NEVER_MS) {
    const dcs = new FileDcs({ path, intervalMs })
    this.#done = (async () => {
      for await (const observation of dcs.observe(this.#stop.signal)) this.seen.push(observation)
    })()
  }

  get snapshots() {
    return this.seen.filter((one) => one.type === 'snapshot')
  }

  /** Waits until the last observation is a snapshot with this leader. */
  async leader(name: string) {
    return until(`the leader is ${name}`, () => {
      const last = this.seen.at(-1)
      return last?.type === 'snapshot' && last.cluster.leader?.name === name && last
    })
  }

  /** Waits until the last observation is a loss, and gives its error. */
  async lost(what: RegExp) {
    return until(`it is lost: ${what.source}`, () => {
      const last = this.seen.at(-1)
      return last?.type === 'lost' && what.test(last.error.message) && last.error
    })
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#done
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

/** Writes another file and renames it over this one. */
function replace(path: string, text: string): void {
  writeFileSync(`${path}.new`, text)
  renameSync(`${path}.new`, path)
}

describe('a cluster file', () => {
  let dir: TempDir
  before(() => {
    dir = TempDir.create('file-dcs')
  })
  after(async () => dir.remove())

  function written(name: string, text = content('pg1')): string {
    const path = join(dir.mkdir(name), 'cluster.yml')
    writeFileSync(path, text)
    return path
  }

  test('is followed through renames, writes in place and removal, by its watch alone', async () => {
    const path = written('plain')
    await using recorder = new Recorder(path)
    await recorder.leader('pg1')
    for (const leader of ['pg2', 'pg1', 'pg2']) {
      replace(path, content(leader))
      await recorder.leader(leader)
    }
    writeFileSync(path, content('pg1'))
    await recorder.leader('pg1')
    rmSync(path)
    assert.match((await recorder.lost(/does not exist/)).message, /plain\/cluster\.yml does not exist$/)
    writeFileSync(path, content('pg2'))
    await recorder.leader('pg2')
  })

  test('is followed as Kubernetes replaces it, behind two symbolic links', async () => {
    const mount = dir.mkdir('configmap')
    const publish = (version: string, leader: string): void => {
      mkdirSync(join(mount, version))
      writeFileSync(join(mount, version, 'cluster.yml'), content(leader))
      symlinkSync(version, join(mount, '..data_tmp'))
      renameSync(join(mount, '..data_tmp'), join(mount, '..data'))
    }
    publish('..1', 'pg1')
    symlinkSync('..data/cluster.yml', join(mount, 'cluster.yml'))
    await using recorder = new Recorder(join(mount, 'cluster.yml'))
    await recorder.leader('pg1')
    for (const [version, before, leader] of [
      ['..2', '..1', 'pg2'],
      ['..3', '..2', 'pg1'],
    ] as const) {
      publish(version, leader)
      rmSync(join(mount, before), { recursive: true })
      await recorder.leader(leader)
    }
    assert.deepEqual(
      recorder.seen.filter(({ type }) => type === 'lost'),
      [],
    )
  })

  test('is followed when a link in its path leads elsewhere', async () => {
    const base = dir.mkdir('links')
    const paths = ['a', 'b'].map((name) => written(`links/${name}`, content(name === 'a' ? 'pg1' : 'pg2')))
    symlinkSync(join(base, 'a'), join(base, 'current'))
    await using recorder = new Recorder(join(base, 'current', 'cluster.yml'))
    await recorder.leader('pg1')
    symlinkSync('b', join(base, 'next'))
    renameSync(join(base, 'next'), join(base, 'current'))
    await recorder.leader('pg2')
    replace(paths[1] ?? '', content('pg1'))
    await recorder.leader('pg1')
  })

  test('is followed when its directory is removed and made again, or another takes its place', async () => {
    const path = written('gone')
    await using recorder = new Recorder(path)
    await recorder.leader('pg1')
    for (const leader of ['pg2', 'pg1']) {
      rmSync(join(dir.path, 'gone'), { recursive: true })
      await recorder.lost(/does not exist/)
      written('gone', content(leader))
      await recorder.leader(leader)
    }
    written('gone-new', content('pg2'))
    renameSync(join(dir.path, 'gone'), join(dir.path, 'gone-old'))
    renameSync(join(dir.path, 'gone-new'), join(dir.path, 'gone'))
    await recorder.leader('pg2')
    replace(path, content('pg1'))
    await recorder.leader('pg1')
  })

  test('appears later, with the directories above it', async () => {
    const path = join(dir.path, 'later', 'on', 'cluster.yml')
    await using recorder = new Recorder(path)
    await recorder.lost(/does not exist/)
    written('later/on')
    await recorder.leader('pg1')
  })

  test('is followed by the interval where the watch tells nothing', async () => {
    written('top/middle')
    written('other/middle', content('pg2'))
    await using recorder = new Recorder(join(dir.path, 'top', 'middle', 'cluster.yml'), 100)
    await recorder.leader('pg1')
    // What is renamed here is neither watched nor in a watched directory.
    renameSync(join(dir.path, 'top'), join(dir.path, 'old'))
    renameSync(join(dir.path, 'other'), join(dir.path, 'top'))
    await recorder.leader('pg2')
  })

  test('is confirmed each interval with the same cluster, also after a change that says the same', async () => {
    const path = written('same')
    await using recorder = new Recorder(path, 50)
    await until('there are confirmations', () => recorder.snapshots.length >= 3)
    replace(path, content('pg1', '# a comment\n'))
    const { length } = recorder.snapshots
    await until('there are more', () => recorder.snapshots.length >= length + 3)
    const [first, ...others] = recorder.snapshots
    for (const { cluster } of others) assert.equal(cluster, first?.cluster)
  })

  test('gives another session with another leader, and with no other change', async () => {
    const path = written('session')
    await using recorder = new Recorder(path)
    const sessions = [(await recorder.leader('pg1')).cluster.leader?.session]
    for (const [leader, rest] of [
      ['pg1', 'config: {pause: true}\n'],
      ['pg2', ''],
      ['pg1', ''],
    ] as const) {
      const { length } = recorder.seen
      replace(path, content(leader, rest))
      await until('it is read', () => recorder.seen.length > length)
      sessions.push((await recorder.leader(leader)).cluster.leader?.session)
    }
    assert.equal(sessions[1], sessions[0])
    assert.equal(new Set(sessions).size, 3)
    replace(path, content('pg1').replace('leader: pg1\n', ''))
    await until('nobody is named', () => recorder.snapshots.at(-1)?.cluster.leader === null)
    replace(path, content('pg1'))
    assert.ok(!sessions.includes((await recorder.leader('pg1')).cluster.leader?.session))
  })

  test('that is wrong is lost with all its problems in one line, each interval, until it is right again', async () => {
    const path = written('wrong')
    await using recorder = new Recorder(path, 50)
    const { cluster } = await recorder.leader('pg1')
    replace(path, 'leader: pg3\nmembers:\n  pg1: {hots: 10.0.0.1, host: a}\n')
    const { message, code } = await recorder.lost(/not used/)
    assert.equal(code, 'DCS_UNAVAILABLE')
    assert.equal(
      message.replaceAll(path, 'FILE'),
      'the cluster file FILE is not used: FILE:1:1: leader: "pg3" is not one of the members; did you mean "pg1"?; ' +
        'FILE:3:9: members.pg1.hots: unknown key; did you mean "host"?',
    )
    const { length } = recorder.seen
    await until('it is repeated', () => recorder.seen.length >= length + 2)
    replace(path, content('pg1'))
    assert.equal((await recorder.leader('pg1')).cluster, cluster)
  })

  test('with very many problems is reported with the first of them', async () => {
    const path = written('many', `${content('pg1')}${Array.from({ length: 500 }, (_, n) => `k${n}: 1\n`).join('')}`)
    await using recorder = new Recorder(path)
    const { message } = await recorder.lost(/and 480 more$/)
    assert.ok(message.length < 5000, String(message.length))
  })

  for (const [title, make, reason] of [
    ['a directory', (path: string) => mkdirSync(path), /is not a file$/],
    ['a pipe', (path: string) => execFileSync('mkfifo', [path]), /is not a file$/],
    [
      'a file of more than 1 MiB',
      (path: string) => writeFileSync(path, Buffer.alloc(1024 * 1024 + 1, '#')),
      /is larger than 1048576 bytes$/,
    ],
    ['a file of endless size', (path: string) => symlinkSync('/dev/zero', path), /is not a file$/],
    [
      'text of another encoding',
      (path: string) => writeFileSync(path, Buffer.from([0x61, 0xe4, 0x62])),
      /is not in UTF-8$/,
    ],
    ['a link to itself', (path: string) => symlinkSync('cluster.yml', path), /cannot be read: ELOOP/],
  ] as const)
    test(`that is ${title} is lost`, async () => {
      const path = join(dir.mkdir(title.replaceAll(' ', '-')), 'cluster.yml')
      make(path)
      await using recorder = new Recorder(path)
      await recorder.lost(reason)
      rmSync(path, { recursive: true })
      writeFileSync(path, content('pg1'))
      await recorder.leader('pg1')
    })

  test('that is written slowly, in place, counts once it is whole', async () => {
    const path = written('slow')
    await using recorder = new Recorder(path)
    await recorder.leader('pg1')
    const text = content('pg2', 'config: {pause: true}\n')
    truncateSync(path)
    for (const line of text.split(/(?<=\n)/)) {
      // Time for others to look, and not much of it.
      for (let turns = 0; turns < 10; turns++) await stat(path)
      appendFileSync(path, line)
    }
    const { cluster } = await recorder.leader('pg2')
    assert.deepEqual([cluster.members.length, cluster.paused], [2, true])
    assert.deepEqual(
      recorder.seen.map(({ type }) => type),
      ['snapshot', 'snapshot'],
    )
  })

  test('that never stands still counts as it is after an interval', async () => {
    const path = written('restless')
    await using recorder = new Recorder(path, 300)
    await recorder.leader('pg1')
    let n = 0
    const writer = setInterval(() => replace(path, content('pg2', `# ${++n}\n`)), 5)
    try {
      await recorder.leader('pg2')
    } finally {
      clearInterval(writer)
    }
  })

  test('leaves no watch and no timer behind, whatever it was doing', async () => {
    const path = written('end')
    const active = (kind: string): number => process.getActiveResourcesInfo().filter((name) => name === kind).length
    await until('the watches of other tests are closed', () => active('FSEventWrap') === 0)
    const timers = active('Timeout')
    const recorder = new Recorder(path)
    await recorder.leader('pg1')
    assert.ok(active('FSEventWrap') > 0, 'nothing was watched')
    await until('it waits', () => active('Timeout') > timers)
    await recorder.stop()
    const early = new Recorder(path)
    await early.stop()
    assert.deepEqual(early.seen, [])
    assert.equal(active('Timeout'), timers)
    await until('the watches are closed', () => active('FSEventWrap') === 0)
  })
})
