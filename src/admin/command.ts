/** The admin socket's command language, which is HAProxy's (management guide, 9.3). Pure. */

/** A command of the admin socket. */
export interface Command {
  /** `['show', 'info']`. Of two commands that fit, the one with more words counts. */
  readonly words: readonly string[]
  /** What follows the words, for the help: `<seconds>`. */
  readonly parameters: string
  readonly help: string
  /**
   * Returns its answer, at once or in parts; a line end is added where there is none. The message of a rejection is sent as the
   * answer, so it is written for the operator. `args` are the words after `words`. The next part is taken when the client has
   * received the one before. Parts that come without an end must end with `session.interrupted`.
   */
  run(args: readonly string[], session: CommandSession): string | Promise<string> | AsyncIterable<string>
}

/** The connection that sent a command. */
export interface CommandSession {
  /** Switches the interactive mode on or off. */
  togglePrompt(): void
  /** Sets how long the connection may be idle, in milliseconds. */
  setIdleTimeout(ms: number): void
  /** Runs no further command of this connection. */
  quit(): void
  /** Aborted when the connection is closed. */
  readonly signal: AbortSignal
  /** Aborted when the client sends something while it receives an answer in parts, or ends the connection. */
  readonly interrupted: AbortSignal
}

/**
 * Returns the commands in one line, as words. Like HAProxy: `;` separates commands, words are separated by blanks, a backslash
 * takes the next character literally, and a word that begins with `#` is a comment up to the end of the line.
 */
export function parseLine(line: string): string[][] {
  const commands: string[][] = [[]]
  let word: string | null = null
  const endWord = (): void => {
    if (word !== null) commands.at(-1)?.push(word)
    word = null
  }
  for (let at = 0; at < line.length; at++) {
    const character = line.charAt(at)
    if (character === '\\') word = (word ?? '') + line.charAt(++at)
    else if (character === '#' && word === null) break
    else if (character === ';') {
      endWord()
      commands.push([])
    } else if (/\s/.test(character)) endWord()
    else word = (word ?? '') + character
  }
  endWord()
  return commands
}

/** Returns the command that `words` call, and its arguments; null: there is none. */
export function findCommand(
  commands: readonly Command[],
  words: readonly string[],
): { readonly command: Command; readonly args: readonly string[] } | null {
  const [command] = commands
    .filter((each) => each.words.every((word, at) => word === words[at]))
    .toSorted((a, b) => b.words.length - a.words.length)
  return command === undefined ? null : { command, args: words.slice(command.words.length) }
}

/** Returns the answer to an unknown command. Tools recognize it by its first two words. */
export function unknownCommand(commands: readonly Command[]): string {
  return `Unknown command. Please enter one of the following commands only:\n${listOf(commands)}`
}

/** Returns `others` with the commands of every connection, and `help` about all of them. */
export function withSessionCommands(others: readonly Command[]): readonly Command[] {
  const commands: Command[] = [
    ...others,
    {
      words: ['help'],
      parameters: '[<command>]',
      help: 'list matching or all commands',
      run: (args) => {
        const matching = commands.filter(({ words }) => args.every((word, at) => words[at] === word))
        return `The following commands are valid at this level:\n${listOf(matching)}`
      },
    },
    {
      words: ['prompt'],
      parameters: '',
      help: 'toggle interactive mode with prompt',
      run: (_, session) => {
        session.togglePrompt()
        return ''
      },
    },
    {
      words: ['quit'],
      parameters: '',
      help: 'disconnect',
      run: (_, session) => {
        session.quit()
        return ''
      },
    },
    {
      words: ['set', 'timeout', 'cli'],
      parameters: '<delay>',
      help: 'change the idle timeout of this connection (in seconds)',
      run: ([delay], session) => {
        if (delay === undefined) return 'Expects an integer value.'
        const ms = parseDelay(delay)
        if (ms === null) return 'Invalid timeout value.'
        session.setIdleTimeout(ms)
        return ''
      },
    },
  ]
  return commands
}

/** Parses HAProxy's times: a whole number of seconds, or of the unit that follows, up to the longest timer of Node. */
function parseDelay(text: string): number | null {
  const match = /^(\d{1,10})(ms|s|m|h|d)?$/.exec(text)
  const unit = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match?.[2] ?? 's'] ?? 0
  const ms = Number(match?.[1] ?? 0) * unit
  return ms > 0 ? Math.min(ms, 2 ** 31 - 1) : null
}

function listOf(commands: readonly Command[]): string {
  return commands
    .map(({ words, parameters, help }) => `  ${[...words, parameters].join(' ').trim().padEnd(40)}: ${help}\n`)
    .join('')
}
