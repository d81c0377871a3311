// Stages and commits files as the router does, for a tracer to look at, to fail and to kill:
//   node commit-program.ts STATE_DIR|none TEXT DESTINATION...
import { pino } from 'pino'
import { explain } from '../../../../src/errors.ts'
import { Files } from '../../../../src/templates/files/files.ts'
import { Journal } from '../../../../src/templates/files/journal.ts'
import type { StagedFile } from '../../../../src/templates/files/target.ts'

const [stateDir = '', text = '', ...destinations] = process.argv.slice(2)
const files = new Files({ pid: process.pid, isAlive })
const log = pino({ level: 'warn' }, process.stderr)
const journal = new Journal({ dir: stateDir === 'none' ? null : stateDir, group: 'group', log })
const recovery = await files.recover(journal, destinations)
if (text === 'recover') console.log(JSON.stringify(recovery))
else {
  const staged: StagedFile[] = []
  try {
    const targets = destinations.map((destination) => ({
      ...{ destination, owner: null, group: null, mode: null, backup: false },
    }))
    for (const target of targets) staged.push(await files.stage(target, text))
    const outcome = await files.commit(staged, journal, stateDir !== 'none')
    console.log(`committed ${JSON.stringify(outcome)}`)
  } catch (error) {
    await files.discard(staged)
    console.log(`failed: ${explain(error)}`)
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code !== 'ESRCH'
  }
}
