/** What a person who plays with the demo may want to know. Pure. */

/** What the keys do, and what sessions see of it, in lines that fit 80 columns. `serverVersion`: of PostgreSQL. */
export function helpOf(serverVersion: string): readonly string[] {
  return [
    's  planned switchover: sessions end (57P01), new clients wait',
    'c  the leader crashes: sessions end, new clients wait for the ttl',
    'f  Patroni of the leader hangs, its PostgreSQL goes on until the ttl',
    'b  crashed and frozen members come back   q  ends the demo',
    versionLine(serverVersion),
  ]
}

/** Which PostgreSQL that is, and which client fits. */
export function versionLine(serverVersion: string): string {
  return `PostgreSQL ${serverVersion} (PGlite): an older psql warns at its start, and works`
}
