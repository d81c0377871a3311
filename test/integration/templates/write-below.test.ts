import assert from 'node:assert/strict'
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { writeBelow } from '../../../src/templates/once/write-below.ts'
import { TempDir } from '../../support/files/temp.ts'

let dir: TempDir
before(() => (dir = TempDir.create('below')))
after(() => dir.remove())

const target = (destination: string, mode: number | null = null) => ({ destination, mode })

test('writes no file that is as it should be, and one whose mode is not', async () => {
  const below = join(dir.path, 'mode')
  const path = join(below, 'etc/none/x.cfg')
  assert.deepEqual(await writeBelow(below, target('/etc/none/x.cfg'), 'x\n'), { path, isWritten: true })
  assert.equal(lstatSync(path).mode & 0o7777, 0o644)
  assert.deepEqual(await writeBelow(below, target('/etc/none/x.cfg'), 'x\n'), { path, isWritten: false })
  assert.deepEqual(await writeBelow(below, target('/etc/none/x.cfg', 0o600), 'x\n'), { path, isWritten: true })
  assert.equal(lstatSync(path).mode & 0o7777, 0o600)
})

test('writes nothing through a link that leads out of the directory', async () => {
  const below = dir.mkdir('links/below')
  const elsewhere = dir.mkdir('links/elsewhere')
  symlinkSync(elsewhere, join(below, 'etc'))
  const message = `${below}/etc is not a directory: nothing is written through it`
  await assert.rejects(writeBelow(below, target('/etc/none/x.cfg'), 'x\n'), { code: 'TEMPLATE_FAILED', message })
  assert.deepEqual(readdirSync(elsewhere), [])
  mkdirSync(join(below, 'opt'))
  writeFileSync(join(elsewhere, 'victim'), 'x\n')
  symlinkSync(join(elsewhere, 'victim'), join(below, 'opt/x.cfg'))
  assert.ok((await writeBelow(below, target('/opt/x.cfg'), 'x\n')).isWritten)
  assert.ok(lstatSync(join(below, 'opt/x.cfg')).isFile())
  assert.equal(readFileSync(join(elsewhere, 'victim'), 'utf8'), 'x\n')
})

test('writes below a directory that is a link itself, and also what has no directory', async () => {
  symlinkSync(dir.mkdir('real'), join(dir.path, 'link'))
  await writeBelow(join(dir.path, 'link'), target('/../x.cfg'), 'x\n')
  assert.ok(existsSync(join(dir.path, 'real/x.cfg')))
})
