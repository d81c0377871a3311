/** HAProxy accepts the configurations that the documents about migrating show. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { TempDir } from '../support/files/temp.ts'
import { blockOf, read } from '../unit/migrating/page.ts'
import { context, inputs, replica, textOf } from '../unit/templates/engine/sample.ts'

const members = inputs(context([replica('pg 1', { host: 'fd00::1' }), replica('pg2')]))
const CONFIGURATIONS = {
  "autobase's template": textOf(blockOf(read('migrating-from-confd.md'), 'handlebars autobase'), members),
  'the configuration that a router replaces': blockOf(read('migrating-from-haproxy.md'), 'haproxy'),
}

for (const [title, text] of Object.entries(CONFIGURATIONS)) {
  test(`HAProxy accepts ${title}`, { timeout: 60_000 }, async () => {
    await using dir = TempDir.create('migrating')
    const file = join(dir.path, 'haproxy.cfg')
    writeFileSync(file, text)
    const { stdout } = await promisify(execFile)('haproxy', ['-c', '-f', file])
    assert.match(stdout, /Configuration file is valid/)
  })
}
