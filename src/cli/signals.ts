/** Which signals do nothing, from the first moment on. Pure. */

/**
 * Node's own answer is a debugger on 127.0.0.1:9229, through which every user of the machine runs code as this process.
 */
const FOR_ALL: readonly NodeJS.Signals[] = ['SIGUSR1']

/** Their default ends the process, without a drain. No faults: those end it. */
const FOR_DAEMONS: readonly NodeJS.Signals[] = [
  'SIGUSR2',
  'SIGALRM',
  'SIGVTALRM',
  'SIGPROF',
  'SIGXCPU',
  'SIGXFSZ',
  'SIGIO',
  'SIGPWR',
  'SIGSTKFLT',
  'SIGPIPE',
]

/** Their default stops the process, and with it every session, until a SIGCONT. */
const FOR_SERVICES: readonly NodeJS.Signals[] = ['SIGTSTP', 'SIGTTIN', 'SIGTTOU']

/**
 * Returns the signals that are ignored with the command line `args`. `run` answers a SIGHUP when it can; until then it
 * ignores it, too.
 */
export function ignoredSignals([command = '', ...args]: readonly string[]): readonly NodeJS.Signals[] {
  if (command === 'run') return [...FOR_ALL, ...FOR_DAEMONS, ...FOR_SERVICES, 'SIGHUP']
  const isWatch = args.some((arg) => /^(-w|--watch)/.test(arg))
  return command === 'demo' || isWatch ? [...FOR_ALL, ...FOR_DAEMONS] : FOR_ALL
}
