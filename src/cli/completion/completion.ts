import { EXIT, type Io } from '../io.ts'
import { bash } from './bash.ts'
import { fish } from './fish.ts'
import { zsh } from './zsh.ts'

interface Script {
  /** The file's name where the shell looks for it. */
  readonly file: string
  readonly text: () => string
}

/**
 * For each shell a script with the whole command line: starting Node at every TAB would make the user wait, for the same
 * words.
 */
export const SCRIPTS: Readonly<Record<string, Script>> = {
  bash: { file: 'patroni-router.bash', text: bash },
  zsh: { file: '_patroni-router', text: zsh },
  fish: { file: 'patroni-router.fish', text: fish },
}

/** Runs `completion`: prints the script of a shell. */
export function completion(shell: string, io: Io): Promise<number> {
  io.out(SCRIPTS[shell]?.text() ?? '')
  return Promise.resolve(EXIT.ok)
}
