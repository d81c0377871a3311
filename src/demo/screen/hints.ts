/** Commands and keys to try, with a line about each. Pure. */
export interface HintFacts {
  readonly primaryPort: number
  readonly replicaPort: number
  readonly socketPath: string
  /** URL of the router's page; null: there is none. */
  readonly page: string | null
  /** How the router's commands are called here. */
  readonly command: string
}

export interface Hint {
  readonly command: string
  readonly about: string
}

/** Returns hints, the most useful first. */
export function hintsOf({ primaryPort, replicaPort, socketPath, page, command }: HintFacts): readonly Hint[] {
  const psql = (port: number): string => `psql -h localhost -p ${port} -U postgres`
  return [
    { command: psql(primaryPort), about: 'the primary; try: show demo.member' },
    { command: psql(replicaPort), about: 'the replicas in turn, read-only' },
    { command: `${command} status --socket ${socketPath}`, about: '' },
    ...(page === null ? [] : [{ command: page, about: 'the same in a browser' }]),
  ]
}

export function hintLine({ command, about }: Hint): string {
  return about === '' ? command : `${command}   # ${about}`
}

/** Returns how the router is called: `npm run -s patroni-router --` in a checkout, where nothing is installed. */
export function commandName(env: Readonly<Record<string, string | undefined>>): string {
  return env['npm_lifecycle_event'] === 'demo' ? 'npm run -s patroni-router --' : 'patroni-router'
}

/**
 * Describes what the keys do, and what sessions see of it, in lines that fit 80 columns. `serverVersion`: of
 * PostgreSQL.
 */
export function helpOf(serverVersion: string): readonly string[] {
  return [
    's  planned switchover: sessions end (57P01), new clients wait',
    'c  the leader crashes: sessions end, new clients wait until its lock expires',
    'f  Patroni of the leader hangs; its PostgreSQL continues (split brain)',
    'b  crashed and frozen members come back   q  ends the demo',
    versionLine(serverVersion),
  ]
}

/** Describes which PostgreSQL that is, and which client fits. */
export function versionLine(serverVersion: string): string {
  return `PostgreSQL ${serverVersion} (PGlite): an older psql shows a warning, and works`
}
