/** What psql asks the catalogs, where its version is older than the server. Pure. */

/** Columns that PostgreSQL 17 has renamed: psql 15 and 16 ask for the old ones at `\l` and `\dO`. */
const RENAMED: readonly (readonly [catalog: RegExp, old: RegExp, now: string])[] = [
  [/\bpg_catalog\.pg_database d\b/, /\bd\.daticulocale\b/g, 'd.datlocale'],
  [/\bpg_catalog\.pg_collation c\b/, /\bc\.colliculocale\b/g, 'c.colllocale'],
]

/** `sql` with the names that the columns have now. */
export function columnsAsNow(sql: string): string {
  return RENAMED.reduce((text, [catalog, old, now]) => (catalog.test(text) ? text.replace(old, now) : text), sql)
}
