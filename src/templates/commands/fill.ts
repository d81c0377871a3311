/** Puts paths into a command. Pure. */
import { PLACEHOLDER, type Placeholder } from '../../config/templates/command.ts'

export type Fill = Readonly<Record<Placeholder, string>>

const PLAIN = /^[\w./+=:,@%-]+$/

/**
 * `command` with the paths for its placeholders. In a text, which a shell reads, a path that a shell would not take as it
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
