import pg from 'pg'

export type Row = Readonly<Record<string, unknown>>

/** Runs one statement on a connection of its own, as the superuser `postgres` of a test cluster. */
export async function sql(port: number, text: string, { timeoutMs = 5_000 } = {}): Promise<Row[]> {
  const client = new pg.Client({
    ...{ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' },
    ...{ connectionTimeoutMillis: timeoutMs, query_timeout: timeoutMs },
  })
  // Without a listener an error of an idle connection would end the test process.
  client.on('error', () => undefined)
  try {
    await client.connect()
    return (await client.query<Row>(text)).rows
  } finally {
    void client.end().catch(() => undefined)
  }
}

/** The SQLSTATE or errno of what `pg` throws; else the start of its message. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return code !== '' ? code : error.message.slice(0, 60)
}
