/** What a command is given: paths for its placeholders, and its environment. Pure. */
import { PLACEHOLDER, type Placeholder } from '../../config/templates/command.ts'
import { USUAL_PATH } from '../../usual-path.ts'

export type Fill = Readonly<Record<Placeholder, string>>

const PLAIN = /^[\w./+=:,@%-]+$/

/**
 * Returns `command` with the paths for its placeholders. In a text, which a shell reads, a path that a shell would not take as it
 * is gets quotes; the arguments of a list are never read by one. Once a staged file has become its destination, `staged`
 * is to be that, too.
 */
export function fill(command: string | readonly string[], paths: Fill): string | readonly string[] {
  if (typeof command === 'string') return replaced(command, paths, quoted)
  return command.map((argument) => replaced(argument, paths, (path) => path))
}

function replaced(text: string, paths: Fill, write: (path: string) => string): string {
  return text.replace(PLACEHOLDER, (_, name: Placeholder) => write(paths[name]))
}

function quoted(path: string): string {
  return PLAIN.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`
}

type Environment = Readonly<Record<string, string | undefined>>

const PASSED = /^(?:PATH|HOME|LANG|LC_[A-Z_]+|TZ|USER|LOGNAME|SHELL|TMPDIR|PATRONI_ROUTER_\w+)$/

/**
 * Returns what every command gets of the router's environment. `PATRONI_*` holds passwords and stays here, as does all that is
 * meant for the router alone (`NOTIFY_SOCKET`, `NODE_OPTIONS`).
 */
export function commandEnvironment(env: Environment): Record<string, string> {
  const passed = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && PASSED.test(name) ? [[name, value] as const] : [],
  )
  // Without it a shell finds what it has been compiled with, and a list nothing.
  return { PATH: USUAL_PATH, ...Object.fromEntries(passed) }
}
