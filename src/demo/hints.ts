/** What a person may try. Pure. */
export interface HintFacts {
  readonly primaryPort: number
  readonly replicaPort: number
  readonly socketPath: string
  /** How the router's commands are called here. */
  readonly command: string
}

export interface Hint {
  readonly command: string
  readonly about: string
}

/** The most useful first. */
export function hintsOf({ primaryPort, replicaPort, socketPath, command }: HintFacts): readonly Hint[] {
  const psql = (port: number): string => `psql -h localhost -p ${port} -U postgres`
  return [
    { command: psql(primaryPort), about: 'the primary; try: show demo.member' },
    { command: psql(replicaPort), about: 'the replicas in turn, read-only' },
    { command: `${command} status --socket ${socketPath}`, about: '' },
  ]
}

export function hintLine({ command, about }: Hint): string {
  return about === '' ? command : `${command}   # ${about}`
}

/** `npm run -s patroni-router --` in a checkout, where nothing is installed. */
export function commandName(env: Readonly<Record<string, string | undefined>>): string {
  return env['npm_lifecycle_event'] === 'demo' ? 'npm run -s patroni-router --' : 'patroni-router'
}
