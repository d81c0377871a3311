// Stages and commits files as the router does, for a tracer and for a place of its own to be mounted in:
//   node commit-program.ts STATE_DIR|none TEXT DESTINATION...
import { pino } from 'pino'
import { explain } from '../../../../src/errors.ts'
import { Files } from '../../../../src/templates/files/files.ts'
import { Journal } from '../../../../src/templates/files/journal.ts'
import type { StagedFile } from '../../../../src/templates/files/stage.ts'

const [stateDir = '', text = '', ...destinations] = process.argv.slice(2)
const files = new Files({ pid: process.pid, isAlive: () => true })
const log = pino({ level: 'warn' }, process.stderr)
const journal = new Journal({ dir: stateDir === 'none' ? null : stateDir, group: 'group', log })
await files.recover(journal, destinations)
const staged: StagedFile[] = []
try {
  for (const destination of destinations)
    staged.push(await files.stage({ destination, owner: null, group: null, mode: null, backup: false }, text))
  const outcome = await files.commit(staged, journal, stateDir !== 'none')
  console.log(`committed ${JSON.stringify(outcome)}`)
} catch (error) {
  await files.discard(staged)
  console.log(`failed: ${explain(error)}`)
}
